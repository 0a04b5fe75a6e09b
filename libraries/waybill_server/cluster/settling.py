"""Waiting until what was stored here is at every other node that can be reached.

Nobody waits for a link whose breaker is open, and nobody longer than a bound: then what was stored goes on its way, and
whoever asked is told without it. Changes of who may do what wait for every link, and longer; who revokes is told which
nodes are not known to have it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Protocol

from waybill_server.cluster.outbox import Row
from waybill_server.cluster.settings import Thresholds


class Spreading(Protocol):
    """A link, as far as somebody waits for it."""

    @property
    def awaited(self) -> bool:
        """Whether anybody should wait for it."""

    def when_spread(self, number: int, then: Callable[[bool], None]) -> None:
        """Calls with True once what came of a record is everywhere, or with False once nobody should wait any more."""


class Settling:
    """Who waits for the links.

    Args:
        links: The links by the names of their nodes; all of them are there before anybody waits.
        thresholds: How long anybody waits at most.
    """

    def __init__(self, links: Mapping[str, Spreading], thresholds: Thresholds) -> None:
        self._links = links
        self._thresholds = thresholds
        self._open = 0
        self._quiet = asyncio.Event()
        self._quiet.set()

    def wait(self, rows: Iterable[Row], then: Callable[[], None], *, rights: bool = False) -> None:
        """Calls once these records and what came of them are everywhere that can be reached. What is about who may do
        what is given more time, and waits for every link."""
        seconds = self._thresholds.rights if rights else self._thresholds.patience
        self._settle(rows, seconds, lambda missing: then(), insist=rights)

    def confirm(self, rows: Iterable[Row], then: Callable[[tuple[str, ...]], None]) -> None:
        """Calls once these records and what came of them are everywhere, or once that took too long: with the names of
        the nodes that are not known to have them."""
        self._settle(rows, self._thresholds.confirmation, then, insist=True)

    async def quiet(self) -> None:
        """Returns when nobody waits."""
        await self._quiet.wait()

    def _settle(
        self, rows: Iterable[Row], seconds: float, then: Callable[[tuple[str, ...]], None], *, insist: bool
    ) -> None:
        missing = set(rows)
        awaited = [row for row in missing if insist or self._links[row.destination].awaited]
        left = len(awaited)
        over = False

        def end() -> None:
            nonlocal over
            if not over:
                over = True
                timer.cancel()
                self._ended()
                then(_nodes(missing))

        def one_is_settled(row: Row, there: bool) -> None:
            nonlocal left
            if insist and not there and not over:
                self._links[row.destination].when_spread(row.number, partial(one_is_settled, row))
                return
            left -= 1
            if there:
                missing.discard(row)
            if not left:
                end()

        if not awaited:
            then(_nodes(missing))
            return
        self._open += 1
        self._quiet.clear()
        timer = asyncio.get_running_loop().call_later(seconds, end)
        for row in awaited:
            self._links[row.destination].when_spread(row.number, partial(one_is_settled, row))

    def _ended(self) -> None:
        self._open -= 1
        if not self._open:
            self._quiet.set()


def _nodes(rows: Iterable[Row]) -> tuple[str, ...]:
    return tuple(sorted({row.destination for row in rows}))
