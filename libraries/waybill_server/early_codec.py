"""Version 2 of wire v2: the frames of clients and servers of release 1.

It is what version 3 is without its additions, and those are left out here, on top of the codec of version 3.
"""

from __future__ import annotations

import msgspec

from waybill_server.client_frames import AskBlocks, AskStatus, Block, ClientFrame, Send, Unblock
from waybill_server.codec import Codec, FaultyFrame
from waybill_server.frames import Frame
from waybill_server.server_frames import Accepted, Entry, Group, Page, ServerFrame


class EarlyAccepted(Frame, frozen=True, tag="accepted"):
    """The send is committed."""

    ref: int
    id: str | None
    conversation: str
    sequence: int | None
    key: str


class EarlyPage(Frame, frozen=True, tag="page"):
    """A page of the log; one without entries is the end."""

    ref: int
    entries: list[msgspec.Raw]
    cursor: int


class EarlyGroup(Frame, frozen=True, tag="group"):
    """A group, without what changed in it."""

    ref: int | None
    conversation: str
    name: str
    members: list[str]


EarlyFrame = EarlyAccepted | EarlyPage | EarlyGroup


class EarlyCodec:
    """The codec of version 2.

    Args:
        codec: That of version 3.
    """

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._encode = msgspec.json.Encoder().encode

    def decode(self, data: bytes | bytearray) -> ClientFrame:
        """Reads one client message; what version 3 added is of no known type here."""
        frame = self._codec.decode(data)
        if isinstance(frame, Block | Unblock | AskBlocks | AskStatus):
            kind = type(frame).__struct_config__.tag
            raise FaultyFrame(f"Invalid value {kind!r} - at `$.type`: it is of wire version 3", frame.ref)
        if isinstance(frame, Send) and frame.ttl is not None:
            return msgspec.structs.replace(frame, ttl=None)
        return frame

    def encode(self, frame: ServerFrame) -> bytes:
        """Writes one server frame."""
        early = _early(frame)
        return self._codec.encode(frame) if early is None else self._encode(early)

    def encode_entry(self, entry: Entry) -> bytes:
        """Writes one entry of a page."""
        return self._codec.encode_entry(entry)


def _early(frame: ServerFrame) -> EarlyFrame | None:
    """What version 2 says in place of a frame; None where it says the same."""
    match frame:
        case Accepted():
            return EarlyAccepted(frame.ref, frame.id, frame.conversation, frame.sequence, frame.key)
        case Page():
            return EarlyPage(frame.ref, frame.entries, frame.cursor)
        case Group():
            return EarlyGroup(frame.ref, frame.conversation, frame.name, frame.members)
    return None
