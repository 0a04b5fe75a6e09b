"""Plain data between the node's parts: what is stored, what is asked of the store, and how it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple


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


class Stored(NamedTuple):
    """A send's message; `positions` says where it now stands in whose log (empty for a duplicate)."""

    message: Message
    positions: tuple[tuple[str, int], ...]
    duplicate: bool


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


Result = Stored | Moved | Place | Regrouped | Blocked | Refusal | None
Done = Callable[[Result], None]


@dataclass(frozen=True, slots=True)
class SendRequest:
    """Stores a message and its log entries, unless its key is known."""

    done: Done
    user: str
    device: str
    conversation: str
    key: str
    body: bytes


@dataclass(frozen=True, slots=True)
class AckRequest:
    """Stores a device's cursor and moves the delivered watermarks that it covers."""

    done: Done
    user: str
    device: str
    cursor: int


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """Moves a read marker."""

    done: Done
    user: str
    conversation: str
    sequence: int


@dataclass(frozen=True, slots=True)
class LoginRequest:
    """Notes that the user is online and finds the device's place in the log."""

    done: Done
    user: str
    device: str
    cursor: int | None
    time: int


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """Notes that the user's last session ended."""

    done: Done
    user: str
    time: int


@dataclass(frozen=True, slots=True)
class GroupRequest:
    """Changes a group: action is `created`, `added`, `removed` or `left`.

    Attributes:
        users: The members for `created`, else the one user concerned.
        name: The group's name, for `created`.
        moderates: The caller has a role that may remove members of groups that the caller is not in.
    """

    done: Done
    caller: str
    action: str
    conversation: str
    users: tuple[str, ...]
    name: str = ""
    moderates: bool = False


@dataclass(frozen=True, slots=True)
class BlockRequest:
    """Puts another user on a user's block list, or takes it off."""

    done: Done
    user: str
    other: str
    blocked: bool


@dataclass(frozen=True, slots=True)
class RuleRequest:
    """Makes a rule about messages from a sender to a recipient (`*`: anybody); removes it where `allowed` is None."""

    done: Done
    sender: str
    recipient: str
    allowed: bool | None


Request = (
    SendRequest
    | AckRequest
    | ReadRequest
    | LoginRequest
    | SeenRequest
    | GroupRequest
    | BlockRequest
    | RuleRequest
)
