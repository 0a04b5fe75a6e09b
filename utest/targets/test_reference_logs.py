"""What the reference server says in its log is an error to its target files, or is known to be none."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from waybill.targets import find_target
from waybill.targets.server_logs import ServerLogs

SERVER = Path(__file__).parents[2] / "libraries" / "waybill_server"

HARMLESS = {
    "breaker-closed",
    "breaker-opened",
    "connection-dropped",
    "draining",
    "handshake-failed",
    "key-used-twice",
    "link-down",
    "link-up",
    "login-refused",
    "not-caught-up",
    "peer-left",
    "session-closed",
}
"""What a node says of its clients and of other nodes, without anything in it being wrong."""

BETWEEN_NODES = {"record-refused"}
"""Errors that only a node with peers can have."""


class Target:
    """A target with one node, whose log the test writes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._log = folder / "node" / "output.log"
        self._log.parent.mkdir(parents=True)
        self._log.touch()

    def say(self, event: str, **fields: object) -> None:
        """The node logs something."""
        with self._log.open("a", encoding="utf-8") as log:
            log.write(json.dumps({"time": 1.0, "event": event, **fields}) + "\n")

    def logs(self) -> list[Path]:
        return [self._log]

    def secrets(self) -> list[str]:
        return []


def events() -> set[str]:
    """Every event in the server's code."""
    return {
        event
        for path in SERVER.rglob("*.py")
        if "defects" not in path.parts
        for event in re.findall(r"\blog\(\s*\"([a-z-]+)\"", path.read_text(encoding="utf-8"))
    }


def counted(name: str, target: Target) -> ServerLogs:
    """The logs of a target of the box, from now on."""
    launch = find_target(name).launch
    assert launch is not None
    return ServerLogs(target, launch.log)


@pytest.mark.parametrize(("name", "own"), [("reference", set()), ("reference-regions", BETWEEN_NODES)])
def test_every_event_is_an_error_or_known_to_be_none(name: str, own: set[str], tmp_path: Path) -> None:
    target = Target(tmp_path / "target")
    logs = counted(name, target)
    known = events()
    assert known >= HARMLESS | BETWEEN_NODES

    for event in sorted(known):
        target.say(event)

    kept = logs.keep(tmp_path / "kept")
    assert kept.errors == len(known - HARMLESS - (BETWEEN_NODES - own))


@pytest.mark.parametrize("name", ["reference", "reference-regions"])
@pytest.mark.parametrize("kind", ["disk-full", "write-error", "read-only", "sync-error"])
def test_a_failing_disk_makes_storage_fail_and_nothing_else(name: str, kind: str, tmp_path: Path) -> None:
    target = Target(tmp_path / "target")
    logs = counted(name, target)
    target.say("storage-failed", commit=False)
    logs.begins(1, kind)
    target.say("storage-failed", commit=False)
    target.say("rollback-failed")
    logs.ends(1)
    target.say("storage-failed", commit=True)

    kept = logs.keep(tmp_path / "kept")

    assert [json.loads(line.partition(": ")[2])["event"] for line in kept.first] == [
        "storage-failed",
        "rollback-failed",
        "storage-failed",
    ]
