"""What one node tells another for certain: once, in order, kept until it is confirmed."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import msgspec

from waybill_server.records import Message


class Record(msgspec.Struct, frozen=True, tag_field="type", gc=False):
    """Any record; the tag is its `type`."""


class Sent(Record, frozen=True, tag="sent", omit_defaults=True):
    """A send that its node accepted, for the conversation's home. `at`: milliseconds since 1970 when it was; `expires`:
    when it is over, here and below None for a message that stays."""

    user: str
    device: str
    conversation: str
    key: str
    body: bytes
    at: int
    expires: int | None = None


class Settled(Record, frozen=True, tag="settled", omit_defaults=True):
    """What became of a `Sent`, for the node that accepted it: the message as it is stored under the user's key, and
    whether that is an earlier one."""

    user: str
    key: str
    number: int
    sequence: int
    device: str
    stored_key: str
    duplicate: bool
    expires: int | None = None


class Append(Record, frozen=True, tag="append", omit_defaults=True):
    """A message for a user's log, for the user's home."""

    user: str
    message: Message
    expires: int | None = None


class Entered(Record, frozen=True, tag="entered", omit_defaults=True):
    """A place of a user's log, from the user's home for everybody. `received`: how many entries up to here came from
    others; None from a release that does not count them."""

    user: str
    position: int
    message: Message
    received: int | None = None
    expires: int | None = None


class DeviceCursor(Record, frozen=True, tag="cursor"):
    """A device holds its log up to here; the highest counts."""

    user: str
    device: str
    cursor: int


class Watermarks(Record, frozen=True, tag="watermarks"):
    """How far a member was given and has read; the highest count."""

    conversation: str
    user: str
    delivered: int
    read: int


class GroupState(Record, frozen=True, tag="group"):
    """A group after a change, from its home. `told`: the receiver's own sessions know already."""

    conversation: str
    name: str
    members: tuple[str, ...]
    user: str
    action: str
    told: bool


class BlockListed(Record, frozen=True, tag="blocks"):
    """A user's block list after a change that was about another user, from the user's home."""

    user: str
    users: tuple[str, ...]
    other: str


class Ruled(Record, frozen=True, tag="rule"):
    """A rule was made, or taken away (None), at the rules' home."""

    sender: str
    recipient: str
    allowed: bool | None


class RevokedAt(Record, frozen=True, tag="revoked"):
    """A token, a user or a device was revoked; the latest counts."""

    token: str
    user: str
    device: str
    at: int


class SeenAt(Record, frozen=True, tag="seen"):
    """A sign of life of a user; the latest counts."""

    user: str
    time: int


AnyRecord = (
    Sent
    | Settled
    | Append
    | Entered
    | DeviceCursor
    | Watermarks
    | GroupState
    | BlockListed
    | Ruled
    | RevokedAt
    | SeenAt
)


class Unread(NamedTuple):
    """A record of a kind that this release does not know; it is kept for one that does."""

    data: bytes


class _Kind(msgspec.Struct):
    """All that is looked at in a record whose kind is not known yet."""

    type: str


_kinds: msgspec.msgpack.Decoder[_Kind] = msgspec.msgpack.Decoder(_Kind)
_known = frozenset(str(kind.__struct_config__.tag) for kind in Record.__subclasses__())
_decoder: msgspec.msgpack.Decoder[AnyRecord] = msgspec.msgpack.Decoder(AnyRecord)
_encoder = msgspec.msgpack.Encoder()


def pack(record: AnyRecord) -> bytes:
    """A record's bytes, as they stand in the outbox and on the link."""
    return _encoder.encode(record)


def unpack(data: bytes) -> AnyRecord:
    """A record of its bytes.

    Raises:
        msgspec.DecodeError: They are none.
    """
    return _decoder.decode(data)


def unpack_known(data: bytes, unknown: Collection[str] = ()) -> AnyRecord | Unread:
    """A record of its bytes, which may be from a newer release.

    Args:
        data: The bytes.
        unknown: Kinds that this release does not know either.

    Raises:
        msgspec.DecodeError: They are none.
    """
    kind = _kinds.decode(data).type
    return unpack(data) if kind in _known and kind not in unknown else Unread(data)
