"""What the server can say on wire v2."""

from __future__ import annotations

import msgspec

from waybill_server.frames import Frame


class Challenge(Frame, frozen=True, tag="challenge"):
    """Asks for a proof that the client has the key that its token names."""

    nonce: str


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


class Accepted(Frame, frozen=True, tag="accepted", omit_defaults=True):
    """The send is committed. `queued`: for the home of its conversation, which has still to give it its id and its
    sequence; both are None then."""

    ref: int
    id: str | None
    conversation: str
    sequence: int | None
    key: str
    time: int
    duplicate: bool
    queued: bool = False


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


class BlockList(Frame, frozen=True, tag="blocked"):
    """Whom the caller blocks."""

    ref: int
    users: list[str]


class Status(Frame, frozen=True, tag="status"):
    """What became of a message; `expires` is None for one that stays."""

    ref: int
    id: str
    conversation: str
    sequence: int
    key: str
    expires: int | None
    expired: bool


class Expired(Frame, frozen=True, tag="expired"):
    """The time of a message that the user sent is over."""

    id: str
    conversation: str
    sequence: int
    key: str


class Closing(Frame, frozen=True, tag="closing"):
    """The last frame of the server."""

    code: str
    text: str


ServerFrame = (
    Challenge
    | Welcome
    | Accepted
    | Refused
    | Deliver
    | Acked
    | Page
    | Marked
    | Receipt
    | Markers
    | Presence
    | Watching
    | TypingNotice
    | Group
    | BlockList
    | Status
    | Expired
    | Closing
)
