"""Whatever fails while a disk does: a node that ended by itself is named as the cause, and nothing else is."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from waybill.faults.disk import DiskFault
from waybill.faults.disk_failures import DiskFailures


class Refused(Exception):
    """Somebody could not log in."""


class Node:
    """A node, its disk and its process; it ends by itself after so many looks at whether it lives."""

    def __init__(self, looks: float) -> None:
        self.looks = looks
        self.mended = False
        self.processes = self

    def alive(self, node: str) -> bool:
        self.looks -= 1
        return self.looks >= 0

    def begin(self, *_: object, **__: object) -> None:
        """Breaks the disk."""

    def end(self, node: str) -> None:
        self.mended = True


def fail(*_: object, **__: object) -> None:
    raise Refused


def failures(node: Any, *, answered: Any = lambda *_, **__: None, returns: Any = lambda *_: None) -> Any:
    scenario = SimpleNamespace(present=[], wait_until_answered=answered, can=lambda _: False)
    made: Any = DiskFailures(scenario, node, node, "node", 1.0)  # type: ignore[arg-type]
    made._service_returns = returns
    return made


def send_while(made: Any) -> None:
    device = SimpleNamespace(connected=True, send=lambda _: None, send_many=lambda *_: [])
    made.send_while(DiskFault.IS_FULL, device, device, None, 4)


def test_nothing_is_said_where_nothing_fails() -> None:
    node = Node(looks=float("inf"))
    send_while(failures(node))
    assert node.mended


@pytest.mark.parametrize("where", [{"answered": fail}, {"returns": fail}], ids=["in traffic", "at a return"])
def test_what_fails_while_the_node_lives_is_its_own_cause(where: dict[str, Any]) -> None:
    node = Node(looks=float("inf"))
    with pytest.raises(Refused):
        send_while(failures(node, **where))
    assert node.mended


@pytest.mark.parametrize("where", [{"answered": fail}, {"returns": fail}], ids=["in traffic", "at a return"])
@pytest.mark.parametrize("looks", [1, 3])
def test_what_fails_since_the_node_ended_says_so(where: dict[str, Any], looks: int) -> None:
    node = Node(looks)
    with pytest.raises(
        AssertionError, match=r"Expected node to live on .* \(disk-full\); it ended by itself"
    ):
        send_while(failures(node, **where))
    assert node.mended


def test_a_node_that_ended_after_the_last_answer_is_found_without_anybody_else_failing() -> None:
    node = Node(looks=0)
    with pytest.raises(AssertionError, match="it ended by itself"):
        send_while(failures(node))
    assert node.mended
