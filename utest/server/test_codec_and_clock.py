"""Frames survive the codec, garbage is refused by name, and numbers only go up."""

from __future__ import annotations

import contextlib
import json

import msgspec
import pytest
from frame_values import said
from hypothesis import given
from hypothesis import strategies as st

from waybill_server import client_frames, server_frames
from waybill_server.clock import HybridClock, message_id, message_time
from waybill_server.codec import FaultyFrame, JsonCodec
from waybill_server.frames import Frame

CODEC = JsonCodec()
WHOLE = st.integers(0, 2**53)
TEXT = st.text(max_size=20)
VALUES: dict[str, st.SearchStrategy[object]] = {
    "ref": st.integers(-(2**53), 2**53),
    "versions": st.lists(WHOLE, max_size=3),
    "cursor": WHOLE,
    "after": WHOLE,
    "sequence": WHOLE,
    "limit": st.integers(1, 2**53),
    "capabilities": st.lists(TEXT, max_size=3).map(tuple),
    "users": st.lists(TEXT, max_size=3),
    "members": st.lists(TEXT, max_size=3),
    "active": st.booleans(),
    "ttl": st.none() | st.integers(1, 31_622_400_000),
}
CLIENT_FRAMES = [
    kind
    for kind in vars(client_frames).values()
    if isinstance(kind, type) and issubclass(kind, Frame) and kind is not Frame
]
SERVER_FRAMES = [
    kind
    for kind in vars(server_frames).values()
    if isinstance(kind, type)
    and issubclass(kind, msgspec.Struct)
    and kind is not Frame
    and kind.__struct_config__.tag
]


@pytest.mark.parametrize("kind", CLIENT_FRAMES, ids=lambda kind: kind.__name__)
@given(st.data())
def test_every_client_frame_is_read_as_it_was_written(kind: type[Frame], data: st.DataObject) -> None:
    fields = {name: data.draw(VALUES.get(name, TEXT)) for name in kind.__struct_fields__}
    frame = kind(**fields)
    written = json.dumps({"type": kind.__struct_config__.tag, **fields, "unknown": [1]})
    assert CODEC.decode(written.encode()) == frame
    assert CODEC.decode(msgspec.json.encode(frame)) == frame


@pytest.mark.parametrize("kind", SERVER_FRAMES, ids=lambda kind: kind.__name__)
@given(st.data())
def test_every_server_frame_is_written_as_json_with_its_type(
    kind: type[msgspec.Struct], data: st.DataObject
) -> None:
    plain = {
        field.name: data.draw(st.from_type(field.type) if field.type in (int, str, bool) else st.none())
        for field in msgspec.structs.fields(kind)
    }
    frame = kind(**plain)
    written = json.loads(CODEC.encode(frame))  # type: ignore[arg-type]
    assert written == {"type": kind.__struct_config__.tag, **{name: plain[name] for name in said(frame)}}


def test_there_is_a_frame_for_every_word_of_the_wire() -> None:
    assert len(CLIENT_FRAMES) == 20
    assert len(SERVER_FRAMES) == 18


@given(st.binary(max_size=200))
def test_garbage_is_faulty_and_nothing_else(garbage: bytes) -> None:
    with contextlib.suppress(FaultyFrame):
        CODEC.decode(garbage)


@given(st.integers(0, 80))
def test_every_part_of_a_frame_is_faulty(length: int) -> None:
    whole = b'{"type":"send","ref":1,"conversation":"d:a:b","key":"k","body":"hello, who is there?!"}'
    with pytest.raises(FaultyFrame):
        CODEC.decode(whole[:length])


@pytest.mark.parametrize(
    ("message", "ref"),
    [
        (b'{"type":"send","ref":7}', 7),
        (b'{"type":"what","ref":7}', 7),
        (b'{"ref":7}', 7),
        (b'{"type":"send"}', None),
        (b'{"type":"send","ref":"7"}', None),
        (b'{"type":"send","ref":true}', None),
        (b'{"type":"send","ref":1,"conversation":"\xff"}', None),
        (b'{"type":"presence","ref":1,"user":"a","unknown":"\xff"}', None),
        (b'{"type":"' + b"x" * 10_000 + b'","ref":7}', 7),
        (b"[" * 100_000, None),
    ],
)
def test_a_fault_names_its_operation_if_it_can(message: bytes, ref: int | None) -> None:
    with pytest.raises(FaultyFrame) as fault:
        CODEC.decode(message)
    assert fault.value.ref == ref
    assert len(str(fault.value)) <= 200


@given(st.lists(st.integers(0, 2**40), min_size=1, max_size=50), st.integers(0, 2**57))
def test_numbers_strictly_increase_whatever_the_wall_clock_says(wall: list[int], recovered: int) -> None:
    times = iter(wall)

    class Stepping(HybridClock):
        def wall_ms(self) -> int:
            return next(times)

    clock = Stepping()
    clock.recover(recovered)
    numbers = [recovered, *(clock.next_number() for _ in wall)]
    ids = [message_id(number) for number in numbers]
    assert numbers == sorted(set(numbers))
    assert ids == sorted(set(ids))
    assert all(message_time(number) >= time for number, time in zip(numbers[1:], wall, strict=True))


def test_a_number_follows_the_wall_clock() -> None:
    clock = HybridClock()
    before = clock.wall_ms()
    assert before <= message_time(clock.next_number()) <= clock.wall_ms() + 1


@pytest.mark.parametrize(("depth", "read"), [(500, True), (1_001, False), (100_000, False)])
def test_a_message_may_be_nested_and_not_without_end(depth: int, read: bool) -> None:
    data = b'{"type": "bye", "more": ' + b"[" * depth + b"]" * depth + b"}"
    if read:
        assert isinstance(JsonCodec().decode(data), client_frames.Bye)
    else:
        with pytest.raises(FaultyFrame):
            JsonCodec().decode(data)


def test_what_a_client_said_is_quoted_up_to_200_characters() -> None:
    with pytest.raises(FaultyFrame) as long:
        CODEC.decode(b'{"type": "%s"}' % (b"x" * 500))
    with pytest.raises(FaultyFrame) as short:
        CODEC.decode(b'{"type": "nothing"}')

    assert len(str(long.value)) == 200
    assert "'nothing'" in str(short.value)
    assert "nested" not in str(short.value)


def test_a_message_that_is_nested_too_deeply_is_called_that() -> None:
    with pytest.raises(FaultyFrame, match=r"^the message is nested too deeply$"):
        CODEC.decode(b'{"type": "send", "ref": 1, "more": ' + b"[" * 100_000)
