"""A node that lacks handles or a processor has them again afterwards; a shortage that nobody met proves nothing."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from spoken import Spoken

from waybill.faults.effects import FaultWithoutEffect
from waybill.faults.handles import HandleShortage
from waybill.faults.slowness import Slowness
from waybill.interposer.table import Table


class Node:
    """A node with a table, whose process opens a file; it can stand still as well."""

    def __init__(self, folder: Path) -> None:
        self.table = Table(folder / "faults.table", folder)
        self.told: list[str] = []
        self.stood = threading.Event()

    def interposed(self, node: str) -> Table:
        return self.table

    def open(self) -> int:
        """The error with which it ends that opens a file."""
        done = subprocess.run(
            ["sh", "-c", "exec 3</dev/null"],
            env=os.environ | dict(self.table.environment),
            capture_output=True,
            check=False,
        )
        return done.returncode

    def pause(self, node: str) -> None:
        self.told.append("pause")
        self.stood.set()

    def resume(self, node: str) -> None:
        self.told.append("resume")


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    made = Node(tmp_path)
    yield made
    made.table.close()


def test_nothing_is_opened_until_the_handles_are_back(node: Node) -> None:
    recorder = Spoken()
    shortage = HandleShortage(node, lambda: recorder)  # type: ignore[arg-type, return-value]
    assert node.open() == 0
    shortage.begin("node")
    with pytest.raises(ValueError, match="without file handles already"):
        shortage.begin("node")
    assert node.open() != 0
    assert shortage.end("node") >= 1
    assert node.open() == 0
    assert [said.partition(" ")[0] for said in recorder.said] == ["start", "observed", "end"]


def test_a_shortage_that_nobody_met_proves_nothing(node: Node) -> None:
    recorder = Spoken()
    shortage = HandleShortage(node, lambda: recorder)  # type: ignore[arg-type, return-value]
    shortage.begin("node")
    with pytest.raises(FaultWithoutEffect, match="opened and accepted nothing"):
        shortage.end("node")
    assert recorder.said == ["start file-handles node", "end 7"]
    with pytest.raises(ValueError, match="is not without"):
        shortage.end("node")


def test_a_slow_node_stands_still_and_goes_on(node: Node) -> None:
    recorder = Spoken()
    slowness = Slowness(node, lambda: recorder)  # type: ignore[arg-type, return-value]
    slowness.begin("node", 0.5)
    assert node.stood.wait(20)
    assert slowness.end() >= 1
    assert node.told[-1] == "resume", "it goes on at the end"
    assert recorder.said[0] == "start slow node"
    assert recorder.said[-1] == "end 7"


@pytest.mark.parametrize("share", [0.0, 1.0, -1.0])
def test_a_share_is_between_none_and_all(node: Node, share: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        Slowness(node, Spoken).begin("node", share)  # type: ignore[arg-type]
