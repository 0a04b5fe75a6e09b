"""A node that is stopped, paused or killed is put down as such; what stands still at the end is known."""

from __future__ import annotations

from spoken import Spoken

from waybill.faults.process import ProcessFaults


class Node:
    """A node that does as it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def __getattr__(self, name: str) -> object:
        def do(node: str) -> object:
            self.told.append(f"{name} {node}")
            return {"stop": 0, "alive": False}.get(name)

        return do


def test_a_pause_ends_with_its_resume() -> None:
    node, recorder = Node(), Spoken()
    faults = ProcessFaults(node, lambda: recorder)  # type: ignore[arg-type, return-value]
    faults.pause("node", "now")
    assert (faults.standing, faults.down) == (["node"], [])
    faults.resume("node")
    assert (faults.standing, node.told) == ([], ["pause node", "resume node"])
    assert recorder.said == [
        "start pause node",
        "observed 7: every process of node stands still (SIGSTOP)",
        "end 7",
    ]


def test_a_stop_ends_with_the_next_start() -> None:
    node, recorder = Node(), Spoken()
    faults = ProcessFaults(node, lambda: recorder)  # type: ignore[arg-type, return-value]
    assert faults.stop("node", "now") == 0
    assert faults.down == ["node"]
    faults.start("node")
    assert (faults.down, node.told) == ([], ["stop node", "start node"])
    assert recorder.said == [
        "start stop node",
        "observed 7: node was asked to end (SIGTERM) and ended with 0",
        "end 7",
    ]
