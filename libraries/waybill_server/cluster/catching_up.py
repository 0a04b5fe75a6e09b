"""What waited for a node while it was down: before it takes clients it has it, from every node that can be reached.

While a node is down nobody waits for it, so a cursor may have been acknowledged that it does not know of. A client that
comes to it, because the node it was at has died in turn, must be given nothing that it has acknowledged.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable


class CatchingUp:
    """Which nodes still have something for this one that they wait for nobody with.

    Args:
        peers: The names of the others.
    """

    def __init__(self, peers: Iterable[str]) -> None:
        self._open = set(peers)
        self._owed: dict[str, int] = {}
        self._applied: dict[str, int] = {}
        self._over = asyncio.Event()

    @property
    def missing(self) -> list[str]:
        """The nodes that are still waited for, sorted."""
        return sorted(self._open)

    def is_out_of_reach(self, peer: str) -> None:
        """A node cannot be reached, so nobody waits for what it has."""
        self._end(peer)

    def owes(self, peer: str, last: int) -> None:
        """A node uses its link to this one from now on; all that it answered for before is up to this record."""
        self._owed[peer] = last
        self._look(peer)

    def applied(self, peer: str, number: int) -> None:
        """All records of a node up to this one are applied."""
        self._applied[peer] = number
        self._look(peer)

    async def done(self) -> None:
        """Returns when nobody is waited for."""
        if self._open:
            await self._over.wait()

    def _look(self, peer: str) -> None:
        if peer in self._owed and self._applied.get(peer, 0) >= self._owed[peer]:
            self._end(peer)

    def _end(self, peer: str) -> None:
        self._open.discard(peer)
        if not self._open:
            self._over.set()
