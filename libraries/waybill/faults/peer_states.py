"""What the nodes of a target say of their links to each other: whether anybody still waits for a node."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from waybill.devices.waiting import Deadline, DeadlinePassed

CLOSED = "closed"


class Linked(Protocol):
    """What a target must have for this."""

    def list_links(self, node: str) -> Mapping[str, str]:
        """Asks a node, as an administrator, for the breakers of its links, by the names of the other nodes."""


class PeerStates:
    """The breakers of the links between nodes, as the nodes themselves tell.

    Args:
        target: Gives the target.
    """

    def __init__(self, target: Callable[[], Linked]) -> None:
        self._target = target

    def of(self, node: str) -> Mapping[str, str]:
        """The breaker of each of a node's links, by the name of the other node."""
        return self._target().list_links(node)

    def wait_until_open(self, node: str, peer: str, seconds: float) -> str:
        """Waits until a node waits for another one no longer; returns what its breaker is then.

        Raises:
            DeadlinePassed: It still does.
        """
        found = self._waited(lambda: self.of(node).get(peer, "unknown"), lambda word: word != CLOSED, seconds)
        if found == CLOSED:
            raise DeadlinePassed(
                f"The breaker of {node} to {peer} did not open within {seconds:g} s, although {peer} cannot answer: "
                f"whoever asks {node} still waits for it."
            )
        return found

    def wait_until_closed(self, node: str, peer: str, seconds: float) -> None:
        """Waits until a node uses its link to another one again.

        Raises:
            DeadlinePassed: It does not.
        """
        found = self._waited(lambda: self.of(node).get(peer, "unknown"), lambda word: word == CLOSED, seconds)
        if found != CLOSED:
            raise DeadlinePassed(
                f"The breaker of {node} to {peer} did not close within {seconds:g} s, although {peer} is there again; "
                f"it is {found}."
            )

    @staticmethod
    def _waited(look: Callable[[], str], enough: Callable[[str], bool], seconds: float) -> str:
        """Asks again and again until it is enough; the last answer."""
        limit = Deadline(seconds)
        found = look()
        while not enough(found) and limit.remaining() > 0:
            found = look()
        return found
