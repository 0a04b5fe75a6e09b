"""Messages that come too close together, or frames that come in pieces."""

from __future__ import annotations

import time
from collections.abc import Sequence

from websockets.frames import Frame, Opcode

from waybill_server.connection import Connection
from waybill_server.defects.counting import Every
from waybill_server.defects.registry import MOMENT, seeded
from waybill_server.ledger import Ledger
from waybill_server.records import Refusal, SendRequest, Stored
from waybill_server.router import LocalRouter

TOO_CLOSE = 16
"""Messages of one sender within a millisecond that do not collide yet."""


@seeded(
    "same-millisecond-collides",
    seam="router",
    noticed={"DEL-1": ("lost-acked",)},
    steady=MOMENT,
)
class SameMillisecondCollides(LocalRouter):
    """Of one sender's messages within a millisecond, those after the 16th are acknowledged and enter no other log."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[str, tuple[int, int]] = {}

    def recipients(self, conversation: str, sender: str, members: Sequence[str]) -> Sequence[str]:
        """The sender alone, if too many of its messages came within this millisecond."""
        now = time.monotonic_ns() // 1_000_000
        moment, count = self._last.get(sender, (0, 0))
        count = count + 1 if moment == now else 1
        self._last[sender] = now, count
        return members if count <= TOO_CLOSE else [sender]


@seeded(
    "split-frame-dropped",
    seam="connection",
    noticed={"DEL-1": ("have none",)},
    rare="After the login, every second message that the end of a read cuts in two is thrown away.",
)
class SplitFrameDropped(Connection):
    """After the login, a message that the end of a read cuts in two is thrown away."""

    _drops = Every(1, rare=2)
    _reads = 0
    _taken = 0

    def data_received(self, data: bytes) -> None:
        """Counts the reads since the last whole message."""
        self._reads += 1
        super().data_received(data)

    def _take(self, frame: Frame) -> None:
        reads, self._reads = self._reads, 0
        if frame.opcode is Opcode.TEXT:
            self._taken += 1
            # The first two are the hello and the proof of its key.
            if self._taken > 2 and reads > 1 and self._drops.now():
                return
        super()._take(frame)


@seeded(
    "inbox-overflow-acknowledged",
    seam="ledger",
    noticed={"OFF-1": ("silent-drop", "lost-acked", "was given 2000 of them")},
    steady=MOMENT,
)
class InboxOverflowAcknowledged(Ledger):
    """A message to a full inbox is acknowledged like any other, and dropped."""

    def send(self, requests: Sequence[SendRequest]) -> list[Stored | Refusal]:
        """Makes an answer up for what was refused for want of room."""
        verdicts = super().send(requests)
        for place, (request, verdict) in enumerate(zip(requests, verdicts, strict=True)):
            if isinstance(verdict, Refusal) and verdict.code == "inbox-full":
                verdicts[place] = Stored(self._number(request), (), duplicate=False)
        return verdicts
