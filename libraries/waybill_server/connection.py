"""One client's connection: WebSocket frames over an asyncio transport.

The `websockets` protocol without I/O does the WebSocket; this class moves its bytes. Everything that is to be written
within one turn of the event loop leaves in one write, so in one TLS record where it fits: under load that is the
difference between a system call per message and one per hundred.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import CONNECTING, OPEN
from websockets.server import ServerProtocol

from waybill_server.limits import OPEN_OPERATIONS, UNREAD_ANSWERS, UNREAD_BYTES, Limits, Timing

PATH = "/v2"

QUIET_SECONDS = 0.1
"""How long a client that broke off an oversize message must be silent before its connection is closed."""

_SILENT = logging.getLogger("waybill_server.websocket")
_SILENT.setLevel(logging.CRITICAL + 1)


class Receiver(Protocol):
    """Who gets what the client says."""

    open_operations: int

    def received(self, data: bytes | bytearray) -> None:
        """A whole text message."""

    def misspoke(self, code: str, text: str) -> None:
        """A message that the wire does not allow; ends the session."""

    def writing(self) -> None:
        """The client keeps up with reading: what waits for it may be sent."""

    def lost(self) -> None:
        """The client is gone. Called once, last."""


class _Wire(ServerProtocol):
    """The WebSocket protocol, which tells of an oversize message before it fails the connection."""

    connection: Connection

    def fail(self, code: CloseCode | int, reason: str = "") -> None:
        if code == CloseCode.MESSAGE_TOO_BIG and self.state is OPEN:
            self.connection.linger()
            self.connection.receiver.misspoke(
                "too-large", f"a message has at most {self.connection.limits.frame} bytes"
            )
        super().fail(code, reason)


class Connection(asyncio.Protocol):
    """A client's connection, from the end of its TLS handshake.

    Attributes:
        receiver: Who is told; made when the connection stands, so that a failed TLS handshake leaves none behind.
        heard: When the last byte came, by the loop's clock.
        stalled: Since when the client leaves so many answers unread that nothing is read from it; None if it does not.
        peer: The client's address, for the log.
    """

    receiver: Receiver
    path: str | None = PATH
    """The only path that is served; None for any."""

    def __init__(self, limits: Limits, timing: Timing, receive: Callable[[Connection], Receiver]) -> None:
        self.limits = limits
        self._receive = receive
        self.heard = 0.0
        self.stalled: float | None = None
        self.peer = ""
        self._timing = timing
        self._loop = asyncio.get_running_loop()
        self._wire = _Wire(max_size=limits.frame, logger=_SILENT)
        self._wire.connection = self
        self._transport: asyncio.Transport | None = None
        self._partial = bytearray()
        self._waiting = 0
        self._flushing = False
        self._paused = False
        self._reading = True
        self._ended = False
        self._lingering: asyncio.TimerHandle | None = None

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
        """The client has said hello; the deadline for it is off."""
        self._hello_timer.cancel()

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        self.heard = self._loop.time()
        if self._lingering is not None:
            self.linger()
        wire = self._wire
        wire.receive_data(data)
        for event in wire.events_received():
            if isinstance(event, Frame):
                self._take(event)
            elif isinstance(event, Request):
                if self.path in (None, event.path.partition("?")[0]):
                    wire.send_response(wire.accept(event))
                else:
                    wire.send_response(
                        wire.reject(404, f"nothing is here; the server's path is {self.path}\n")
                    )
        self.flush_soon()
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
        """Writes a text message, soon."""
        if self._wire.state is OPEN:
            self._wire.send_text(data)
            self._waiting += len(data)
            self.flush_soon()

    def flush_soon(self) -> None:
        """Writes what is there in the next turn of the event loop."""
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def ping(self) -> None:
        """Asks for a sign of life."""
        if self._wire.state is OPEN:
            self._wire.send_ping(b"")
            self.flush_soon()

    def pace(self) -> None:
        """Reads from the client, or not: one that is far ahead of its answers must wait."""
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
        """Closes the WebSocket; the client has a moment to agree."""
        transport = self._transport
        if transport is None or self._wire.state is not OPEN:
            self.abort()
            return
        self._wire.send_close(code, reason)
        self._flush()
        if not self._reading and not transport.is_closing():
            self._reading = True
            transport.resume_reading()
        self._loop.call_later(self._timing.closing, transport.abort)

    def linger(self) -> None:
        """Ends the connection only when the client has stopped writing: closing it before would make TCP drop what the
        client has not read yet, the reason for the close included."""
        if self._lingering is not None:
            self._lingering.cancel()
        if self._transport is not None:
            self._lingering = self._loop.call_later(QUIET_SECONDS, self._transport.close)

    def abort(self) -> None:
        """Drops the connection."""
        if self._transport is not None:
            self._transport.abort()

    def _late(self) -> None:
        if self._wire.state is CONNECTING:
            self.abort()
        else:
            self.receiver.misspoke("hello-timeout", f"no hello within {self._timing.hello:g} s")

    def _take(self, frame: Frame) -> None:
        if self._ended:
            return
        match frame.opcode:
            case Opcode.TEXT if frame.fin:
                self.receiver.received(bytes(frame.data))
            case Opcode.TEXT | Opcode.CONT:
                self._partial += frame.data
                if frame.fin:
                    whole, self._partial = self._partial, bytearray()
                    self.receiver.received(whole)
            case Opcode.BINARY:
                self.receiver.misspoke("malformed", "a binary message; the wire is JSON text")
            case Opcode.CLOSE:
                self._end()

    def _flush(self) -> None:
        self._flushing = False
        transport = self._transport
        if transport is None:
            return
        held = not self.writable()
        if not held and not self._ended:
            self.receiver.writing()
        self._waiting = 0
        chunks = self._wire.data_to_send()
        if not chunks or transport.is_closing():
            return
        ending = not chunks[-1]
        transport.write(b"".join(chunks))
        if ending and self._lingering is None:
            transport.close()
        elif held and self.writable() and not self._ended:
            # What was held back by these bytes alone would otherwise wait for the client's next word.
            self.receiver.writing()

    def _end(self) -> None:
        if not self._ended:
            self._ended = True
            self.receiver.lost()
