"""What a client can say on wire v2."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from waybill_server.frames import Count, Frame, Integer, Span


class Hello(Frame, frozen=True, tag="hello"):
    """The first frame of a session."""

    versions: list[Integer]
    device: str
    token: str | None = None
    cursor: Count | None = None
    capabilities: tuple[str, ...] = ()


class Proof(Frame, frozen=True, tag="proof"):
    """Answers a challenge: the client has the key that its token names."""

    signature: str


class Send(Frame, frozen=True, tag="send", omit_defaults=True):
    """One message; with `ttl` one that is over after so many milliseconds."""

    ref: Integer
    conversation: str
    key: str
    body: str
    ttl: Span | None = None


class Ack(Frame, frozen=True, tag="ack"):
    """The device holds its log up to `cursor`."""

    ref: Integer
    cursor: Count


class Sync(Frame, frozen=True, tag="sync"):
    """Asks for a page of the log."""

    ref: Integer
    after: Count
    limit: Annotated[int, msgspec.Meta(ge=1, le=2**53)]


class Read(Frame, frozen=True, tag="read"):
    """Moves the user's read marker."""

    ref: Integer
    conversation: str
    sequence: Count


class AskMarkers(Frame, frozen=True, tag="markers"):
    """Asks for all members' watermarks."""

    ref: Integer
    conversation: str


class AskPresence(Frame, frozen=True, tag="presence"):
    """Asks whether a user is online."""

    ref: Integer
    user: str


class Watch(Frame, frozen=True, tag="watch"):
    """Subscribes to presence changes."""

    ref: Integer
    users: list[str]


class Typing(Frame, frozen=True, tag="typing"):
    """The user started or stopped typing."""

    conversation: str
    active: bool


class GroupCreate(Frame, frozen=True, tag="group-create"):
    """Makes a group."""

    ref: Integer
    name: str
    members: list[str]


class GroupAdd(Frame, frozen=True, tag="group-add"):
    """Adds a member."""

    ref: Integer
    conversation: str
    user: str


class GroupRemove(Frame, frozen=True, tag="group-remove"):
    """Removes a member."""

    ref: Integer
    conversation: str
    user: str


class GroupLeave(Frame, frozen=True, tag="group-leave"):
    """Leaves a group."""

    ref: Integer
    conversation: str


class GroupInfo(Frame, frozen=True, tag="group-info"):
    """Asks for a group's members."""

    ref: Integer
    conversation: str


class Block(Frame, frozen=True, tag="block"):
    """Puts a user on the caller's block list."""

    ref: Integer
    user: str


class Unblock(Frame, frozen=True, tag="unblock"):
    """Takes a user off the caller's block list."""

    ref: Integer
    user: str


class AskBlocks(Frame, frozen=True, tag="blocks"):
    """Asks for the caller's block list."""

    ref: Integer


class AskStatus(Frame, frozen=True, tag="status"):
    """Asks what became of a message of the caller's."""

    ref: Integer
    key: str


class Bye(Frame, frozen=True, tag="bye"):
    """Ends the session gracefully."""


Operation = (
    Send
    | Ack
    | Sync
    | Read
    | AskMarkers
    | AskPresence
    | Watch
    | Typing
    | GroupCreate
    | GroupAdd
    | GroupRemove
    | GroupLeave
    | GroupInfo
    | Block
    | Unblock
    | AskBlocks
    | AskStatus
)

ClientFrame = Hello | Proof | Operation | Bye


class Reference(msgspec.Struct, frozen=True):
    """The part of a faulty client frame that still lets the server refuse it by name."""

    ref: Integer
    type: Any = None
