"""Releases, migrations, kinds of clients, and starts that end by themselves, at a server of a few lines."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from test_launch import SERVER, place, starts, target

from waybill.commands.expectations import lacking_upkeep
from waybill.targets import MeansMissing, TargetError, TargetFileError, launch
from waybill.targets.model import TargetFile
from waybill.targets.upkeep import BACK, FORWARD

OLD = f"""
release = "2"
[launch.process.releases.1]
arguments = ["fails"]
[launch.process.releases."1.5"]
command = ["{{python}}", "{SERVER}", "{{address}}", "{{port}}", "{{data}}"]
[launch.migrate]
forward = ["{{python}}", "-c", "import os; print(os.listdir('{{data}}'), os.getcwd())"]
[clients.old]
driver = "xmpp"
endpoints = {{ node = "xmpps://{{address}}:{{port}}" }}
arguments = ["fails"]
bound_tokens = false
[clients.new]
version = 4
"""


def test_a_node_is_one_release_after_the_other(tmp_path: Path) -> None:
    with launch(target(more=OLD), tmp_path) as running:
        upkeep = running.upkeep()
        assert (upkeep.releases, upkeep.release) == (["1", "1.5", "2"], "2")
        with pytest.raises(TargetError, match="node runs; stop or kill it before its release is changed"):
            upkeep.change_release("1.5")
        running.stop()
        with pytest.raises(TargetError, match=r"no release '3'. Releases: 1, 1.5, 2"):
            upkeep.change_release("3")
        upkeep.change_release("1.5")
        running.start()
        assert (upkeep.release, len(starts(running))) == ("1.5", 2)


def test_a_start_that_ends_by_itself_is_told_with_what_it_printed(tmp_path: Path) -> None:
    with launch(target(more=OLD), tmp_path) as running:
        running.stop()
        upkeep = running.upkeep()
        upkeep.change_release("1")
        ended = upkeep.try_start()
        assert (ended.status, "no such option" in ended.said) == (1, True)
        upkeep.change_release("2")
        assert upkeep.try_start().status is None
        assert running.alive()


def test_a_second_start_has_the_data_and_ports_of_its_own(tmp_path: Path) -> None:
    with launch(target(more=OLD), tmp_path) as running:
        ended = running.upkeep().try_second_start()
        assert ended.status is None
        assert f'"port": {place(running)[1]}' not in ended.said
        assert len(starts(running)) == 2
        assert running.alive()


def test_a_migration_runs_beside_the_data(tmp_path: Path) -> None:
    with launch(target(more=OLD), tmp_path) as running:
        running.stop()
        upkeep = running.upkeep()
        ended = upkeep.migrate(FORWARD)
        assert (ended.status, ended.said.strip()) == (0, f"['starts'] {tmp_path / 'node'}")
        with pytest.raises(MeansMissing, match=r"has no 'back' under \[launch.migrate\]"):
            upkeep.migrate(BACK)
        assert not upkeep.migrates
        assert list(upkeep.digests()) == ["starts"]
        upkeep.clear()
        assert upkeep.digests() == {}


def test_a_node_serves_every_kind_of_client_when_it_is_asked_to(tmp_path: Path) -> None:
    with launch(target(more=OLD), tmp_path) as running:
        old, new = running.clients
        assert (old.driver.name, old.version, old.bound, old.keyed) == ("xmpp", None, False, False)
        assert (new.driver.name, new.version, new.bound, new.endpoints) == ("mqtt", 4, True, {})
        host, port = place(running)
        assert old.endpoints["node"].url == f"xmpps://{host}:{port}"
        running.stop()
        running.upkeep().change_release("2", every_client=True)
        assert running.upkeep().try_start().status == 1


def test_without_releases_and_clients_there_are_no_means(tmp_path: Path) -> None:
    with launch(target(), tmp_path) as running:
        with pytest.raises(MeansMissing, match=r"names none under \[launch.process.releases\]"):
            _ = running.upkeep().releases
        with pytest.raises(MeansMissing, match=r"tells of none under \[clients\]"):
            _ = running.clients


def test_a_server_whose_ports_stand_elsewhere_has_no_second_start(tmp_path: Path) -> None:
    text = target()
    assert text.launch is not None
    (node,) = text.launch.processes
    command = tuple(part.replace("{port}", "{node.port}") for part in node.command)
    process = dataclasses.replace(node, command=command)
    changed = dataclasses.replace(text, launch=dataclasses.replace(text.launch, processes=(process,)))
    with launch(changed, tmp_path) as running, pytest.raises(MeansMissing, match="ports of its own"):
        running.upkeep().try_second_start()


def lacking(more: str) -> list[str]:
    return lacking_upkeep(target(more=more))


def test_what_is_lacking_is_known_from_the_file() -> None:
    assert lacking("") == ["migrate", "releases", "clients"]
    assert lacking(OLD) == ["migrate"]
    assert lacking(OLD.replace("[clients.old]", 'back = ["true"]\n[clients.old]')) == []


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('release = "2"', "", "expected the name of the release that 'command' starts"),
        ('release = "2"', 'release = "1"', "another one than those below"),
        ('arguments = ["fails"]\n[launch.process.r', "[launch.process.r", "expected either 'arguments'"),
        ('release = "2"', 'release = "2"\nrole = "issuer"', "only nodes have releases"),
        ("{ node =", "{ nodes =", "there is no node 'nodes'"),
    ],
)
def test_what_is_no_release_is_refused(old: str, new: str, problem: str) -> None:
    def changed() -> TargetFile:
        return target(more=OLD.replace(old, new, 1))

    with pytest.raises(TargetFileError, match=problem):
        changed()
