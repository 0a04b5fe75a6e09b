"""The frames of wire v1 as bytes (docs/wire-v1.md): one byte of operation, then fields one after the other.

A frame has no outer length: only its fields say where it ends. So each frame is described by the layout of its fields,
and one reader and one writer serve them all.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, ClassVar, Final

LONGEST: Final = 1 << 20
"""Bytes of the longest field that wire v1 knows; a longer one is no frame but an accident."""

LOGIN_OK: Final = b"\x03LOGIN_OK"
LOGIN_REFUSALS: Final = (b"AUTH_FAILED", b"RATE_LIMITED")
"""What the server says to a login; the refusals are bare words without an operation."""

_NUMBERS: Final = {"u8": struct.Struct(">B"), "u64": struct.Struct(">Q"), "u32": struct.Struct(">I")}
_LENGTHS: Final = {"str16": struct.Struct(">H"), "str32": struct.Struct(">I")}


class Malformed(Exception):
    """The bytes are no frame of wire v1."""


class Refused(Exception):
    """The server answered what was no login with the word for a login that it refuses."""


class Unsendable(Exception):
    """Wire v1 cannot carry this.

    Attributes:
        code: Why, in a word.
    """

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class Frame:
    """Any frame. `layout` names the kind of each field, in the order of the class's attributes."""

    operation: ClassVar[int]
    layout: ClassVar[tuple[str, ...]]


# -- what a client says ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Send(Frame):
    """A message to a user."""

    operation: ClassVar[int] = 0x02
    layout: ClassVar[tuple[str, ...]] = ("str16", "str16")
    target: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class AskStatus(Frame):
    """Asks whether a user is online."""

    operation: ClassVar[int] = 0x05
    layout: ClassVar[tuple[str, ...]] = ("str16",)
    user: bytes


@dataclass(frozen=True, slots=True)
class TypingStart(Frame):
    """The user began to type."""

    operation: ClassVar[int] = 0x70
    layout: ClassVar[tuple[str, ...]] = ("str16",)
    target: bytes


@dataclass(frozen=True, slots=True)
class TypingStop(Frame):
    """The user no longer types."""

    operation: ClassVar[int] = 0x71
    layout: ClassVar[tuple[str, ...]] = ("str16",)
    target: bytes


# -- what the server says --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Status(Frame):
    """Whether a user is online, and when last seen (seconds since 1970)."""

    operation: ClassVar[int] = 0x06
    layout: ClassVar[tuple[str, ...]] = ("str16", "u8", "u64")
    user: bytes
    online: int
    last_seen: int


@dataclass(frozen=True, slots=True)
class ReliableMessage(Frame):
    """A message, with the id by which it is acknowledged."""

    operation: ClassVar[int] = 0x10
    layout: ClassVar[tuple[str, ...]] = ("str16", "str32")
    id: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class PrekeyResponse(Frame):
    """Prekeys of a user."""

    operation: ClassVar[int] = 0x22
    layout: ClassVar[tuple[str, ...]] = ("str32",)
    keys: bytes


@dataclass(frozen=True, slots=True)
class EncryptedDelivery(Frame):
    """A message whose body only its recipient can read; it names its sender."""

    operation: ClassVar[int] = 0x24
    layout: ClassVar[tuple[str, ...]] = ("str16", "str16", "str32")
    sender: bytes
    header: bytes
    ciphertext: bytes


@dataclass(frozen=True, slots=True)
class GroupJoined(Frame):
    """A user joined a group."""

    operation: ClassVar[int] = 0x31
    layout: ClassVar[tuple[str, ...]] = ("str16", "str16")
    group: bytes
    user: bytes


@dataclass(frozen=True, slots=True)
class GroupMessage(Frame):
    """A message to a group."""

    operation: ClassVar[int] = 0x33
    layout: ClassVar[tuple[str, ...]] = ("str16", "str16", "str32")
    group: bytes
    header: bytes
    ciphertext: bytes


@dataclass(frozen=True, slots=True)
class Roster(Frame):
    """The members of a group."""

    operation: ClassVar[int] = 0x35
    layout: ClassVar[tuple[str, ...]] = ("str16", "str32")
    group: bytes
    members: bytes


@dataclass(frozen=True, slots=True)
class SenderKey(Frame):
    """A member's key for a group."""

    operation: ClassVar[int] = 0x36
    layout: ClassVar[tuple[str, ...]] = ("str16", "str32")
    group: bytes
    key: bytes


@dataclass(frozen=True, slots=True)
class TypingNotice(Frame):
    """A user types, or no longer does."""

    operation: ClassVar[int] = 0x72
    layout: ClassVar[tuple[str, ...]] = ("str16", "u8")
    sender: bytes
    active: int


@dataclass(frozen=True, slots=True)
class ReadReceipt(Frame):
    """A user read a message."""

    operation: ClassVar[int] = 0x75
    layout: ClassVar[tuple[str, ...]] = ("str16", "str16", "u64")
    id: bytes
    reader: bytes
    time_ms: int


@dataclass(frozen=True, slots=True)
class ErrorReported(Frame):
    """Something was not done; the frame does not say what."""

    operation: ClassVar[int] = 0xFE
    layout: ClassVar[tuple[str, ...]] = ("str16",)
    reason: bytes


@dataclass(frozen=True, slots=True)
class RateLimited(Frame):
    """Something was not done since too much was asked; the frame does not say what."""

    operation: ClassVar[int] = 0xFF
    layout: ClassVar[tuple[str, ...]] = ("u32",)
    retry_after_ms: int


FROM_CLIENT: Final[tuple[type[Frame], ...]] = (Send, AskStatus, TypingStart, TypingStop)
FROM_SERVER: Final[tuple[type[Frame], ...]] = (
    Status, ReliableMessage, PrekeyResponse, EncryptedDelivery, GroupJoined, GroupMessage, Roster, SenderKey,
    TypingNotice, ReadReceipt, ErrorReported, RateLimited,
)  # fmt: skip

_OF_SERVER: Final = {kind.operation: kind for kind in FROM_SERVER}


def login(user: str, token: str) -> bytes:
    """The login, which ends with its packet."""
    return b"\x01" + (f"{user}:{token}" if token else user).encode()


def acknowledgement(message_id: bytes) -> bytes:
    """The acknowledgement of a message, which ends with its packet."""
    return b"\x03" + message_id


def encode(frame: Frame) -> bytes:
    """The bytes of a frame.

    Raises:
        Unsendable: A field is longer than its length can say.
    """
    parts = [bytes((frame.operation,))]
    for kind, name in zip(frame.layout, frame.__slots__, strict=True):  # type: ignore[attr-defined]
        value = getattr(frame, name)
        if kind in _NUMBERS:
            parts.append(_NUMBERS[kind].pack(value))
            continue
        longest = 0xFFFF if kind == "str16" else LONGEST
        if len(value) > longest:
            raise Unsendable("too-large", f"the {name} has {len(value)} bytes, and wire v1 carries {longest}")
        parts += (_LENGTHS[kind].pack(len(value)), value)
    return b"".join(parts)


def decode(data: bytes | bytearray, at: int = 0, kinds: dict[int, type[Frame]] = _OF_SERVER) -> Any:
    """The frame that begins at a place, and where it ends; None if more bytes are needed to tell.

    Raises:
        Malformed: No frame begins there, whatever may follow.
    """
    if at >= len(data):
        return None
    kind = kinds.get(data[at])
    if kind is None:
        raise Malformed(f"no frame begins with {bytes(data[at : at + 16])!r}")
    at += 1
    values: list[int | bytes] = []
    for field in kind.layout:
        shape = _NUMBERS.get(field) or _LENGTHS[field]
        if at + shape.size > len(data):
            return None
        (value,) = shape.unpack_from(data, at)
        at += shape.size
        if field in _LENGTHS:
            if value > LONGEST:
                raise Malformed(
                    f"a field of {kind.__name__} with {value} bytes; wire v1 has at most {LONGEST}"
                )
            if at + value > len(data):
                return None
            values.append(bytes(data[at : at + value]))
            at += value
        else:
            values.append(value)
    return kind(*values), at


def decode_packet(packet: bytes) -> Frame | None:
    """The frame that a packet is, if it is exactly one."""
    try:
        found = decode(packet)
    except Malformed:
        return None
    return found[0] if found is not None and found[1] == len(packet) else None


def login_answer(data: bytes | bytearray) -> bytes | None:
    """The server's answer to a login, which these bytes begin with; None if more bytes are needed to tell.

    Raises:
        Malformed: They begin with none.
    """
    for answer in (LOGIN_OK, *LOGIN_REFUSALS):
        if data[: len(answer)] == answer:
            return answer
        if answer[: len(data)] == data:
            return None
    raise Malformed(f"the answer to the login begins with {bytes(data[:16])!r}")
