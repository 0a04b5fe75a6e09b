"""Wire v1, opcode by opcode: listener and driver undo each other, wait for what is not whole, and fail as declared."""

from __future__ import annotations

import contextlib
import inspect
import struct
import typing
from typing import Any

import pytest
from frame_values import EXAMPLES, Bytes, pieces, spoilt
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from waybill.drivers import iris_frames as driver
from waybill.drivers.base import Observer
from waybill.drivers.byte_stream import Broken
from waybill.drivers.iris_inbound import Inbound
from waybill.drivers.iris_link import TcpLink
from waybill_server.v1 import frames as server
from waybill_server.v1.operations import OPERATIONS
from waybill_server.v1.reading import FrameReader

SAID_BY_SERVER = {
    name: function
    for name, function in inspect.getmembers(server, inspect.isfunction)
    if typing.get_type_hints(function).get("return") is bytes and not name.startswith("_")
}
"""Every function that writes a frame."""

WRITTEN_BY_HAND = {"login": 0x01, "acknowledgement": 0x03}
"""The driver's frames without lengths, which are functions."""

NAME = st.one_of(st.text(max_size=30), st.sampled_from(["", "é", "e\u0301", "\x00", "\U0001f69a" * 64]))
BODY = st.one_of(st.binary(max_size=60), st.integers(0, 3).map(lambda more: b"x" * (254 + more)))
U64 = st.integers(0, 2**64 - 1)
U32 = st.integers(0, 2**32 - 1)
TOO_LONG = 20_000

each_of_the_client = pytest.mark.parametrize(
    "operation", sorted(server.LAYOUTS), ids=lambda one: f"{one:02X}"
)
each_of_the_server = pytest.mark.parametrize("name", sorted(SAID_BY_SERVER))
each_of_the_driver = pytest.mark.parametrize("kind", driver.FROM_CLIENT, ids=lambda kind: kind.__name__)
enough = settings(max_examples=EXAMPLES, deadline=None)


@st.composite
def client_frames(draw: st.DrawFn, operation: int) -> tuple[Any, bytes]:
    """A frame of a client, as the layout has it: what the listener should read, and the bytes."""
    make, fields = server.LAYOUTS[operation]
    values: list[Any] = []
    data = bytearray([operation])
    for shape, most in fields:
        if shape == ">Q":
            values.append(draw(U64))
            data += struct.pack(shape, values[-1])
        elif not shape:
            values.append(draw(st.binary(min_size=most, max_size=most)))
            data += values[-1]
        else:
            value = draw(st.one_of(BODY, st.sampled_from([b"x" * most, b"x" * (most - 1)])))[:most]
            values.append(value)
            data += struct.pack(shape, len(value)) + value
    return make(*values), bytes(data)


ARGUMENTS: dict[str, st.SearchStrategy[Any]] = {"str": NAME, "bytes": BODY, "bool": st.booleans()}


@st.composite
def server_frames(draw: st.DrawFn, name: str) -> tuple[dict[str, Any], bytes]:
    """A frame of the server: what it was told to say, and the bytes."""
    function = SAID_BY_SERVER[name]
    said: dict[str, Any] = {}
    for each in inspect.signature(function).parameters.values():
        longest = U32 if each.name == "retry_after_ms" else U64
        said[each.name] = draw(ARGUMENTS.get(each.annotation, longest))
    return said, function(**said)


def understood(value: Any) -> Any:
    """A value as it stands in the driver's frame."""
    if isinstance(value, str):
        return value.encode()
    return int(value) if isinstance(value, bool) else value


def test_no_opcode_is_left_out() -> None:
    assert {make for make, _ in server.LAYOUTS.values()} == set(OPERATIONS)
    assert len(server.LAYOUTS) == len(OPERATIONS)
    written = {kind.operation for kind in driver.FROM_CLIENT}
    assert written | set(WRITTEN_BY_HAND.values()) - {server.LOGIN} <= set(server.LAYOUTS)
    assert all(callable(getattr(driver, name)) for name in WRITTEN_BY_HAND)
    kinds = {
        kind
        for kind in vars(driver).values()
        if isinstance(kind, type) and issubclass(kind, driver.Frame) and kind is not driver.Frame
    }
    assert kinds == {*driver.FROM_CLIENT, *driver.FROM_SERVER}
    first = {SAID_BY_SERVER[name](**_smallest(name))[0] for name in SAID_BY_SERVER}
    assert len(first) == len(SAID_BY_SERVER)
    assert first <= {kind.operation for kind in driver.FROM_SERVER}


@each_of_the_client
@enough
@given(st.data())
def test_the_listener_reads_every_frame_and_waits_for_the_rest_of_its_parts(
    operation: int, data: st.DataObject
) -> None:
    frame, written = data.draw(client_frames(operation))
    behind = data.draw(st.binary(max_size=8))
    assert server.decode(written + behind) == (frame, len(written))
    assert server.decode(behind + written, len(behind)) == (frame, len(behind) + len(written))
    assert server.decode(written[: data.draw(st.integers(0, len(written) - 1))]) is None


@each_of_the_driver
@enough
@given(st.data())
def test_the_listener_reads_what_the_driver_writes(kind: type[driver.Frame], data: st.DataObject) -> None:
    values = [data.draw(st.binary(max_size=256)) for _ in kind.layout]
    written = driver.encode(kind(*values))
    found = server.decode(written)
    assert found is not None
    assert (tuple(found[0]), found[1]) == (tuple(values), len(written))
    assert type(found[0]) is server.LAYOUTS[kind.operation][0]


@enough
@given(st.binary(min_size=server.MESSAGE_ID, max_size=server.MESSAGE_ID), NAME, st.text("abc.", max_size=9))
def test_the_listener_reads_the_frames_without_lengths(message: bytes, user: str, token: str) -> None:
    written = driver.acknowledgement(message)
    assert server.decode(written) == (server.Ack(message), len(written))
    login = driver.login(user, token)
    assert login[0] == server.LOGIN
    assert login[1:].decode() == (f"{user}:{token}" if token else user)


@each_of_the_server
@enough
@given(st.data())
def test_the_driver_reads_what_the_listener_writes_and_writes_it_again(
    name: str, data: st.DataObject
) -> None:
    said, written = data.draw(server_frames(name))
    found = driver.decode(written)
    assert found is not None
    frame, end = found
    assert end == len(written)
    told = [getattr(frame, field) for field in frame.__slots__]
    assert told == ([understood(value) for value in said.values()] or [b""])
    assert driver.encode(frame) == written
    assert driver.decode_packet(written) == frame
    assert driver.decode(written[: data.draw(st.integers(0, len(written) - 1))]) is None


@each_of_the_client
@enough
@given(st.data())
def test_a_spoilt_frame_of_a_client_is_read_waited_for_or_faulty(operation: int, data: st.DataObject) -> None:
    _, written = data.draw(client_frames(operation))
    written = data.draw(spoilt(written[:200]))
    with contextlib.suppress(server.Faulty):
        found = server.decode(written)
        if found is not None:
            assert type(found[0]) is server.LAYOUTS[written[0]][0]
            assert server.decode(written[: found[1]]) == found
            assert server.decode(written[: found[1] - 1]) is None


@each_of_the_server
@enough
@given(st.data())
def test_a_spoilt_frame_of_the_server_is_read_waited_for_or_malformed(name: str, data: st.DataObject) -> None:
    _, written = data.draw(server_frames(name))
    written = data.draw(spoilt(written))
    with contextlib.suppress(driver.Malformed):
        found = driver.decode(written)
        if found is not None:
            assert driver.encode(found[0]) == written[: found[1]]


@each_of_the_client
def test_a_field_that_is_too_long_is_faulty_before_it_has_come(operation: int) -> None:
    _, fields = server.LAYOUTS[operation]
    data = bytearray([operation])
    for shape, most in fields:
        if shape in (">H", ">I"):
            longest = 2 ** (8 * struct.calcsize(shape)) - 1
            if most < longest:
                with pytest.raises(server.Faulty, match=f"at most {most}"):
                    server.decode(data + struct.pack(shape, most + 1))
            assert server.decode(data + struct.pack(shape, most)) is None
        data += bytes(most if not shape else struct.calcsize(shape))


@enough
@given(st.lists(st.binary(max_size=300), max_size=5), st.data())
def test_a_batch_is_its_bodies_or_faulty(bodies: list[bytes], data: st.DataObject) -> None:
    batch = b"".join(struct.pack(">H", len(body)) + body for body in bodies)
    assert server.bodies_of(batch, 256) == bodies
    ends = {len(batch[:at]) for at in _ends(bodies)}
    part = data.draw(st.integers(0, len(batch)))
    if part in ends:
        assert server.bodies_of(batch[:part], 256) == bodies[: sorted(ends).index(part)]
    else:
        with pytest.raises(server.Faulty):
            server.bodies_of(batch[:part], 256)


class Nobody(Observer):
    """Hears everything and minds nothing."""

    def __getattribute__(self, name: str) -> Any:
        return lambda *_, **__: None


@each_of_the_server
@enough
@given(st.data())
def test_the_driver_reports_whatever_the_server_says(name: str, data: st.DataObject) -> None:
    inbound = Inbound(Nobody(), object(), "alice")
    _, written = data.draw(server_frames(name))
    written = data.draw(st.one_of(st.just(written), spoilt(written)))
    with contextlib.suppress(driver.Malformed):
        found = driver.decode(written)
        if found is not None:
            inbound.take(found[0])


class Stream(RuleBasedStateMachine):
    """A client's frames are written back to back, and a few bytes arrive at a time. The listener has read exactly the
    frames that have come whole, until something that is no frame ends it."""

    @initialize()
    def connect(self) -> None:
        self.reader = FrameReader(packets=False)
        self.said: list[tuple[int, Any]] = []
        self.heard: list[Any] = []
        self.pending = b""
        self.written = 0
        self.fed = 0
        self.broken = -1
        self.faulty = False

    @rule(data=st.data(), operation=st.sampled_from(sorted(server.LAYOUTS)))
    def say(self, data: st.DataObject, operation: int) -> None:
        frame, written = data.draw(client_frames(operation).filter(lambda made: len(made[1]) < TOO_LONG))
        self.pending += written
        self.written += len(written)
        if self.broken < 0:
            self.said.append((self.written, frame))

    @rule(number=st.integers(0, 255).filter(lambda one: one not in server.LAYOUTS))
    def say_nonsense(self, number: int) -> None:
        self.pending += bytes((number,))
        self.written += 1
        if self.broken < 0:
            self.broken = self.written

    @rule(data=st.data(), count=st.one_of(st.integers(0, 40), st.integers(0, TOO_LONG)))
    def pass_on(self, data: st.DataObject, count: int) -> None:
        part, self.pending = self.pending[:count], self.pending[count:]
        for piece in data.draw(pieces(part)):
            if self.faulty:
                break
            try:
                for frame in self.reader.read(piece):
                    self.heard.append(frame)
            except server.Faulty:
                self.faulty = True
        self.fed += len(part)

    @invariant()
    def what_came_whole_was_read(self) -> None:
        if not hasattr(self, "reader"):
            return
        assert self.heard == [frame for end, frame in self.said if end <= self.fed]
        assert self.faulty == (0 <= self.broken <= self.fed)


def test_a_stream_in_pieces() -> None:
    run_state_machine_as_test(
        Stream, settings=settings(max_examples=max(40, EXAMPLES // 10), stateful_step_count=30, deadline=None)
    )


@enough
@given(st.data())
def test_the_driver_reads_a_stream_however_it_is_cut(data: st.DataObject) -> None:
    made = data.draw(
        st.lists(st.sampled_from(sorted(SAID_BY_SERVER)).flatmap(server_frames), min_size=1, max_size=4)
    )
    wire = b"".join(written for _, written in made)
    stream: Any = Bytes(data.draw(pieces(wire)))
    heard = []
    with contextlib.suppress(Broken):
        for frame in TcpLink(stream).received(identified=True):
            heard.append(frame)
    assert b"".join(map(driver.encode, heard)) == wire  # type: ignore[arg-type]


@each_of_the_client
@enough
@given(st.data())
def test_a_packet_is_whole_frames_or_faulty(operation: int, data: st.DataObject) -> None:
    frame, written = data.draw(client_frames(operation))
    assert list(FrameReader(packets=True).read(written)) == [frame]
    cut = written[: data.draw(st.integers(1, len(written) - 1))]
    with pytest.raises(server.Faulty, match="ends within a frame"):
        list(FrameReader(packets=True).read(cut))
    with pytest.raises(server.Faulty):
        list(FrameReader(packets=True).read(written + b"\x00"))


def _smallest(name: str) -> dict[str, Any]:
    values = {"str": "", "bytes": b"", "bool": False, "int": 0}
    return {
        each.name: values[each.annotation]
        for each in inspect.signature(SAID_BY_SERVER[name]).parameters.values()
    }


def _ends(bodies: list[bytes]) -> list[int]:
    ends = [0]
    for body in bodies:
        ends.append(ends[-1] + 2 + len(body))
    return ends
