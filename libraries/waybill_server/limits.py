"""What the node bounds, in one place, with the reason for every default."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds that clients are told in `welcome.limits`.

    Attributes:
        frame: Bytes of one client message. Four times a body, so that a body of escapes still fits.
        body: UTF-8 bytes of a message body; what people call a long text, not a file.
        name: Characters of a user, device or group name.
        key: Characters of an idempotency key; a UUID or a digest fits.
        page: Entries of one sync page.
        window: Pushed, unacknowledged entries per device; covers a round trip at full speed.
        inbox: Entries from others that no device of a user acknowledged.
        members: Members of a group; fan-out is one log entry each, in one transaction.
    """

    frame: int = 262_144
    body: int = 65_536
    name: int = 64
    key: int = 64
    page: int = 500
    window: int = 1_024
    inbox: int = 100_000
    members: int = 256


@dataclass(frozen=True, slots=True)
class Timing:
    """The node's deadlines, in seconds.

    Attributes:
        hello: From the TCP connection to the first frame.
        ping_interval: Silence after which the node pings.
        ping_timeout: Silence after that ping which ends the session; both together bound how long a dead client
            shows as online.
        stalled: How long a client may leave its answers unread before it is cut off.
        closing: How long a client may take to answer the close frame, and a drain to finish.
    """

    hello: float = 5.0
    ping_interval: float = 1.0
    ping_timeout: float = 1.5
    stalled: float = 10.0
    closing: float = 2.0


OPEN_OPERATIONS = 256
"""Unanswered operations of one session after which the node stops reading from it."""

UNREAD_BYTES = 131_072
"""Bytes waiting to be written to a client after which nothing more is pushed to it."""

UNREAD_ANSWERS = 1_048_576
"""Bytes waiting to be written to a client after which the node stops reading from it: answers cannot be dropped."""

WAITING_PUSHES = 10_000
"""Receipts, presence and group notices that may wait for one slow client before it is cut off."""

WATCHED_USERS = 1_000
"""Users that one session may watch."""

BLOCKED_USERS = 1_000
"""Users on one block list."""

RETRY_AFTER_MS = 1_000
"""What a refusal names that will pass by itself."""
