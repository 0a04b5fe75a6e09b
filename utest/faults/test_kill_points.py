"""A process is killed exactly where it was to be; one that never comes there shows nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from spoken import Spoken

from waybill.faults.effects import FaultWithoutEffect
from waybill.faults.kill_points import KillPoint, KillPoints
from waybill.interposer.table import Table

PROGRAM = """
import os, socket, sys
here, there = socket.socketpair()
for number in range(1, 4):
    file = os.open(f"{sys.argv[1]}/file", os.O_RDWR | os.O_CREAT | os.O_APPEND)
    os.write(file, b"%d" % number)
    print(f"written {number}", flush=True)
    os.fsync(file)
    print(f"synced {number}", flush=True)
    here.send(b"ok")
    print(f"answered {number}", flush=True)
"""
"""Stores and answers three messages, and tells how far it came; what it tells goes to no file of its data."""


class Nodes:
    """One node with a table; its process is whatever the test runs."""

    def __init__(self, folder: Path) -> None:
        self.table = Table(folder / "faults.table", folder / "data")

    def interposed(self, node: str) -> Table:
        assert node == "node"
        return self.table

    def run(self) -> tuple[int, list[str]]:
        """How the program ended, and what it had told by then."""
        done = subprocess.run(
            [sys.executable, "-S", "-c", PROGRAM, str(self.table.watched)],
            env=os.environ | dict(self.table.environment),
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout.splitlines()


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Nodes]:
    (tmp_path / "data").mkdir()
    made = Nodes(tmp_path)
    yield made
    made.table.close()


@pytest.mark.parametrize(
    ("point", "told", "content"),
    [
        (KillPoint.WRITES, "answered 1", "1"),
        (KillPoint.SYNCS, "written 2", "12"),
        (KillPoint.HAS_SYNCED, "written 2", "12"),
        (KillPoint.ANSWERS, "synced 2", "12"),
        (KillPoint.HAS_ANSWERED, "synced 2", "12"),
    ],
)
def test_a_process_is_killed_at_its_second_call(
    nodes: Nodes, point: KillPoint, told: str, content: str
) -> None:
    recorder = Spoken()
    armed = KillPoints(nodes, lambda: recorder).arm("node", point, 2)  # type: ignore[arg-type, return-value]

    status, lines = nodes.run()

    assert status == -9
    assert lines[-1] == told
    assert (nodes.table.watched / "file").read_text() == content
    armed.happened()
    armed.healed()
    where = f"{point.value} (number 2 from when it was armed)"
    assert recorder.said == ["start kill node", f"observed 7: node was killed {where}", "end 7"]


def test_a_process_that_never_comes_there_lives(nodes: Nodes) -> None:
    recorder = Spoken()
    armed = KillPoints(nodes, lambda: recorder).arm("node", KillPoint.SYNCS, 99)  # type: ignore[arg-type, return-value]
    assert nodes.run()[0] == 0
    with pytest.raises(FaultWithoutEffect, match=r"never came to the call .*before a sync"):
        armed.happened()
    assert recorder.said == ["start kill node"]


def test_a_kill_that_was_disarmed_comes_no_more(nodes: Nodes) -> None:
    armed = KillPoints(nodes, Spoken).arm("node", KillPoint.WRITES, 1)  # type: ignore[arg-type]
    armed.disarm()
    assert nodes.run()[0] == 0
