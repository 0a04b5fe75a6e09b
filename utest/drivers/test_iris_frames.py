"""Wire v1 as bytes: what is written is read again, what is not whole waits, what is no frame is refused."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waybill.drivers import iris_frames as frames

KINDS = {kind.operation: kind for kind in (*frames.FROM_CLIENT, *frames.FROM_SERVER)}
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "u8": st.integers(0, 0xFF),
    "u32": st.integers(0, 2**32 - 1),
    "u64": st.integers(0, 2**64 - 1),
    "str16": st.binary(max_size=300),
    "str32": st.binary(max_size=300),
}
FRAMES = st.sampled_from(list(KINDS.values())).flatmap(
    lambda kind: st.builds(kind, *(FIELDS[field] for field in kind.layout))
)


def test_every_operation_has_one_frame() -> None:
    assert len(KINDS) == len(frames.FROM_CLIENT) + len(frames.FROM_SERVER)
    assert all(
        len(kind.layout) == len(dataclasses.fields(kind))  # type: ignore[arg-type]
        for kind in KINDS.values()
    )


@given(FRAMES, st.binary(max_size=40))
def test_what_is_written_is_read_again_and_nothing_behind_it(frame: frames.Frame, rest: bytes) -> None:
    data = frames.encode(frame)
    assert data[0] == frame.operation
    assert frames.decode(data + rest, 0, KINDS) == (frame, len(data))
    assert frames.decode(rest + data + rest, len(rest), KINDS) == (frame, len(rest) + len(data))


@given(FRAMES)
def test_every_part_of_a_frame_asks_for_more(frame: frames.Frame) -> None:
    data = frames.encode(frame)
    for end in range(len(data)):
        assert frames.decode(data[:end], 0, KINDS) is None


@given(st.binary(min_size=1, max_size=200))
def test_whatever_the_bytes_are_they_are_a_frame_a_part_or_malformed(data: bytes) -> None:
    try:
        found = frames.decode(data)
    except frames.Malformed:
        return
    if found is not None:
        frame, end = found
        assert frames.encode(frame) == data[:end]


@pytest.mark.parametrize("data", [b"\x00", b"a", b"\x02", b"\x70\0\x01a", b"\x10\0\0\x7f\xff\xff\xff"])
def test_what_no_server_says_is_malformed(data: bytes) -> None:
    with pytest.raises(frames.Malformed):
        frames.decode(data)


def test_a_packet_is_a_frame_only_if_it_is_exactly_one() -> None:
    status = frames.Status(b"bob", 1, 7)
    data = frames.encode(status)
    assert frames.decode_packet(data) == status
    for other in (data[:-1], data + b"x", b"", b"any text", b"\x10"):
        assert frames.decode_packet(other) is None


@pytest.mark.parametrize("answer", [frames.LOGIN_OK, *frames.LOGIN_REFUSALS])
def test_the_answer_to_a_login_is_told_from_what_follows_it(answer: bytes) -> None:
    for end in range(len(answer)):
        assert frames.login_answer(answer[:end]) is None
    assert frames.login_answer(answer + b"\x10\0") == answer


@pytest.mark.parametrize("answer", [b"\x03LOGIN_NO", b"AUTH FAILED", b"\x10", b"HTTP/1.1 400"])
def test_another_answer_to_a_login_is_malformed(answer: bytes) -> None:
    with pytest.raises(frames.Malformed):
        frames.login_answer(answer)


def test_a_field_that_is_too_long_cannot_be_sent() -> None:
    assert len(frames.encode(frames.Send(b"bob", b"x" * 65_535))) == 65_543
    with pytest.raises(
        frames.Unsendable, match=r"the body has 65536 bytes, and wire v1 carries 65535"
    ) as found:
        frames.encode(frames.Send(b"bob", b"x" * 65_536))
    assert found.value.code == "too-large"


def test_the_two_frames_without_lengths() -> None:
    assert frames.login("alice", "a.b.c") == b"\x01alice:a.b.c"
    assert frames.login("alice", "") == b"\x01alice"
    assert frames.acknowledgement(b"0123") == b"\x030123"
