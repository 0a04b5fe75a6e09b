"""The frames of wire v2 (docs/wire-v2.md), as a client sends and receives them."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from websocket import ABNF

from waybill.drivers.base import DeviceKey

Integer = Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)]
"""The numbers that wire v2 has."""


class Malformed(Exception):
    """The bytes are no frame of wire v2."""


class Hello(msgspec.Struct, tag="hello"):
    versions: list[int]
    token: str
    device: str
    cursor: int | None
    capabilities: list[str]


class Proof(msgspec.Struct, tag="proof"):
    signature: str


PROOF = "waybill-proof-v2"
"""What a proof of possession is said to be, so that its signature means nothing elsewhere."""


def proof(key: DeviceKey, nonce: str, device: str, token: str) -> Proof:
    """The signature that shows that a device has the key of its token."""
    said = f"{PROOF}\n{nonce}\n{device}\n{hashlib.sha256(token.encode()).hexdigest()}"
    signature = base64.urlsafe_b64encode(key.sign(said.encode())).rstrip(b"=")
    return Proof(signature.decode("ascii"))


class Send(msgspec.Struct, tag="send"):
    ref: int
    conversation: str
    key: str
    body: str


class SendExpiring(msgspec.Struct, tag="send"):
    ref: int
    conversation: str
    key: str
    body: str
    ttl: Annotated[int, msgspec.Meta(ge=1, le=31_622_400_000)]


class AskStatus(msgspec.Struct, tag="status"):
    ref: int
    key: str


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


class Challenge(msgspec.Struct, tag="challenge"):
    nonce: str


class Welcomed(msgspec.Struct, tag="welcome"):
    version: Integer
    user: str
    device: str
    cursor: Integer
    head: Integer
    limits: dict[str, Integer]


class Accepted(msgspec.Struct, tag="accepted"):
    """Without an id and a sequence where the message still goes to the node that will give it both."""

    ref: Integer
    id: str | None
    conversation: str
    sequence: Integer | None
    key: str
    duplicate: bool


class EarlyAccepted(msgspec.Struct, tag="accepted"):
    """As version 2 has it: it does not say whether it is about a duplicate."""

    ref: Integer
    id: str | None
    conversation: str
    sequence: Integer | None
    key: str


class Refused(msgspec.Struct, tag="refused"):
    ref: Integer
    code: str
    definite: bool
    retry_after: Integer | None = None
    text: str = ""


class Entry(msgspec.Struct):
    """One entry of a user's log, in a page."""

    cursor: Integer
    id: str
    conversation: str
    sequence: Integer
    sender: str
    key: str
    body: str
    time: Integer


class Deliver(Entry, tag="deliver"):
    """One entry of a user's log, pushed."""


class Acked(msgspec.Struct, tag="acked"):
    ref: Integer
    cursor: Integer


class PageRead(msgspec.Struct, tag="page"):
    ref: Integer
    entries: list[Entry]
    cursor: Integer
    complete: bool


class EarlyPageRead(msgspec.Struct, tag="page"):
    """As version 2 has it: a page without entries is the end of the log."""

    ref: Integer
    entries: list[Entry]
    cursor: Integer


class Marked(msgspec.Struct, tag="marked"):
    ref: Integer
    conversation: str
    sequence: Integer


class ReceiptPush(msgspec.Struct, tag="receipt"):
    conversation: str
    user: str
    delivered: Integer
    read: Integer


class Watermarks(msgspec.Struct):
    """How far one member is."""

    user: str
    delivered: Integer
    read: Integer


class MarkersRead(msgspec.Struct, tag="markers"):
    ref: Integer
    conversation: str
    users: list[Watermarks]


class PresenceState(msgspec.Struct, tag="presence"):
    ref: Integer | None
    user: str
    online: bool
    last_seen: Integer | None


class Watching(msgspec.Struct, tag="watching"):
    ref: Integer
    users: list[str]


class TypingPush(msgspec.Struct, tag="typing"):
    conversation: str
    user: str
    active: bool


class Group(msgspec.Struct, tag="group"):
    ref: Integer | None
    conversation: str
    name: str
    members: list[str]


class Blocked(msgspec.Struct, tag="blocked"):
    ref: int
    users: list[str]


class Status(msgspec.Struct, tag="status"):
    ref: Integer
    id: str
    conversation: str
    sequence: Integer
    key: str
    expires: Integer | None
    expired: bool


class ExpiredPush(msgspec.Struct, tag="expired"):
    id: str
    conversation: str
    sequence: Integer
    key: str


class Closing(msgspec.Struct, tag="closing"):
    code: str
    text: str = ""


_OfBothVersions = (
    Challenge
    | Welcomed
    | Refused
    | Deliver
    | Acked
    | Marked
    | ReceiptPush
    | MarkersRead
    | PresenceState
    | Watching
    | TypingPush
    | Group
    | Closing
)

ServerFrame = _OfBothVersions | Accepted | PageRead | Blocked | Status | ExpiredPush

EarlyServerFrame = _OfBothVersions | EarlyAccepted | EarlyPageRead
"""What a server says in a session of version 2."""

_ENCODER = msgspec.json.Encoder()
_DECODER: msgspec.json.Decoder[Any] = msgspec.json.Decoder(ServerFrame)
_EARLY_DECODER: msgspec.json.Decoder[Any] = msgspec.json.Decoder(EarlyServerFrame)


def encode(frame: msgspec.Struct, extra: Mapping[str, object] | None = None) -> bytes:
    """A frame as the bytes of one masked WebSocket text message, with further members that it does not have itself."""
    said = {**extra, **msgspec.to_builtins(frame)} if extra else frame
    return pack(_ENCODER.encode(said), ABNF.OPCODE_TEXT)


def pack(payload: bytes, opcode: int) -> bytes:
    """A payload as the bytes of one masked WebSocket frame."""
    packed: bytes = ABNF.create_frame(payload, opcode).format()
    return packed


def decode(payload: bytes, *, early: bool = False) -> Any:
    """The frame that the server sent; unknown members are ignored.

    Args:
        payload: The text message.
        early: It was said in a session of version 2.

    Raises:
        Malformed: It is none that wire v2 knows; no other exception, whatever the bytes are.
    """
    try:
        # The decoder does not look into members that it skips.
        payload.decode()
        return (_EARLY_DECODER if early else _DECODER).decode(payload)
    except UnicodeDecodeError as error:
        raise Malformed(f"the message is not UTF-8 (byte {error.start})") from None
    except RecursionError:
        raise Malformed("the message is nested too deeply") from None
    except msgspec.DecodeError as error:
        raise Malformed(str(error)) from None
