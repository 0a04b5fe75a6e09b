"""What nodes say on a link: MessagePack behind a length of four bytes.

Whoever connects is the sender: its records go one way, what became of them comes back. The other direction is a link of
its own.
"""

from __future__ import annotations

import asyncio

import msgspec

LARGEST_FRAME = 16_777_216
"""Bytes; a batch of records is cut long before."""


class LinkBroken(Exception):
    """The link cannot be used any more; the text says why."""


class LinkFrame(msgspec.Struct, frozen=True, tag_field="type", gc=False):
    """Any frame; the tag is its `type`."""


class Greeting(LinkFrame, frozen=True, tag="hello"):
    """The first frame: who connects, to whom, from which data directory, and as which release."""

    node: str
    to: str
    store: str
    release: int = 1


class Welcomed(LinkFrame, frozen=True, tag="welcome"):
    """The answer: the number of the last record that was applied, and the release that applies them."""

    applied: int
    release: int = 1


class Records(LinkFrame, frozen=True, tag="records"):
    """Records with consecutive numbers."""

    first: int
    records: list[bytes]


class Confirmed(LinkFrame, frozen=True, tag="confirmed"):
    """Everything up to this number is applied, for ever."""

    number: int


class Spread(LinkFrame, frozen=True, tag="spread"):
    """What came of these records is at every node that can be reached."""

    numbers: list[int]


class Heartbeat(LinkFrame, frozen=True, tag="heartbeat"):
    """A sign of life, in either direction."""


class SessionsOpen(LinkFrame, frozen=True, tag="sessions"):
    """All sessions of the sender: user, device, and since when; in place of all that was said before. It is the first
    frame after the welcome, and tells the number of the last record that the sender has for the receiver."""

    sessions: list[tuple[str, str, int]]
    last: int = 0


class SessionOpened(LinkFrame, frozen=True, tag="opened"):
    """A device logged in at the sender."""

    user: str
    device: str
    since: int


class SessionEnded(LinkFrame, frozen=True, tag="ended"):
    """A session of the sender ended at this time."""

    user: str
    device: str
    time: int


class Types(LinkFrame, frozen=True, tag="typing"):
    """A typing notice for a user's sessions."""

    to: str
    conversation: str
    user: str
    active: bool


class ChangeGroup(LinkFrame, frozen=True, tag="change-group"):
    """Asks the group's home for a change."""

    call: int
    caller: str
    action: str
    conversation: str
    users: tuple[str, ...]
    moderates: bool


class ChangeBlock(LinkFrame, frozen=True, tag="change-block"):
    """Asks the user's home to change a block list."""

    call: int
    user: str
    other: str
    blocked: bool


class ChangeRule(LinkFrame, frozen=True, tag="change-rule"):
    """Asks the rules' home for a change."""

    call: int
    sender: str
    recipient: str
    allowed: bool | None


class UseToken(LinkFrame, frozen=True, tag="use-token"):
    """Asks the user's home to use up a token that is good for one login."""

    call: int
    user: str
    token: str
    expires: float


class Reply(LinkFrame, frozen=True, tag="reply"):
    """The answer to a call: a refusal, or what the call is about as it is now."""

    call: int
    refusal: tuple[str, str, bool, int | None] | None = None
    group: tuple[str, str, tuple[str, ...]] | None = None
    user: str = ""
    action: str = ""
    users: tuple[str, ...] = ()


Call = ChangeGroup | ChangeBlock | ChangeRule | UseToken
"""An older release does not know all of them (`Release.unknown`), and refuses those."""

FromSender = Greeting | Records | Heartbeat | SessionsOpen | SessionOpened | SessionEnded | Types | Call
FromReceiver = Welcomed | Confirmed | Spread | Heartbeat | Reply

from_sender: msgspec.msgpack.Decoder[FromSender] = msgspec.msgpack.Decoder(FromSender)
from_receiver: msgspec.msgpack.Decoder[FromReceiver] = msgspec.msgpack.Decoder(FromReceiver)
_encoder = msgspec.msgpack.Encoder()


def packed(frame: LinkFrame) -> bytes:
    """A frame's bytes."""
    data = _encoder.encode(frame)
    return len(data).to_bytes(4) + data


async def read_frame(reader: asyncio.StreamReader) -> bytes:
    """The next frame's bytes, without their length.

    Raises:
        LinkBroken: The connection ended, or the frame is too large.
    """
    try:
        size = int.from_bytes(await reader.readexactly(4))
        if size > LARGEST_FRAME:
            raise LinkBroken(f"a frame of {size} bytes, at most {LARGEST_FRAME} are read")
        return await reader.readexactly(size)
    except asyncio.IncompleteReadError:
        raise LinkBroken("the peer closed the connection") from None
    except OSError as error:
        raise LinkBroken(f"the connection failed: {error}") from None
