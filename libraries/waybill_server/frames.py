"""The frames of wire v2 as typed structures (docs/wire-v2.md is their contract).

Decoding is strict about types and deaf to unknown members. Bounds that are configurable are not checked here.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

WIRE_VERSIONS = (2,)
"""The wire versions that this server speaks."""

CAPABILITIES = frozenset({"receipts", "typing", "presence"})
"""What a client may ask to be pushed."""

Integer = Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class Frame(msgspec.Struct, frozen=True, tag_field="type", gc=False):
    """Any frame; the tag is its `type`."""


class Hello(Frame, frozen=True, tag="hello"):
    """The first frame of a session."""

    versions: list[Integer]
    device: str
    token: str | None = None
    cursor: Count | None = None
    capabilities: list[str] = []


class Send(Frame, frozen=True, tag="send"):
    """One message."""

    ref: Integer
    conversation: str
    key: str
    body: str


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


class Bye(Frame, frozen=True, tag="bye"):
    """Ends the session gracefully."""


ClientFrame = (
    Hello | Send | Ack | Sync | Read | AskMarkers | AskPresence | Watch | Typing
    | GroupCreate | GroupAdd | GroupRemove | GroupLeave | GroupInfo | Bye
)  # fmt: skip


class Welcome(Frame, frozen=True, tag="welcome"):
    """The session is open."""

    version: int
    user: str
    device: str
    session: str
    cursor: int
    head: int
    capabilities: list[str]
    limits: dict[str, int]
    time: int


class Accepted(Frame, frozen=True, tag="accepted"):
    """The send is committed."""

    ref: int
    id: str
    conversation: str
    sequence: int
    key: str
    time: int
    duplicate: bool


class Refused(Frame, frozen=True, tag="refused"):
    """The operation was not done."""

    ref: int
    code: str
    definite: bool
    retry_after: int | None
    text: str


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One log entry, as it stands in a page."""

    cursor: int
    id: str
    conversation: str
    sequence: int
    sender: str
    device: str
    key: str
    body: str
    time: int


class Deliver(Entry, frozen=True, gc=False, tag_field="type", tag="deliver"):
    """One log entry, pushed."""


class Acked(Frame, frozen=True, tag="acked"):
    """The device's cursor is stored."""

    ref: int
    cursor: int


class Page(Frame, frozen=True, tag="page"):
    """A page of the log; its entries are encoded already."""

    ref: int
    entries: list[msgspec.Raw]
    cursor: int
    complete: bool


class Marked(Frame, frozen=True, tag="marked"):
    """The read marker is stored."""

    ref: int
    conversation: str
    sequence: int


class Receipt(Frame, frozen=True, tag="receipt"):
    """A member's watermarks moved."""

    conversation: str
    user: str
    delivered: int
    read: int


class Marker(msgspec.Struct, frozen=True):
    """A member's watermarks."""

    user: str
    delivered: int
    read: int


class Markers(Frame, frozen=True, tag="markers"):
    """All members' watermarks."""

    ref: int
    conversation: str
    users: list[Marker]


class Presence(Frame, frozen=True, tag="presence"):
    """A user's presence; pushed when `ref` is None."""

    ref: int | None
    user: str
    online: bool
    last_seen: int | None


class Watching(Frame, frozen=True, tag="watching"):
    """The watch list is in force."""

    ref: int
    users: list[str]


class TypingNotice(Frame, frozen=True, tag="typing"):
    """Another member started or stopped typing."""

    conversation: str
    user: str
    active: bool


class Change(msgspec.Struct, frozen=True):
    """What changed in a group."""

    user: str
    action: str


class Group(Frame, frozen=True, tag="group"):
    """A group after a change, or as asked for."""

    ref: int | None
    conversation: str
    name: str
    members: list[str]
    change: Change | None


class Closing(Frame, frozen=True, tag="closing"):
    """The last frame of the server."""

    code: str
    text: str


ServerFrame = (
    Welcome | Accepted | Refused | Deliver | Acked | Page | Marked | Receipt | Markers
    | Presence | Watching | TypingNotice | Group | Closing
)  # fmt: skip


class Reference(msgspec.Struct, frozen=True):
    """The part of a faulty client frame that still lets the server refuse it by name."""

    ref: Integer
    type: Any = None
