"""What a v1 client says, cut into its frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

from waybill_server.v1 import frames


class Reader(Protocol):
    """Where the frames of one client begin and end."""

    def read(self, data: bytes | bytearray) -> Iterator[Any]:
        """The frames that are whole with these bytes; what is not whole waits for more.

        Raises:
            Faulty: After the frames before it: no frame begins there, whatever may follow.
        """


MakeReader = Callable[[bool], Reader]
"""Makes the reader of one client; True if each call of `read` is a packet that ends with a frame."""


class FrameReader:
    """Reads frames back to back on a stream, or in packets of whole frames."""

    def __init__(self, packets: bool) -> None:
        self._packets = packets
        self._buffer = bytearray()

    def read(self, data: bytes | bytearray) -> Iterator[Any]:
        """The frames that are whole with these bytes; see `Reader.read`."""
        self._buffer += data
        at = 0
        try:
            while (found := self.decode(self._buffer, at)) is not None:
                frame, at = found
                yield frame
            if self._packets and at < len(self._buffer):
                raise frames.Faulty("the packet ends within a frame")
        finally:
            del self._buffer[:at]

    def decode(self, data: bytes | bytearray, at: int) -> tuple[Any, int] | None:
        """The frame that begins at a place; see `frames.decode`."""
        return frames.decode(data, at)
