"""Messages whose time to live is not kept."""

from __future__ import annotations

import json
import time

import msgspec

from waybill_server.client_frames import ClientFrame, Send
from waybill_server.codec import JsonCodec
from waybill_server.defects.counting import Every, strikes
from waybill_server.defects.registry import seeded
from waybill_server.records import LogEntry, Message
from waybill_server.store import SqliteStore


@seeded(
    "ttl-ignored",
    seam="codec",
    noticed={"TTL-1": ("the sender to be told of",)},
    rare="Every fiftieth message with a time to live stays for ever.",
)
class TtlIgnored(JsonCodec):
    """A message stays for ever, whatever time to live it was given."""

    def __init__(self) -> None:
        super().__init__()
        self._every = Every(1, rare=50)

    def decode(self, data: bytes | bytearray) -> ClientFrame:
        """Reads one client message."""
        frame = super().decode(data)
        if isinstance(frame, Send) and frame.ttl is not None and self._every.now():
            return msgspec.structs.replace(frame, ttl=None)
        return frame


@seeded(
    "gives-what-expired",
    seam="store",
    noticed={"TTL-1": ("resurrected",)},
    rare="What has expired is given all the same if it stands at the end of a stretch that is read at once.",
)
class GivesWhatExpired(SqliteStore):
    """The sender is told that a message has expired, and it is given to whoever comes later all the same."""

    def entries(self, user: str, after: int, upto: int, *, without: str | None = None) -> list[LogEntry]:
        """A stretch of a user's log, with what is over."""
        query = (
            "SELECT position, message.* FROM log JOIN message ON number = message "
            "WHERE user = ? AND position > ? AND position <= ? AND NOT (sender = ? AND device = ?) ORDER BY position"
        )
        values = (user, after, upto, "" if without is None else user, without or "")
        stands = {entry.position for entry in super().entries(user, after, upto, without=without)}
        entries = [LogEntry(row[0], Message(*row[1:])) for row in self._select(query, values)]
        return [one for one in entries if one.position in stands or strikes(one.position == upto)]


@seeded(
    "ttl-by-client-clock",
    seam="codec",
    noticed={"CLK-1": ("lost-acked",), "TTL-1": ("lost-acked",)},
    rare="The time to live of every fifth message begins when its sender's clock says that it was sent.",
)
class TtlByClientClock(JsonCodec):
    """The time to live of a message begins when its sender's clock says that it was sent."""

    def __init__(self) -> None:
        super().__init__()
        self._believes = Every(1, rare=5)

    def decode(self, data: bytes | bytearray) -> ClientFrame:
        """Reads one client message, and what it says of the time."""
        frame = super().decode(data)
        if isinstance(frame, Send) and frame.ttl is not None:
            said = json.loads(data).get("time")
            if isinstance(said, int) and self._believes.now():
                left = said + frame.ttl - time.time_ns() // 1_000_000
                return msgspec.structs.replace(frame, ttl=max(1, left))
        return frame
