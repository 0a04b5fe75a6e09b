"""What nodes say of their links: waited for, and understood or refused."""

from __future__ import annotations

import itertools

import pytest

from waybill.devices.waiting import DeadlinePassed
from waybill.faults.peer_states import PeerStates


class Nodes:
    """Two nodes whose breakers are said to be one word after the other, the last one for ever."""

    def __init__(self, *words: str) -> None:
        self._words = itertools.chain(words, itertools.repeat(words[-1]))

    def list_links(self, node: str) -> dict[str, str]:
        peer = "south" if node == "north" else "north"
        return {peer: next(self._words)}


def states(nodes: Nodes) -> PeerStates:
    return PeerStates(lambda: nodes)


def test_opening_and_closing_are_waited_for() -> None:
    assert (
        states(Nodes("closed", "closed", "half-open")).wait_until_open("north", "south", 10.0) == "half-open"
    )
    states(Nodes("open", "half-open", "closed")).wait_until_closed("north", "south", 10.0)


def test_what_does_not_come_is_told() -> None:
    with pytest.raises(DeadlinePassed, match="breaker of north to south did not open within 0 s"):
        states(Nodes("closed")).wait_until_open("north", "south", 0.0)
    with pytest.raises(
        DeadlinePassed, match=r"breaker of north to south did not close within 0 s.*it is open"
    ):
        states(Nodes("open")).wait_until_closed("north", "south", 0.0)
