"""What a session was given and has not acknowledged."""

from __future__ import annotations

from collections import deque


class Given:
    """The open deliveries of one session, in the order of the log.

    Wire v1 acknowledges one message at a time and in any order; the store keeps one cursor. So the cursor moves up to
    the first delivery that is still open, and an acknowledgement behind it counts once everything before it does.
    """

    def __init__(self, cursor: int) -> None:
        self._cursor = cursor
        self._last = cursor
        self._open: deque[tuple[int, bytes]] = deque()
        self._acknowledged: set[bytes] = set()
        self._ids: set[bytes] = set()

    def add(self, position: int, message_id: bytes) -> None:
        """A message was given."""
        self._last = position
        self._open.append((position, message_id))
        self._ids.add(message_id)

    def passed_over(self, position: int) -> bool:
        """A place of the log that is not given; true if nothing before it is open."""
        self._last = position
        return not self._open

    def acknowledge(self, message_id: bytes) -> int | None:
        """Where the cursor may move to; None if it stays. An id that is not open changes nothing."""
        if message_id not in self._ids:
            return None
        self._acknowledged.add(message_id)
        while self._open and self._open[0][1] in self._acknowledged:
            _, gone = self._open.popleft()
            self._acknowledged.discard(gone)
            self._ids.discard(gone)
        cursor = self._open[0][0] - 1 if self._open else self._last
        if cursor <= self._cursor:
            return None
        self._cursor = cursor
        return cursor
