"""Values for the frames of both wires, made from the types that the frames themselves declare, and bytes in pieces."""

from __future__ import annotations

import types
import typing
from typing import Annotated, Any

import msgspec
from hypothesis import settings
from hypothesis import strategies as st

from waybill.drivers import waybill_frames
from waybill.drivers.byte_stream import Broken
from waybill_server import client_frames, server_frames

EXAMPLES = max(200, settings.default.max_examples if settings.default else 0)
"""Examples of each opcode: as many as the guarantee PBT-1 demands, or more if the profile says so."""

EXACT = 2**53
"""Integers of wire v2 are within this."""

TEXT = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        ["", "\x00", "é", "e\u0301", "\u212b", "\U0001f69a", "\ufeff", "\u2028", "\ud7ff\ue000\U0010ffff"]
    ),
)
"""Any text, and often such as codecs stumble over: composed and decomposed letters, pairs of surrogates, controls."""

CLIENT_KINDS: tuple[type[msgspec.Struct], ...] = typing.get_args(client_frames.ClientFrame)
SERVER_KINDS: tuple[type[msgspec.Struct], ...] = typing.get_args(server_frames.ServerFrame)
DRIVER_READS: tuple[type[msgspec.Struct], ...] = typing.get_args(waybill_frames.ServerFrame)
DRIVER_READS_EARLY: tuple[type[msgspec.Struct], ...] = typing.get_args(waybill_frames.EarlyServerFrame)
DRIVER_WRITES: tuple[type[msgspec.Struct], ...] = tuple(
    kind
    for kind in vars(waybill_frames).values()
    if isinstance(kind, type)
    and issubclass(kind, msgspec.Struct)
    and kind.__struct_config__.tag is not None
    and kind not in (*DRIVER_READS, *DRIVER_READS_EARLY)
)
"""The driver's frames with an opcode that are none of the server's. A word may have two forms: a send, and one with a
time to live."""


def opcode(kind: type[msgspec.Struct]) -> str:
    """The word of wire v2 for a frame."""
    word = kind.__struct_config__.tag
    assert isinstance(word, str)
    return word


def by_opcode(kinds: tuple[type[msgspec.Struct], ...]) -> dict[str, type[msgspec.Struct]]:
    """Frames by their words, each of which occurs once."""
    found = {opcode(kind): kind for kind in kinds}
    assert len(found) == len(kinds)
    return found


def frames_of(kind: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    """Any frame of a kind."""
    hints = typing.get_type_hints(kind, include_extras=True)
    return st.builds(kind, **{name: _values(hints[name]) for name in kind.__struct_fields__})


SIMPLE: dict[Any, st.SearchStrategy[Any]] = {
    bool: st.booleans(),
    int: st.integers(-EXACT, EXACT),
    str: TEXT,
    type(None): st.none(),
}


def _values(hint: Any) -> st.SearchStrategy[Any]:
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        return st.integers(parts[1].ge, parts[1].le)
    if origin in (typing.Union, types.UnionType):
        return st.one_of(*(_values(part) for part in parts))
    if origin is dict:
        return st.dictionaries(_values(parts[0]), _values(parts[1]), max_size=3)
    if origin in (list, tuple):
        if parts[0] is msgspec.Raw:
            return st.lists(frames_of(server_frames.Entry).map(_encoded), max_size=3)
        return st.lists(_values(parts[0]), max_size=3).map(origin)
    return SIMPLE[hint] if hint in SIMPLE else frames_of(hint)


def _encoded(entry: msgspec.Struct) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(entry))


def said(frame: msgspec.Struct) -> list[str]:
    """The names of the members that a frame is written with: all, or those that are not what they are by default."""
    fields = msgspec.structs.fields(frame)
    if not frame.__struct_config__.omit_defaults:
        return [field.name for field in fields]
    return [field.name for field in fields if getattr(frame, field.name) != field.default]


def members(frame: msgspec.Struct) -> dict[str, Any]:
    """What a frame says, as JSON has it."""
    told = msgspec.json.decode(msgspec.json.encode(frame))
    assert isinstance(told, dict)
    return told


@st.composite
def spoilt(draw: st.DrawFn, whole: bytes) -> bytes:
    """Bytes with one to three accidents: some changed, lost, doubled, inserted."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data)))
        end = draw(st.integers(at, min(len(data), at + 8)))
        match draw(st.sampled_from(("change", "lose", "double", "insert"))):
            case "change":
                data[at : at + 1] = draw(st.binary(min_size=1, max_size=1))
            case "lose":
                del data[at:end]
            case "double":
                data[at:at] = data[at:end]
            case _:
                data[at:at] = draw(st.binary(max_size=8))
    return bytes(data)


@st.composite
def pieces(draw: st.DrawFn, data: bytes) -> list[bytes]:
    """Bytes, cut anywhere."""
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=8)))
    return [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]


class Bytes:
    """A byte stream that gives what it has, at most so much at once, and then is at its end."""

    def __init__(self, parts: list[bytes]) -> None:
        self.parts = [part for part in parts if part]

    def recv(self, size: int) -> bytes:
        if not self.parts:
            raise Broken("more is asked for")
        part, self.parts[0] = self.parts[0][:size], self.parts[0][size:]
        if not self.parts[0]:
            del self.parts[0]
        return part
