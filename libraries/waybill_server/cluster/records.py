"""What one node tells another for certain: once, in order, kept until it is confirmed."""

from __future__ import annotations

import msgspec

from waybill_server.records import Message


class Record(msgspec.Struct, frozen=True, tag_field="type", gc=False):
    """Any record; the tag is its `type`."""


class Sent(Record, frozen=True, tag="sent"):
    """A send that its node accepted, for the conversation's home. `at`: milliseconds since 1970 when it was."""

    user: str
    device: str
    conversation: str
    key: str
    body: bytes
    at: int


class Settled(Record, frozen=True, tag="settled"):
    """What became of a `Sent`, for the node that accepted it: the message as it is stored under the user's key, and
    whether that is an earlier one."""

    user: str
    key: str
    number: int
    sequence: int
    device: str
    stored_key: str
    duplicate: bool


class Append(Record, frozen=True, tag="append"):
    """A message for a user's log, for the user's home."""

    user: str
    message: Message


class Entered(Record, frozen=True, tag="entered"):
    """A place of a user's log, from the user's home for everybody."""

    user: str
    position: int
    message: Message


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
