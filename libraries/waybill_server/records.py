"""Plain data between the node's parts: what is stored, what is asked of the store, and how it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from waybill_server.revocations import Admission, Target


class Message(NamedTuple):
    """One stored message."""

    number: int
    conversation: str
    sequence: int
    sender: str
    device: str
    key: str
    body: bytes


def text_of(body: bytes) -> str:
    """A body as wire v2 carries it; bytes that are no text, which only v1 clients can send, are written `\\xNN`."""
    return body.decode("utf-8", "backslashreplace")


class LogEntry(NamedTuple):
    """One place of a user's log."""

    position: int
    message: Message


class Watermark(NamedTuple):
    """How far a member of a conversation was given, and has read, its messages."""

    conversation: str
    user: str
    delivered: int
    read: int


class Status(NamedTuple):
    """What became of a message: until when it stands (milliseconds since 1970; None without end), and whether that is
    over."""

    message: Message
    expires: int | None
    expired: bool


class Group(NamedTuple):
    """A group's present state."""

    conversation: str
    name: str
    members: tuple[str, ...]


class Refusal(NamedTuple):
    """An operation that was not done."""

    code: str
    text: str
    definite: bool = True
    retry_after: int | None = None


NOT_ADMITTED = Refusal(
    "not-admitted", "the token of the session is revoked or used up, or the session was ended"
)
"""For what a session asks that was let in by something that does not stand any more."""


class Stored(NamedTuple):
    """A send's message; `positions` says where it now stands in whose log (empty for a duplicate), `expires` that it
    was given a time to live."""

    message: Message
    positions: tuple[tuple[str, int], ...]
    duplicate: bool
    expires: bool = False


class Moved(NamedTuple):
    """A cursor or marker as it now is, and the watermarks that moved with it, each with who may know."""

    value: int
    watermarks: tuple[tuple[Watermark, tuple[str, ...]], ...]


class Place(NamedTuple):
    """Where a device goes on in its user's log, and where the log ends."""

    cursor: int
    head: int


class Regrouped(NamedTuple):
    """A group after a change; action is empty when nothing changed."""

    group: Group
    user: str
    action: str


class Blocked(NamedTuple):
    """A user's block list as it now is."""

    users: tuple[str, ...]


class Queued(NamedTuple):
    """A send that is stored for the home of its conversation, which is another node: it will get its id and its
    sequence there. `duplicate`: it was stored before."""

    conversation: str
    key: str
    time: int
    duplicate: bool


class Expired(NamedTuple):
    """Messages whose time is over, for good."""

    messages: tuple[Message, ...]


class Revoked(NamedTuple):
    """A revocation is stored.

    Attributes:
        at: The milliseconds since 1970 from which on it counts.
        untold: The other nodes that are not known to enforce it yet.
    """

    at: int
    untold: tuple[str, ...] = ()


Result = Stored | Queued | Moved | Place | Regrouped | Blocked | Expired | Revoked | Refusal | None
Done = Callable[[Result], None]


@dataclass(slots=True)
class Asked:
    """Something that is asked of the store.

    Attributes:
        done: Is called with the result once it is committed.
        admission: By what the session was let in that asks; it puts it there as it hands the request over. None for the
            node itself. A request whose admission does not stand any more, when its turn comes, is refused.
    """

    done: Done
    admission: Admission | None = field(default=None, kw_only=True)


@dataclass(slots=True)
class SendRequest(Asked):
    """Stores a message and its log entries, unless its key is known.

    Attributes:
        ttl: The milliseconds after which it is over; None for a message that stays.
    """

    user: str
    device: str
    conversation: str
    key: str
    body: bytes
    ttl: int | None = None


@dataclass(slots=True)
class AckRequest(Asked):
    """Stores a device's cursor and moves the delivered watermarks that it covers."""

    user: str
    device: str
    cursor: int


@dataclass(slots=True)
class ReadRequest(Asked):
    """Moves a read marker."""

    user: str
    conversation: str
    sequence: int


@dataclass(slots=True)
class LoginRequest(Asked):
    """Notes that the user is online and finds the device's place in the log."""

    user: str
    device: str
    cursor: int | None
    time: int


@dataclass(slots=True)
class SeenRequest(Asked):
    """Notes that the user's last session ended."""

    user: str
    time: int


@dataclass(slots=True)
class GroupRequest(Asked):
    """Changes a group: action is `created`, `added`, `removed` or `left`.

    Attributes:
        users: The members for `created`, else the one user concerned.
        name: The group's name, for `created`.
        moderates: The caller has a role that may remove members of groups that the caller is not in.
    """

    caller: str
    action: str
    conversation: str
    users: tuple[str, ...]
    name: str = ""
    moderates: bool = False


@dataclass(slots=True)
class BlockRequest(Asked):
    """Puts another user on a user's block list, or takes it off."""

    user: str
    other: str
    blocked: bool


@dataclass(slots=True)
class RuleRequest(Asked):
    """Makes a rule about messages from a sender to a recipient (`*`: anybody); removes it where `allowed` is None."""

    sender: str
    recipient: str
    allowed: bool | None


@dataclass(slots=True)
class ExpireRequest(Asked):
    """Marks messages, by their numbers, as over."""

    numbers: tuple[int, ...]


@dataclass(slots=True)
class RevokeRequest(Asked):
    """Revokes a token, a user or a device.

    Attributes:
        at: Milliseconds since 1970; tokens that were issued up to this second are refused. None for now.
        enforce: Ends what it concerns; called as soon as it is committed, which may be long before `done`.
        everywhere: `done` is called once it is known which other nodes have it; else once it is committed.
    """

    target: Target
    at: int | None = None
    enforce: Callable[[Revoked], None] = lambda revoked: None
    everywhere: bool = True


@dataclass(slots=True)
class EndRequest(Asked):
    """Ends a session: what it asked for and has not had its turn is refused."""

    ended: Admission


@dataclass(slots=True)
class Foreign(Asked):
    """What only a writer understands that takes the place of the node's own."""


Request = (
    SendRequest
    | AckRequest
    | ReadRequest
    | LoginRequest
    | SeenRequest
    | GroupRequest
    | BlockRequest
    | RuleRequest
    | ExpireRequest
    | RevokeRequest
    | EndRequest
    | Foreign
)
