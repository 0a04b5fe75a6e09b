"""Waits for the ends of messages with a time to live, marks them as over and tells their senders."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Sequence

from waybill_server.clock import Clock, message_id
from waybill_server.limits import RETRY_AFTER_MS
from waybill_server.records import Expired, ExpireRequest, Message, Result
from waybill_server.router import Router
from waybill_server.server_frames import Expired as ExpiredNotice
from waybill_server.store import Store

LONGEST_WAIT = 3600.0
"""Seconds after which it is looked again at the latest."""


class ExpiryWatch:
    """The ends of all messages of the node, those that the last run left included.

    A message is not given to anybody from its end on (`Expiries.over`); the mark that makes this last, and the notice,
    come as soon after it as the event loop and the writer allow.

    Args:
        store: Where the deadlines are.
        router: The sessions of the senders.
        clock: Says when a deadline has come.
    """

    def __init__(self, store: Store, router: Router, clock: Clock) -> None:
        self._store = store
        self._router = router
        self._clock = clock
        self._ends = [(end, number) for number, end in store.expiries.deadlines.items()]
        heapq.heapify(self._ends)
        self._timer: asyncio.TimerHandle | None = None
        self._set()

    def await_end(self, number: int) -> None:
        """A message with a time to live is committed."""
        end = self._store.expiries.deadlines[number]
        heapq.heappush(self._ends, (end, number))
        if self._ends[0][1] == number:
            self._set()

    def _set(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._ends:
            wait = min(max(0.0, self._ends[0][0] - self._clock.seconds()), LONGEST_WAIT)
            self._timer = asyncio.get_running_loop().call_later(wait, self._look)

    def _look(self) -> None:
        now, over = self._clock.seconds(), []
        while self._ends and self._ends[0][0] <= now:
            over.append(heapq.heappop(self._ends)[1])
        self._set()
        if over:
            self._mark(tuple(over))

    def _mark(self, numbers: tuple[int, ...]) -> None:
        def done(result: Result) -> None:
            if isinstance(result, Expired):
                self._store.expiries.forget(numbers)
                self._tell(result.messages)
            else:
                # The disk refused; nothing is given meanwhile, and the mark is still due.
                asyncio.get_running_loop().call_later(RETRY_AFTER_MS / 1000, self._mark, numbers)

        self._store.submit(ExpireRequest(done, numbers))

    def _tell(self, messages: Sequence[Message]) -> None:
        for message in messages:
            notice = ExpiredNotice(
                message_id(message.number), message.conversation, message.sequence, message.key
            )
            for session in self._router.sessions(message.sender):
                if "expiry" in session.capabilities:
                    session.push(("expired", notice.id), notice)
