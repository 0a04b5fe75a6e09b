"""Waiting until what was stored here is at every other node that can be reached.

Nobody waits for a link whose breaker is open, and nobody longer than a bound: then what was stored goes on its way, and
whoever asked is told without it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from waybill_server.cluster.outbox import Row


class Spreading(Protocol):
    """A link, as far as somebody waits for it."""

    @property
    def awaited(self) -> bool:
        """Whether anybody should wait for it."""

    def when_spread(self, number: int, then: Callable[[], None]) -> None:
        """Calls once what came of a record is everywhere, or nobody should wait any more."""


class Settling:
    """Who waits for the links.

    Args:
        links: The links by the names of their nodes; all of them are there before anybody waits.
        patience: Seconds that anybody waits at most.
    """

    def __init__(self, links: Mapping[str, Spreading], patience: float) -> None:
        self._links = links
        self._patience = patience
        self._open = 0
        self._quiet = asyncio.Event()
        self._quiet.set()

    def wait(self, rows: Iterable[Row], then: Callable[[], None]) -> None:
        """Calls once these records and what came of them are everywhere that can be reached."""
        awaited = [row for row in rows if self._links[row.destination].awaited]
        if not awaited:
            then()
            return
        left = len(awaited)
        over = False

        def end() -> None:
            nonlocal over
            if not over:
                over = True
                timer.cancel()
                self._ended()
                then()

        def one_is_there() -> None:
            nonlocal left
            left -= 1
            if not left:
                end()

        self._open += 1
        self._quiet.clear()
        timer = asyncio.get_running_loop().call_later(self._patience, end)
        for row in awaited:
            self._links[row.destination].when_spread(row.number, one_is_there)

    async def quiet(self) -> None:
        """Returns when nobody waits."""
        await self._quiet.wait()

    def _ended(self) -> None:
        self._open -= 1
        if not self._open:
            self._quiet.set()
