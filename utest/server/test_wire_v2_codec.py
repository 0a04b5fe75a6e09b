"""Wire v2, opcode by opcode: the codecs of server and driver undo each other and themselves, and fail as declared."""

from __future__ import annotations

import contextlib
from typing import Any, Union

import msgspec
import pytest
from frame_values import (
    CLIENT_KINDS,
    DRIVER_READS,
    DRIVER_READS_EARLY,
    DRIVER_WRITES,
    EXAMPLES,
    SERVER_KINDS,
    by_opcode,
    frames_of,
    members,
    opcode,
    said,
    spoilt,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from waybill.drivers import waybill_frames
from waybill.drivers.waybill_inbound import Inbound
from waybill_server.client_frames import Bye, Hello, Operation, Proof
from waybill_server.codec import FaultyFrame, JsonCodec
from waybill_server.operations import OPERATIONS

CODEC = JsonCodec()
DRIVER_BY_OPCODE = by_opcode(DRIVER_READS)
SERVER_BY_OPCODE = by_opcode(SERVER_KINDS)
CLIENT_BY_OPCODE = by_opcode(CLIENT_KINDS)

each_of_the_client = pytest.mark.parametrize("kind", CLIENT_KINDS, ids=opcode)
each_of_the_server = pytest.mark.parametrize("kind", SERVER_KINDS, ids=opcode)
each_that_the_driver_writes = pytest.mark.parametrize("kind", DRIVER_WRITES, ids=opcode)
each_that_the_driver_reads = pytest.mark.parametrize("kind", DRIVER_READS, ids=opcode)
enough = settings(max_examples=EXAMPLES, deadline=None)

BEHIND = st.binary(min_size=1, max_size=8).filter(lambda rest: bool(rest.strip(b" \t\r\n")))
"""Bytes behind a frame; JSON allows white space there."""


def test_no_opcode_is_left_out() -> None:
    operations: Any = Union[tuple(OPERATIONS)]  # noqa: UP007
    assert operations == Operation
    assert set(CLIENT_KINDS) == {Hello, Proof, Bye, *OPERATIONS}
    assert set(DRIVER_BY_OPCODE) == set(SERVER_BY_OPCODE)
    assert set(by_opcode(DRIVER_READS_EARLY)) < set(SERVER_BY_OPCODE)
    assert {opcode(kind) for kind in DRIVER_WRITES} <= set(CLIENT_BY_OPCODE)


def test_the_driver_has_a_report_for_every_opcode_but_those_of_a_login() -> None:
    observer: Any = None
    inbound = Inbound(observer, 0)
    read = {*DRIVER_READS, *DRIVER_READS_EARLY}
    assert set(inbound._handlers) == read - {waybill_frames.Challenge, waybill_frames.Welcomed}


@each_of_the_client
@enough
@given(st.data())
def test_the_server_reads_what_was_written_and_is_deaf_to_other_members(
    kind: type[msgspec.Struct], data: st.DataObject
) -> None:
    frame = data.draw(frames_of(kind))
    written = msgspec.json.encode(frame)
    read = CODEC.decode(written)
    assert read == frame
    assert type(read) is kind
    assert msgspec.json.encode(read) == written
    told = [*members(frame).items(), ("unknown", data.draw(st.sampled_from([None, [1], {"ref": 2}, "x"])))]
    assert CODEC.decode(msgspec.json.encode(dict(data.draw(st.permutations(told))))) == frame


@each_of_the_server
@enough
@given(st.data())
def test_the_driver_reads_what_the_server_writes_and_that_is_canonical(
    kind: type[msgspec.Struct], data: st.DataObject
) -> None:
    frame = data.draw(frames_of(kind))
    written = CODEC.encode(frame)
    read = waybill_frames.decode(written)
    assert type(read) is DRIVER_BY_OPCODE[opcode(kind)]
    assert _within(members(read), members(frame))
    assert msgspec.json.encode(msgspec.json.decode(written)) == written
    assert list(msgspec.json.decode(written)) == ["type", *said(frame)]


@each_that_the_driver_reads
@enough
@given(st.data())
def test_the_driver_reads_its_own_frames_again(kind: type[msgspec.Struct], data: st.DataObject) -> None:
    frame = data.draw(frames_of(kind))
    written = msgspec.json.encode(frame)
    assert waybill_frames.decode(written) == frame
    assert msgspec.json.encode(waybill_frames.decode(written)) == written


@each_of_the_client
@enough
@given(st.data())
def test_a_client_frame_that_is_cut_continued_or_spoilt_is_faulty_or_another_frame(
    kind: type[msgspec.Struct], data: st.DataObject
) -> None:
    written = msgspec.json.encode(data.draw(frames_of(kind)))
    with pytest.raises(FaultyFrame):
        CODEC.decode(written[: data.draw(st.integers(0, len(written) - 1))])
    with pytest.raises(FaultyFrame):
        CODEC.decode(written + data.draw(BEHIND))
    with contextlib.suppress(FaultyFrame):
        read = CODEC.decode(data.draw(spoilt(written)))
        assert CODEC.decode(msgspec.json.encode(read)) == read


@each_of_the_server
@enough
@given(st.data())
def test_a_server_frame_that_is_cut_continued_or_spoilt_is_malformed_or_another_frame(
    kind: type[msgspec.Struct], data: st.DataObject
) -> None:
    written = CODEC.encode(data.draw(frames_of(kind)))
    with pytest.raises(waybill_frames.Malformed):
        waybill_frames.decode(written[: data.draw(st.integers(0, len(written) - 1))])
    with pytest.raises(waybill_frames.Malformed):
        waybill_frames.decode(written + data.draw(BEHIND))
    with contextlib.suppress(waybill_frames.Malformed):
        read = waybill_frames.decode(data.draw(spoilt(written)))
        assert waybill_frames.decode(msgspec.json.encode(read)) == read


@enough
@given(
    st.one_of(st.binary(), st.binary(max_size=60).map(lambda inside: b'{"type":"bye","x":' + inside + b"}"))
)
def test_garbage_is_an_error_of_the_declared_kind(garbage: bytes) -> None:
    with contextlib.suppress(FaultyFrame):
        CODEC.decode(garbage)
    with contextlib.suppress(waybill_frames.Malformed):
        waybill_frames.decode(garbage)


@pytest.mark.parametrize(
    ("garbage", "why"),
    [
        (b'{"type":"closing","code":"\xff"}', r"not UTF-8 \(byte 26\)"),
        (b'{"type":"closing","code":"a","unknown":"\xff"}', r"not UTF-8"),
        (b'{"type":"closing","code":"a","unknown":' + b"[" * 100_000, "nested too deeply"),
        (b'{"type":"acked","ref":9007199254740993,"cursor":1}', r"ref"),
        (b'{"type":"refused","ref":1,"code":"a","definite":true,"retry_after":1' + b"0" * 400 + b"}", "retry_after"),
        (b'{"type":"acked","ref":true,"cursor":1}', "Expected `int`"),
    ],
)  # fmt: skip
def test_what_no_server_may_say_is_malformed_and_ends_the_session_with_its_reason(
    garbage: bytes, why: str
) -> None:
    with pytest.raises(waybill_frames.Malformed, match=why):
        waybill_frames.decode(garbage)
    observer: Any = None
    assert "malformed frame from the server" in Inbound(observer, 0).take(garbage)


def _within(part: Any, whole: Any) -> bool:
    """Whether everything in a part is in the whole: a reader may pass over members, and alters none."""
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(name in whole and _within(value, whole[name]) for name, value in part.items())
    if isinstance(part, list) and isinstance(whole, list):
        return len(part) == len(whole) and all(map(_within, part, whole))
    return type(part) is type(whole) and part == whole
