"""The two connections of wire v1: frames on a bare stream, or one packet in each WebSocket message."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import OPEN

from waybill_server.connection import Connection, Receiver
from waybill_server.limits import OPEN_OPERATIONS, UNREAD_ANSWERS, UNREAD_BYTES, Limits, Timing


class PacketConnection(Connection):
    """WebSocket: a packet of wire v1 is one binary message, on any path."""

    path = None

    def send(self, data: bytes) -> None:
        """Writes a packet, soon."""
        if self._wire.state is OPEN:
            self._wire.send_binary(data)
            self._waiting += len(data)
            self.flush_soon()

    def _take(self, frame: Frame) -> None:
        if frame.opcode is Opcode.TEXT and not self._ended:
            self._wire.fail(CloseCode.UNSUPPORTED_DATA, "wire v1 is binary")
            self._end()
        elif frame.opcode is Opcode.BINARY and not self._ended:
            if frame.fin:
                self.receiver.received(bytes(frame.data))
            else:
                self._partial += frame.data
        else:
            super()._take(frame)


class StreamConnection(asyncio.Protocol):
    """TCP below TLS: bytes as they come.

    Attributes:
        receiver: Who is told; made when the connection stands.
        heard: When the last byte came, by the loop's clock.
        stalled: Since when the client leaves so many answers unread that nothing is read from it; None if it does not.
        peer: The client's address, for the log.
    """

    receiver: Receiver

    def __init__(
        self, limits: Limits, timing: Timing, receive: Callable[[StreamConnection], Receiver]
    ) -> None:
        self.limits = limits
        self.heard = 0.0
        self.stalled: float | None = None
        self.peer = ""
        self._receive = receive
        self._timing = timing
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._chunks: list[bytes] = []
        self._waiting = 0
        self._flushing = False
        self._paused = False
        self._reading = True
        self._ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The TLS handshake is done."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(high=UNREAD_BYTES)
        self.heard = self._loop.time()
        self.peer = str(transport.get_extra_info("peername"))
        self._hello_timer = self._loop.call_later(self._timing.hello, self._late)
        self.receiver = self._receive(self)

    def greeted(self) -> None:
        """The client has logged in, or is gone; the deadline for it is off."""
        self._hello_timer.cancel()

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        self.heard = self._loop.time()
        if not self._ended:
            self.receiver.received(data)
            self.pace()

    def eof_received(self) -> None:
        """The client will send nothing more; returning None closes the connection."""
        self._end()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is down."""
        self._hello_timer.cancel()
        self._end()

    def pause_writing(self) -> None:
        """The client reads slower than it is written to."""
        self._paused = True

    def resume_writing(self) -> None:
        """The client has caught up."""
        self._paused = False
        self.pace()
        if not self._ended:
            self.receiver.writing()

    def writable(self) -> bool:
        """Whether more may be pushed."""
        return not self._paused and self._waiting < UNREAD_BYTES

    def send(self, data: bytes) -> None:
        """Writes a frame, soon."""
        self._chunks.append(data)
        self._waiting += len(data)
        self.flush_soon()

    def flush_soon(self) -> None:
        """Writes what is there in the next turn of the event loop."""
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def ping(self) -> None:
        """A stream has no way to ask for a sign of life."""

    def pace(self) -> None:
        """Reads from the client, or not: one that is far ahead of the store, or of its own reading, must wait."""
        transport = self._transport
        if transport is None or self._ended:
            return
        unread = self._paused and transport.get_write_buffer_size() > UNREAD_ANSWERS
        if not unread:
            self.stalled = None
        elif self.stalled is None:
            self.stalled = self._loop.time()
        busy = unread or self.receiver.open_operations >= OPEN_OPERATIONS
        if busy == self._reading and not transport.is_closing():
            self._reading = not busy
            if busy:
                transport.pause_reading()
            else:
                transport.resume_reading()

    def close(self, code: int, reason: str) -> None:
        """Ends the connection once what was written has left."""
        if self._transport is not None:
            self._flush()
            self._transport.close()
            self._loop.call_later(self._timing.closing, self._transport.abort)

    def abort(self) -> None:
        """Drops the connection."""
        if self._transport is not None:
            self._transport.abort()

    def _late(self) -> None:
        self.receiver.misspoke("hello-timeout", f"no LOGIN within {self._timing.hello:g} s")

    def _flush(self) -> None:
        self._flushing = False
        held = not self.writable()
        self._waiting = 0
        chunks, self._chunks = self._chunks, []
        if self._transport is None or self._transport.is_closing():
            return
        self._transport.write(b"".join(chunks))
        if held and self.writable() and not self._ended:
            # What was held back by these bytes alone would otherwise wait for the client's next word.
            self.receiver.writing()

    def _end(self) -> None:
        if not self._ended:
            self._ended = True
            self.receiver.lost()
