"""The two ways in which wire v1 travels: frames back to back on TCP, or one packet in each WebSocket message."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol
from urllib.parse import urlsplit

import websocket
from websocket import ABNF

from waybill.drivers import iris_frames as frames
from waybill.drivers.base import LoginRefused, Outcome
from waybill.drivers.byte_stream import PIECE, Broken, ByteStream
from waybill.drivers.waybill_inbound import FrameReader
from waybill.history.events import Completion

WEBSOCKET = frozenset({"ws", "wss"})
TCP = frozenset({"iris", "iriss"})


class RawMessage(bytes):
    """A packet that is no frame: on WebSocket, a message that was passed on live."""


class Ping(bytes):
    """The server asks for a sign of life."""


class Link(Protocol):
    """How packets and frames travel over a stream."""

    def wrap(self, packet: bytes) -> bytes:
        """The bytes that carry a packet."""

    def pong(self, payload: bytes) -> bytes:
        """The bytes that answer a ping."""

    def goodbye(self) -> bytes:
        """The bytes that announce the end; empty where the end of the stream is all there is."""

    def login_answer(self) -> bytes:
        """The answer to the login, waited for.

        Raises:
            Broken: The stream ended before.
            Malformed: The server said something else.
        """

    def received(self, identified: bool) -> Iterator[frames.Frame | RawMessage | Ping]:
        """What the server says, as long as the stream lasts.

        Args:
            identified: The client has logged in; else the server may still refuse what was no login.

        Raises:
            Broken: The stream ended.
            Malformed: What arrived is not wire v1.
            Refused: The server refused a client that has not logged in.
        """


def open_link(stream: ByteStream, url: str) -> Link:
    """The link that an address's scheme asks for.

    Raises:
        Broken: The connection ended in the WebSocket's handshake.
        LoginRefused: The server answered something else to it.
    """
    if urlsplit(url).scheme in TCP:
        return TcpLink(stream)
    try:
        client = websocket.WebSocket(enable_multithread=False)
        # An answer that leads elsewhere is a refusal: who follows it says the token to whoever waits there.
        client.connect(  # type: ignore[no-untyped-call]
            url, socket=stream, suppress_origin=True, host=urlsplit(url).netloc, redirect_limit=0
        )
    except websocket.WebSocketBadStatusException as error:
        refusal = Outcome(Completion.FAIL, f"http-{error.status_code}", "the server refused the WebSocket")
        raise LoginRefused(refusal) from None
    except (websocket.WebSocketException, ValueError, UnicodeError) as error:
        refusal = Outcome(Completion.FAIL, "no-websocket", f"no WebSocket answer: {error}")
        raise LoginRefused(refusal) from None
    return WebSocketLink(stream)


class TcpLink:
    """Frames on a bare stream; how they fall into packets means nothing when reading."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self._buffer = bytearray()

    def wrap(self, packet: bytes) -> bytes:
        """The packet itself."""
        return packet

    def pong(self, payload: bytes) -> bytes:
        """TCP has no pings."""
        raise NotImplementedError("pong")

    def goodbye(self) -> bytes:
        """The end of the stream is the goodbye."""
        return b""

    def login_answer(self) -> bytes:
        """The answer to the login; what follows it in the same packet is kept."""
        while True:
            answer = frames.login_answer(self._buffer)
            if answer is not None:
                del self._buffer[: len(answer)]
                return answer
            self._buffer += self._stream.recv(PIECE)

    def rest(self) -> bytes:
        """What arrived behind the answer to the login and was not read yet; it is then the caller's."""
        rest, self._buffer = bytes(self._buffer), bytearray()
        return rest

    def received(self, identified: bool) -> Iterator[frames.Frame | RawMessage | Ping]:
        """The frames of the stream, one after the other."""
        while True:
            at = 0
            try:
                while (found := frames.decode(self._buffer, at)) is not None:
                    frame, at = found
                    yield frame
            except frames.Malformed:
                if identified:
                    raise
                del self._buffer[:at]
                raise frames.Refused(self._refusal()) from None
            del self._buffer[:at]
            self._buffer += self._stream.recv(PIECE)

    def _refusal(self) -> str:
        answer = self.login_answer()
        if answer == frames.LOGIN_OK:
            raise frames.Malformed("LOGIN_OK, and nobody had logged in")
        return answer.decode()


class WebSocketLink:
    """One packet in each binary message."""

    def __init__(self, stream: ByteStream) -> None:
        self._reader = FrameReader(stream)

    def wrap(self, packet: bytes) -> bytes:
        """A masked binary message."""
        return _frame(packet, ABNF.OPCODE_BINARY)

    def pong(self, payload: bytes) -> bytes:
        """A masked pong."""
        return _frame(payload, ABNF.OPCODE_PONG)

    def goodbye(self) -> bytes:
        """A close frame that says that all is well."""
        return _frame((1000).to_bytes(2, "big"), ABNF.OPCODE_CLOSE)

    def login_answer(self) -> bytes:
        """The first packet."""
        opcode, packet = self._reader.read()
        while opcode in (ABNF.OPCODE_PING, ABNF.OPCODE_PONG):
            opcode, packet = self._reader.read()
        if opcode == ABNF.OPCODE_CLOSE:
            raise Broken("the server closed the WebSocket instead of an answer")
        answer = frames.login_answer(packet)
        if answer is None or answer != packet:
            raise frames.Malformed(f"the answer to the login is {packet[:16]!r}")
        return answer

    def received(self, identified: bool) -> Iterator[frames.Frame | RawMessage | Ping]:
        """Each packet: the frame that it is if it is exactly one, else a message as its sender wrote it."""
        while True:
            opcode, packet = self._reader.read()
            if opcode == ABNF.OPCODE_CLOSE:
                raise Broken("the server closed the WebSocket")
            if opcode == ABNF.OPCODE_PING:
                yield Ping(packet)
            elif not identified and packet in frames.LOGIN_REFUSALS:
                raise frames.Refused(packet.decode())
            elif opcode != ABNF.OPCODE_PONG:
                yield frames.decode_packet(packet) or RawMessage(packet)


def _frame(payload: bytes, opcode: int) -> bytes:
    made: bytes = ABNF.create_frame(payload, opcode).format()
    return made
