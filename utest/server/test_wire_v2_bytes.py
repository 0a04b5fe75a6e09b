"""Wire v2 below its frames: however the network cuts the bytes, both sides find the same messages, and never others."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import msgspec
import pytest
from frame_values import (
    DRIVER_WRITES,
    EXAMPLES,
    SERVER_KINDS,
    Bytes,
    frames_of,
    members,
    opcode,
    pieces,
    spoilt,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from websocket import ABNF
from websockets.frames import Frame, Opcode

from waybill.drivers import waybill_frames
from waybill.drivers.byte_stream import Broken
from waybill.drivers.waybill_inbound import FrameReader
from waybill_server.client_frames import Hello
from waybill_server.codec import FaultyFrame, JsonCodec
from waybill_server.connection import Connection
from waybill_server.limits import Limits, Timing

CODEC = JsonCodec()
SMALL = Limits(frame=2_000)
HANDSHAKE = (
    b"GET /v2 HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
BOUNDARIES = (0, 1, 125, 126, 127, 65_535, 65_536, 65_537)
"""Bytes of a message where WebSocket writes its length in another way, and their neighbours."""

enough = settings(max_examples=EXAMPLES, deadline=None)


class Wire(asyncio.Transport):
    """Where the connection writes, in place of a socket."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.closing = False

    def write(self, data: Any) -> None:
        self.written += data

    def close(self) -> None:
        self.closing = True

    abort = close

    def is_closing(self) -> bool:
        return self.closing

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0


class Heard:
    """Who gets what the connection heard; `misspoke` ends it as a session does."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.messages: list[bytes] = []
        self.faults: list[str] = []
        self.open_operations = 0
        self.over = False

    def received(self, data: bytes | bytearray) -> None:
        if not self.faults:
            self.messages.append(bytes(data))

    def misspoke(self, code: str, text: str) -> None:
        self.faults.append(code)
        self.connection.close(1007, code)

    def writing(self) -> None:
        pass

    def lost(self) -> None:
        self.over = True


class Served:
    """A connection of the server, in a loop that runs only while bytes are fed."""

    loop = asyncio.new_event_loop()
    """One for all: a loop is dear, and none of them outlives its connections' timers."""

    def __init__(self, limits: Limits = SMALL) -> None:
        self.wire = Wire()
        self.loop.run_until_complete(self._connect(limits))
        self.feed(HANDSHAKE)
        assert self.wire.written.startswith(b"HTTP/1.1 101")
        self.wire.written.clear()

    async def _connect(self, limits: Limits) -> None:
        self.connection = Connection(limits, Timing(), Heard)
        self.connection.connection_made(self.wire)

    @property
    def heard(self) -> Heard:
        found = self.connection.receiver
        assert isinstance(found, Heard)
        return found

    @property
    def over(self) -> bool:
        return self.heard.over or self.wire.closing or bool(self.heard.faults)

    def feed(self, data: bytes) -> None:
        async def take() -> None:
            if not self.wire.closing:
                self.connection.data_received(data)
            await asyncio.sleep(0)

        self.loop.run_until_complete(take())

    def __enter__(self) -> Served:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.connection_lost(None)


def read_all(parts: list[bytes]) -> list[tuple[int, bytes]]:
    """What the driver's reader finds before it asks for more; whatever it raises ends it."""
    stream: Any = Bytes(parts)
    reader, found = FrameReader(stream), []
    with contextlib.suppress(Broken):
        while True:
            found.append(reader.read())
    return found


def masked(payload: bytes, opcode: int = ABNF.OPCODE_TEXT, *, final: bool = True) -> bytes:
    """A client's WebSocket frame."""
    made: bytes = ABNF.create_frame(payload, opcode, int(final)).format()
    return made


def from_server(payload: bytes, *, opcode: Opcode = Opcode.TEXT, final: bool = True) -> bytes:
    """A server's WebSocket frame."""
    return Frame(opcode, payload, final).serialize(mask=False)


@st.composite
def fragments(draw: st.DrawFn, payload: bytes) -> list[tuple[bytes, int, bool]]:
    """A message in WebSocket fragments: payload, opcode, last."""
    parts = draw(pieces(payload))
    return [
        (part, ABNF.OPCODE_CONT if number else ABNF.OPCODE_TEXT, number == len(parts) - 1)
        for number, part in enumerate(parts)
    ]


@pytest.mark.parametrize("kind", DRIVER_WRITES, ids=opcode)
@enough
@given(st.data())
def test_the_server_reads_what_the_driver_writes(kind: type[msgspec.Struct], data: st.DataObject) -> None:
    frame = data.draw(frames_of(kind))
    if opcode(kind) in ("ack", "sync", "read", "hello"):
        # The driver's types say less than the wire: it counts only upwards, and asks for pages of at least one entry.
        frame = type(frame)(
            **{name: _counted(name, getattr(frame, name)) for name in frame.__struct_fields__}
        )
    with Served(Limits()) as served:
        for piece in data.draw(pieces(waybill_frames.encode(frame))):
            assert not (piece and served.heard.messages)
            served.feed(piece)
        (message,) = served.heard.messages
        read = CODEC.decode(message)
        assert members(read) == members(frame)
        if not isinstance(read, Hello):
            assert msgspec.json.encode(read) == message


@pytest.mark.parametrize("kind", SERVER_KINDS, ids=opcode)
@enough
@given(st.data())
def test_the_driver_asks_for_more_until_a_message_is_whole(
    kind: type[msgspec.Struct], data: st.DataObject
) -> None:
    message = CODEC.encode(data.draw(frames_of(kind)))
    wire = b"".join(
        from_server(part, opcode=Opcode(opcode_), final=last)
        + data.draw(st.sampled_from([b"", from_server(b"?", opcode=Opcode.PING)]))
        for part, opcode_, last in data.draw(fragments(message))
    )
    texts = [payload for opcode_, payload in read_all(data.draw(pieces(wire))) if opcode_ == ABNF.OPCODE_TEXT]
    assert texts == [message]
    whole = from_server(message)
    assert read_all([whole[: data.draw(st.integers(0, len(whole) - 1))]]) == []


@pytest.mark.parametrize("size", BOUNDARIES)
def test_messages_where_the_length_is_written_otherwise(size: int) -> None:
    message = b"x" * size
    for end in {0, 1, 2, 3, 4, 9, 10, 14, size // 2, size + 1}:
        whole = masked(message)
        with Served(Limits()) as served:
            served.feed(whole[: min(end, len(whole) - 1)])
            assert not served.heard.messages
            assert not served.over
            served.feed(whole[min(end, len(whole) - 1) :])
            assert served.heard.messages == [message]
        whole = from_server(message)
        assert read_all([whole[: min(end, len(whole) - 1)]]) == []
        assert read_all([whole]) == [(ABNF.OPCODE_TEXT, message)]


@enough
@given(st.one_of(st.binary(max_size=200), spoilt(masked(b'{"type":"bye"}') * 3)), st.data())
def test_whatever_comes_the_server_hears_messages_or_ends_the_connection(
    garbage: bytes, data: st.DataObject
) -> None:
    with Served() as served:
        for piece in data.draw(pieces(garbage)):
            served.feed(piece)
        for message in served.heard.messages:
            with contextlib.suppress(FaultyFrame):
                CODEC.decode(message)


@enough
@given(st.one_of(st.binary(max_size=200), spoilt(from_server(b'{"type":"acked"}') * 3)), st.data())
def test_whatever_comes_the_driver_hears_messages_or_ends_the_session(
    garbage: bytes, data: st.DataObject
) -> None:
    for _, message in read_all(data.draw(pieces(garbage))):
        with contextlib.suppress(waybill_frames.Malformed):
            waybill_frames.decode(message)


class Conversation(RuleBasedStateMachine):
    """A client says whole messages in fragments, with pings between; the network gives the server a few bytes at a
    time. The server hears exactly what has come whole, in order, and answers each ping, until garbage ends it."""

    @initialize()
    def connect(self) -> None:
        self.served = Served()
        self.pending = b""
        self.marks: list[tuple[int, bytes]] = []
        self.fed = 0
        self.said = 0
        self.ended = False

    @rule(data=st.data(), kind=st.sampled_from(DRIVER_WRITES))
    def say(self, data: st.DataObject, kind: type[msgspec.Struct]) -> None:
        message = msgspec.json.encode(data.draw(frames_of(kind)))
        for part, opcode_, last in data.draw(fragments(message)):
            self._add(masked(part, opcode_, final=last))
            whole = self.said
            if data.draw(st.booleans()):
                self._add(masked(b"?", ABNF.OPCODE_PING))
        self.marks.append((whole, message))

    @rule(count=st.integers(1, 400))
    def pass_on(self, count: int) -> None:
        part, self.pending = self.pending[:count], self.pending[count:]
        self.fed += len(part)
        self.served.feed(part)

    @rule(payload=st.binary(max_size=20))
    def say_bytes(self, payload: bytes) -> None:
        self._add(masked(payload, ABNF.OPCODE_BINARY))
        if not self.ended:
            self.ended, self.last = True, self.said

    @invariant()
    def what_came_whole_was_heard(self) -> None:
        if not hasattr(self, "served"):
            return
        until = self.last if self.ended else self.said
        assert self.served.heard.messages == [
            message for end, message in self.marks if end <= min(self.fed, until)
        ]
        assert self.served.over == (self.ended and self.fed >= self.last)

    def _add(self, wire: bytes) -> None:
        self.pending += wire
        self.said += len(wire)

    def teardown(self) -> None:
        if hasattr(self, "served"):
            self.served.__exit__()


def test_a_conversation_in_pieces() -> None:
    run_state_machine_as_test(
        Conversation,
        settings=settings(max_examples=max(40, EXAMPLES // 10), stateful_step_count=30, deadline=None),
    )


def _counted(name: str, value: Any) -> Any:
    if name in ("cursor", "after", "sequence") and value is not None:
        return abs(value)
    return max(1, abs(value)) if name == "limit" else value
