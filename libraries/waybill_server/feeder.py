"""Feeds one device its user's log: first what is stored, then live, always in order of positions.

The feeder holds a position, not messages. A live entry is pushed at once only if it is the next one and the device
keeps up; otherwise the feeder falls behind and reads on from the store when it may. So its memory is the positions of
what is in flight, and nothing can overtake or be passed over.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol

from waybill_server.records import Message
from waybill_server.store import Store

STRETCH = 64
"""Positions read at once: some 0.2 ms of the event loop, and at most 4 MiB of the largest bodies."""


class Outlet(Protocol):
    """Where deliveries go."""

    def deliver(self, position: int, message: Message) -> None:
        """Writes one delivery."""

    def writable(self) -> bool:
        """Whether the client keeps up with reading."""


class Feeder:
    """The deliveries of one session.

    Args:
        store: The log.
        outlet: Where deliveries go.
        user: Whose log.
        device: The device; what it sent itself is passed over.
        position: Deliveries go on after this one.
        head: The log's end as known now.
        window: The most deliveries in flight.
        failed: Called when the log cannot be read.
    """

    def __init__(
        self,
        store: Store,
        outlet: Outlet,
        user: str,
        device: str,
        position: int,
        head: int,
        window: int,
        failed: Callable[[Exception], None],
    ) -> None:
        self._store = store
        self._outlet = outlet
        self._user = user
        self._device = device
        self._position = position
        self._head = head
        self._window = window
        self._failed = failed
        self._in_flight: deque[int] = deque()
        self._reading: asyncio.Handle | None = None
        self.wake()

    def arrived(self, position: int, message: Message) -> None:
        """The log has a new last entry."""
        if position <= self._head:
            return
        self._head = position
        if position == self._position + 1 and self._ready():
            self._push(position, message)
        else:
            self.wake()

    def acknowledged(self, cursor: int) -> None:
        """The device holds everything up to `cursor`."""
        in_flight = self._in_flight
        while in_flight and in_flight[0] <= cursor:
            in_flight.popleft()
        self._position = max(self._position, cursor)
        self.wake()

    def wake(self) -> None:
        """Reads on soon, if there is something to read and the device may have it."""
        if self._reading is None and self._position < self._head and self._ready():
            self._reading = asyncio.get_running_loop().call_soon(self._read)

    def stop(self) -> None:
        """Pushes nothing more."""
        self._window = 0
        if self._reading is not None:
            self._reading.cancel()

    def _ready(self) -> bool:
        return len(self._in_flight) < self._window and self._outlet.writable()

    def _read(self) -> None:
        """Pushes one stretch, then lets others have a turn."""
        self._reading = None
        upto = min(self._position + min(STRETCH, self._window - len(self._in_flight)), self._head)
        try:
            entries = self._store.entries(self._user, self._position, upto, without=self._device)
        except Exception as error:
            self._failed(error)
            return
        for position, message in entries:
            if not self._ready():
                return
            self._push(position, message)
        self._position = max(self._position, upto)
        self.wake()

    def _push(self, position: int, message: Message) -> None:
        self._position = position
        own = message.sender == self._user and message.device == self._device
        if own or self._store.expiries.over(message.number):
            return
        self._in_flight.append(position)
        self._outlet.deliver(position, message)
