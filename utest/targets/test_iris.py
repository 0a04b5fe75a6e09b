"""The target file of the Iris server. No build of it is here, so what would run is held against its documentation."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from waybill.targets import LaunchError, TargetError, find_target, launch
from waybill.targets.model import Launch
from waybill.targets.target_file import parse_target

IRIS = find_target("iris")
SAYS_HOW_IT_WAS_CALLED = """
import os, signal, sys
print(sys.argv[0].rpartition("/")[2], *sys.argv[1:], sep="\\n")
print(os.getcwd(), os.environ["ERL_EPMD_PORT"], open("node.config").read(), "THE END", sep="\\n", flush=True)
if os.getcwd().endswith("core"):
    signal.pause()
while "THE END" not in open("../core/output.log").read():
    pass
"""
LISTENS = """
import socket, sys
listener = socket.create_server((sys.argv[4], int(sys.argv[2])))
while True:
    listener.accept()[0].close()
"""


def launched() -> Launch:
    assert IRIS.launch is not None
    return IRIS.launch


def test_an_unset_build_is_named_with_its_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IRIS_BUILD", raising=False)
    text = (
        IRIS.path.read_text().replace('"epmd", "-port"', '"true", "-port"').replace('"erl", "-', '"true", "-')
    )
    with pytest.raises(
        TargetError, match="'core': the environment variable IRIS_BUILD is not set; the target file needs it"
    ):
        launch(parse_target(text, IRIS.path), tmp_path)
    monkeypatch.setenv("IRIS_BUILD", "")
    with pytest.raises(TargetError, match="IRIS_BUILD is not set"):
        launch(parse_target(text, IRIS.path), tmp_path / "again")


def test_its_nodes_are_started_as_its_documentation_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a stand-in for `erl` that says how it was called; the edge then ends."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, text in (("erl", SAYS_HOW_IT_WAS_CALLED), ("epmd", LISTENS)):
        stand_in = programs / name
        stand_in.write_text(f"#!{sys.executable}\n{text}")
        stand_in.chmod(0o700)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("IRIS_BUILD", "/somewhere/build")
    folder = tmp_path / "target"
    with pytest.raises(LaunchError, match="edge"):
        launch(IRIS, folder)
    core = (folder / "core" / "output.log").read_text().splitlines()
    assert core[:12] == [
        "erl", "-noshell", "-noinput", "-pa", "/somewhere/build/ebin", "-sname", "iris_core_waybill", "-setcookie",
        core[8], "-config", "node", "-eval",
    ]  # fmt: skip
    assert core[12] == "application:ensure_all_started(iris_core)."
    assert core[13] == str(folder / "core")
    assert "[{iris_core, [{presence_backend, ets}]}]." in core
    edge = (folder / "edge" / "output.log").read_text().splitlines()
    cookie, port = core[8], edge[13]
    assert edge[:16] == [
        "erl", "-noshell", "-noinput", "-pa", "/somewhere/build/ebin", "-sname", "iris_edge1_waybill", "-setcookie",
        cookie, "-config", "node", "-iris_edge", "port", port, "-eval", "application:ensure_all_started(iris_edge).",
    ]  # fmt: skip
    assert edge[17] == core[14]
    assert f'{{tls_certfile, "{folder}/edge/certificate.pem"}},' in edge[19]
    assert int(port) > 0


def test_its_accounts_show_nothing_but_their_names(tmp_path: Path) -> None:
    text = """
        name = "running"
        driver = "iris"
        [endpoints.edge]
        url = "iris://127.0.0.1:1"
        [users]
        file = "accounts"
        [tokens]
        method = "METHOD"
    """
    (tmp_path / "accounts").write_text("alice:secret\n")
    for method, shown in (("none", ""), ("password", "secret")):
        target = parse_target(text.replace("METHOD", method), tmp_path / "running.toml")
        running = launch(target, tmp_path / method)
        credential = running.credential(running.account(), "phone")
        assert (credential.user, credential.password, credential.token) == ("alice", shown, "")


def test_what_its_specification_promises_is_not_waived() -> None:
    assert {waiver.guarantee for waiver in IRIS.waivers} == {"DEV-1", "DEV-2"}
    assert [process.name for process in launched().processes] == ["epmd", "core", "edge"]
