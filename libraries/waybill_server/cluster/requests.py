"""What only a node with peers asks of its writer, and how that is answered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from waybill_server.cluster.outbox import Row
from waybill_server.cluster.records import AnyRecord, Unread
from waybill_server.records import Foreign, Group, Message, Moved
from waybill_server.revocations import Revocation


class Published(NamedTuple):
    """A message now stands at these places of the users' logs."""

    message: Message
    positions: tuple[tuple[str, int], ...]


class Receipted(NamedTuple):
    """Watermarks moved: elsewhere, or by a device of this node, which is not told."""

    moved: Moved
    user: str = ""
    device: str = ""


class Changed(NamedTuple):
    """A group was changed elsewhere."""

    group: Group
    user: str
    action: str


class Hidden(NamedTuple):
    """A user blocked another elsewhere, or no longer does."""

    user: str
    other: str


class Ended(NamedTuple):
    """Something was revoked elsewhere."""

    revocation: Revocation


class Noted(NamedTuple):
    """A sign of life of a user is stored."""

    user: str
    time: int


class Resolved(NamedTuple):
    """The conversation's home has stored what this node had accepted under a user's key."""

    user: str
    key: str
    message: Message
    duplicate: bool


class Expiring(NamedTuple):
    """A message of another node has a deadline."""

    number: int


Effect = Published | Receipted | Changed | Hidden | Ended | Noted | Resolved | Expiring
"""What the event loop has to do once a record is applied."""


@dataclass(slots=True)
class QueueRequest(Foreign):
    """Accepts a message for the home of its conversation."""

    user: str
    device: str
    conversation: str
    key: str
    body: bytes
    ttl: int | None


@dataclass(slots=True)
class ApplyRequest(Foreign):
    """Applies a record of another node.

    Attributes:
        effects: What there is to do afterwards; set by the ledger.
    """

    origin: str
    store: str
    number: int
    record: AnyRecord | Unread
    effects: list[Effect] = field(default_factory=list)


@dataclass(slots=True)
class AppliedRequest(Foreign):
    """Asks what was applied last, after all that was asked before.

    Attributes:
        number: The answer; set by the ledger.
    """

    origin: str
    store: str
    number: int = 0


@dataclass(slots=True)
class ConfirmRequest(Foreign):
    """Forgets what a destination has confirmed."""

    destination: str
    number: int


@dataclass(slots=True)
class UseRequest(Foreign):
    """Uses up a token that is good for one login; refused if it was used before."""

    user: str
    token: str
    expires: float


Produced = tuple[Row, ...]
"""The rows of the outbox that came of a request."""
