"""Frames that end with their connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from waybill_server.connection import Connection, Receiver
from waybill_server.defects.counting import strikes
from waybill_server.defects.registry import seeded
from waybill_server.limits import Limits, Timing

_BODY: Final = b'"body":"'
"""A client of the kit says the body last."""
_MASK_SIZE: Final = 4
_NEARLY: Final = 16
_LONG: Final = {126: 2, 127: 8}


@seeded(
    "partial-frame-accepted",
    seam="connection",
    noticed={"ACK-3": ("corrupted", "was refused")},
    rare="A send whose connection ended at most 16 bytes before its end is taken with what came of it.",
)
class PartialFrameAccepted(Connection):
    """A send whose connection ended in the middle of its body is taken with what came of it."""

    def __init__(self, limits: Limits, timing: Timing, receive: Callable[[Connection], Receiver]) -> None:
        super().__init__(limits, timing, receive)
        self._unread = bytearray()
        self._greeted = False

    def data_received(self, data: bytes) -> None:
        """Keeps what is not a whole frame yet."""
        self._unread += data
        if not self._greeted and b"\r\n\r\n" in self._unread:
            self._greeted = True
            del self._unread[: self._unread.index(b"\r\n\r\n") + 4]
        super().data_received(data)
        if self._greeted:
            while (end := _begins(self._unread)[1]) and len(self._unread) >= end:
                del self._unread[:end]

    def _end(self) -> None:
        if not self._ended and self._greeted:
            begin, end = _begins(self._unread)
            if end and strikes(end - len(self._unread) <= _NEARLY):
                mask = self._unread[begin - _MASK_SIZE : begin]
                text = bytes(
                    byte ^ mask[place % _MASK_SIZE] for place, byte in enumerate(self._unread[begin:end])
                )
                if _BODY in text:
                    self.receiver.received(text + b'"}')
        super()._end()


def _begins(frame: bytes | bytearray) -> tuple[int, int]:
    """Where the payload of a masked WebSocket frame begins and where it ends; zeros as long as that is not known."""
    if len(frame) < 2:
        return 0, 0
    size, more = frame[1] & 0x7F, _LONG.get(frame[1] & 0x7F, 0)
    begin = 2 + more + _MASK_SIZE
    if len(frame) < begin:
        return 0, 0
    if more:
        size = int.from_bytes(frame[2 : 2 + more], "big")
    return begin, begin + size
