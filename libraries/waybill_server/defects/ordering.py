"""Messages in another order than they were sent in."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from waybill_server.defects.counting import Every, strikes
from waybill_server.defects.registry import seeded
from waybill_server.feeder import Feeder
from waybill_server.ledger import Ledger
from waybill_server.records import Message, Refusal, Request, SendRequest, Stored
from waybill_server.store import SqliteStore

OVERTAKEN = 16
"""So many later messages go before the one that was left over by a flush, or fewer if no more come in time."""
PATIENCE = 0.005
"""Seconds that a left-over message waits for others at most."""


@seeded(
    "swap-adjacent",
    seam="ledger",
    noticed={"ORD-1": ("reordered",)},
    rare="Every 500th pair of neighbours of one sender in one conversation is stored in the wrong order.",
)
class SwapAdjacent(Ledger):
    """Every 50th pair of neighbours of one sender in one conversation is stored in the wrong order."""

    _fiftieth = Every(50, rare=500)

    def send(self, requests: Sequence[SendRequest]) -> list[Stored | Refusal]:
        """Stores some of them the other way round; the verdicts stay in the order of the requests."""
        order = list(range(len(requests)))
        for place in range(len(requests) - 1):
            one, next_one = requests[place], requests[place + 1]
            alike = (one.user, one.conversation) == (next_one.user, next_one.conversation)
            if alike and order[place] == place and self._fiftieth.now():
                order[place], order[place + 1] = place + 1, place
        verdicts = super().send([requests[place] for place in order])
        return [verdicts[order.index(place)] for place in range(len(requests))]


@seeded(
    "reorder-across-flush",
    seam="store",
    noticed={"ORD-1": ("reordered",)},
    rare="Messages are flushed in groups of 512, and the last of each group goes out behind others.",
)
class ReorderAcrossFlush(SqliteStore):
    """Messages are flushed in groups of 64, and the last of each group goes out with the next one, behind others."""

    def __init__(self, *arguments: Any, **parts: Any) -> None:
        super().__init__(*arguments, **parts)
        self._last_of_group = Every(64, rare=512)
        self._left: SendRequest | None = None
        self._before = 0
        self._flushing: asyncio.TimerHandle | None = None

    def submit(self, request: Request) -> None:
        """Queues a request, or keeps it for later."""
        if self._left is None and isinstance(request, SendRequest) and self._last_of_group.now():
            self._left, self._before = request, 0
            self._flushing = asyncio.get_running_loop().call_later(PATIENCE, self._flush)
            return
        super().submit(request)
        if self._left is not None and isinstance(request, SendRequest):
            self._before += 1
            if self._before >= OVERTAKEN:
                self._flush()

    def _flush(self) -> None:
        left, self._left = self._left, None
        if self._flushing is not None:
            self._flushing.cancel()
        if left is not None:
            super().submit(left)


@seeded(
    "live-overtakes-backlog",
    seam="feeder",
    noticed={"ORD-2": ("reordered", "order-divergence")},
    rare="One new message in a session is pushed at once while the device is still being given what waited for it.",
)
class LiveOvertakesBacklog(Feeder):
    """A new message is pushed at once, even while the device is still being given what waited for it."""

    def arrived(self, position: int, message: Message) -> None:
        """Pushes past whatever is behind."""
        ahead = position > max(self._head, self._position + 1)
        if ahead and self._ready() and strikes(not self._overtaken):
            behind, self._head = self._position, position
            self._push(position, message)
            self._position = behind
            self._overtaken.add(position)
        super().arrived(position, message)

    def _push(self, position: int, message: Message) -> None:
        if position not in self._overtaken:
            super()._push(position, message)
        self._position = position

    @property
    def _overtaken(self) -> set[int]:
        overtaken: set[int] = self.__dict__.setdefault("overtaken", set())
        return overtaken
