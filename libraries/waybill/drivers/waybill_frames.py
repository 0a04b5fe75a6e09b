"""The frames of wire v2 (docs/wire-v2.md), as a client sends and receives them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from websocket import ABNF


class Hello(msgspec.Struct, tag="hello"):
    versions: list[int]
    token: str
    device: str
    cursor: int | None
    capabilities: list[str]


class Send(msgspec.Struct, tag="send"):
    ref: int
    conversation: str
    key: str
    body: str


class Ack(msgspec.Struct, tag="ack"):
    ref: int
    cursor: int


class Sync(msgspec.Struct, tag="sync"):
    ref: int
    after: int
    limit: int


class Read(msgspec.Struct, tag="read"):
    ref: int
    conversation: str
    sequence: int


class AskMarkers(msgspec.Struct, tag="markers"):
    ref: int
    conversation: str


class AskPresence(msgspec.Struct, tag="presence"):
    ref: int
    user: str


class Watch(msgspec.Struct, tag="watch"):
    ref: int
    users: list[str]


class TypingNotice(msgspec.Struct, tag="typing"):
    conversation: str
    active: bool


class GroupCreate(msgspec.Struct, tag="group-create"):
    ref: int
    name: str
    members: list[str]


class GroupAdd(msgspec.Struct, tag="group-add"):
    ref: int
    conversation: str
    user: str


class GroupRemove(msgspec.Struct, tag="group-remove"):
    ref: int
    conversation: str
    user: str


class GroupLeave(msgspec.Struct, tag="group-leave"):
    ref: int
    conversation: str


class GroupInfo(msgspec.Struct, tag="group-info"):
    ref: int
    conversation: str


class Block(msgspec.Struct, tag="block"):
    ref: int
    user: str


class Unblock(msgspec.Struct, tag="unblock"):
    ref: int
    user: str


class AskBlocks(msgspec.Struct, tag="blocks"):
    ref: int


class Bye(msgspec.Struct, tag="bye"):
    pass


class Welcomed(msgspec.Struct, tag="welcome"):
    version: int
    user: str
    device: str
    cursor: int
    head: int
    limits: dict[str, int]


class Accepted(msgspec.Struct, tag="accepted"):
    ref: int
    id: str
    conversation: str
    sequence: int
    key: str
    duplicate: bool


class Refused(msgspec.Struct, tag="refused"):
    ref: int
    code: str
    definite: bool
    retry_after: int | None = None
    text: str = ""


class Entry(msgspec.Struct):
    """One entry of a user's log, in a page."""

    cursor: int
    id: str
    conversation: str
    sequence: int
    sender: str
    key: str
    body: str
    time: int


class Deliver(Entry, tag="deliver"):
    """One entry of a user's log, pushed."""


class Acked(msgspec.Struct, tag="acked"):
    ref: int
    cursor: int


class PageRead(msgspec.Struct, tag="page"):
    ref: int
    entries: list[Entry]
    cursor: int
    complete: bool


class Marked(msgspec.Struct, tag="marked"):
    ref: int
    conversation: str
    sequence: int


class ReceiptPush(msgspec.Struct, tag="receipt"):
    conversation: str
    user: str
    delivered: int
    read: int


class Watermarks(msgspec.Struct):
    """How far one member is."""

    user: str
    delivered: int
    read: int


class MarkersRead(msgspec.Struct, tag="markers"):
    ref: int
    conversation: str
    users: list[Watermarks]


class PresenceState(msgspec.Struct, tag="presence"):
    ref: int | None
    user: str
    online: bool
    last_seen: int | None


class Watching(msgspec.Struct, tag="watching"):
    ref: int
    users: list[str]


class TypingPush(msgspec.Struct, tag="typing"):
    conversation: str
    user: str
    active: bool


class Group(msgspec.Struct, tag="group"):
    ref: int | None
    conversation: str
    name: str
    members: list[str]


class Blocked(msgspec.Struct, tag="blocked"):
    ref: int
    users: list[str]


class Closing(msgspec.Struct, tag="closing"):
    code: str
    text: str = ""


ServerFrame = (
    Welcomed
    | Accepted
    | Refused
    | Deliver
    | Acked
    | PageRead
    | Marked
    | ReceiptPush
    | MarkersRead
    | PresenceState
    | Watching
    | TypingPush
    | Group
    | Blocked
    | Closing
)

_ENCODER = msgspec.json.Encoder()
_DECODER: msgspec.json.Decoder[Any] = msgspec.json.Decoder(ServerFrame)


def encode(frame: msgspec.Struct, extra: Mapping[str, object] | None = None) -> bytes:
    """A frame as the bytes of one masked WebSocket text message, with further members that it does not have itself."""
    said = {**extra, **msgspec.to_builtins(frame)} if extra else frame
    return pack(_ENCODER.encode(said), ABNF.OPCODE_TEXT)


def pack(payload: bytes, opcode: int) -> bytes:
    """A payload as the bytes of one masked WebSocket frame."""
    packed: bytes = ABNF.create_frame(payload, opcode).format()
    return packed


def decode(payload: bytes) -> Any:
    """The frame that the server sent; unknown members are ignored.

    Raises:
        msgspec.DecodeError: It is none that wire v2 knows.
    """
    return _DECODER.decode(payload)
