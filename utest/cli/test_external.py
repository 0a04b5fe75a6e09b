"""A target that runs already, put to the proof from end to end: what it lacks the means for stays UNPROVEN."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from world import build, suite, waybill

from waybill import bundled
from waybill.targets import find_target, launch
from waybill.targets.programs import program

SUITES = bundled.folder("suites")


@pytest.fixture(scope="module")
def external(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the target file of a broker that somebody else runs."""
    if os.environ.get("WAYBILL_WITHOUT_MOSQUITTO") == "1" and program("mosquitto") is None:
        pytest.skip("WAYBILL_WITHOUT_MOSQUITTO=1 and mosquitto is not installed")
    folder = tmp_path_factory.mktemp("external")
    with launch(find_target("mosquitto"), folder / "theirs") as broker:
        accounts = [broker.account() for _ in range(60)]
        lines = "".join(f"{account.user}:{account.password}\n" for account in accounts)
        (folder / "accounts.txt").write_text(lines)
        promises = "".join(f"{name} = {json.dumps(value)}\n" for name, value in broker.promises.items())
        (folder / "external.toml").write_text(
            'name = "external"\ndriver = "mqtt"\nusers.file = "accounts.txt"\ntokens.method = "password"\n'
            f'[endpoints.eu]\nurl = "{broker.endpoint().url}"\nauthority = "{broker.authority}"\n'
            f"[promises]\n{promises}"
        )
        yield folder


def verdict(folder: Path, results: str, guarantee: str) -> dict[str, str]:
    written = json.loads((folder / results / "latest" / "readiness.json").read_text())
    found: dict[str, str] = next(one for one in written["runs"][0]["guarantees"] if one["id"] == guarantee)
    return found


def test_what_needs_no_means_is_proven(external: Path) -> None:
    suite = SUITES / "10_delivery" / "del_1_online_delivery.robot"
    done = waybill(external, "run", "--target", "./external.toml", "--results", "one", suite)
    assert done.returncode == 0, done.stdout + done.stderr
    assert verdict(external, "one", "DEL-1")["verdict"] == "PROVEN"


def test_what_lacks_its_means_is_unproven_and_says_why(external: Path) -> None:
    suite = SUITES / "40_acknowledgement" / "ack_1_survives_kill.robot"
    done = waybill(external, "run", "--target", "./external.toml", "--results", "two", suite)
    assert done.returncode == 1, done.stdout + done.stderr
    found = verdict(external, "two", "ACK-1")
    assert found["verdict"] == "UNPROVEN"
    assert "no means to kill the node 'eu'" in json.dumps(found)
    assert "UNPROVEN" in done.stdout


MEANS = "MeansMissing: There are no means to kill the node 'eu'"


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        (f"Show A Clean History\n    Fail    {MEANS}", "UNPROVEN"),
        (f"Show A Clean History\n    [Setup]    Fail    {MEANS}", "UNPROVEN"),
        (f"Show A Clean History\n    [Teardown]    Fail    {MEANS}", "UNPROVEN"),
        (f"Lose Messages\n    [Teardown]    Fail    {MEANS}", "BROKEN"),
        (f"Show A Clean History\n    Fail    the server said {MEANS}", "BROKEN"),
    ],
)
def test_missing_means_hide_nothing_that_was_found(tmp_path: Path, case: str, expected: str) -> None:
    folder = build(tmp_path / "world", {"one": suite(f"Arrives\n    [Tags]    DEL-1    P0\n    {case}\n")})
    waybill(folder, "run", "--target", "./nobody.toml", "--results", "results", "suites/one.robot")
    assert verdict(folder, "results", "DEL-1")["verdict"] == expected
