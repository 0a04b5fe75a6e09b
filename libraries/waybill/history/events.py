"""The vocabulary of a history: what can happen, and how it can end.

The numbers are part of the file format (docs/history.md) and never change; new members take new numbers.
"""

from __future__ import annotations

from enum import IntEnum

ACCEPTED = "accepted"
"""The code of an unknown send that was written whole where the server answers a send with nothing: all that its sender
ever learns."""


class Completion(IntEnum):
    """How an operation ended."""

    OK = 1
    """It took effect."""
    FAIL = 2
    """It can never take effect."""
    INFO = 3
    """Unknown."""


class Operation(IntEnum):
    """What a client can do."""

    LOGIN = 1
    SEND = 2
    ACKNOWLEDGE = 3
    SYNC = 4
    PRESENCE = 5
    WATCH = 6
    READ = 7
    MARKERS = 8
    CREATE = 9
    ADD = 10
    REMOVE = 11
    LEAVE = 12
    DELETE = 13
    REVOKE = 14
    TYPING = 15
    BLOCK = 16
    UNBLOCK = 17
    BLOCKED = 18
    ROSTER = 19
    EXPIRE = 24
    STATUS = 25


class Mode(IntEnum):
    """On which way a device was given a message."""

    LIVE = 1
    """Pushed as it happened."""
    BACKLOG = 2
    """Pushed after login, from before the login."""
    PAGE = 3
    """Part of a page that the device asked for."""
    FINAL = 4
    """Part of the device's final read."""


class Transport(IntEnum):
    """What carried a session."""

    TLS = 1
    PLAINTEXT = 2
    OLD_TLS = 3
    WRONG_CERTIFICATE = 4


class CredentialKind(IntEnum):
    """What a session showed at login; anything but VALID must not work."""

    VALID = 1
    NONE = 2
    FORGED = 3
    EXPIRED = 4
    REVOKED = 5
    REPLAYED = 6
    FOREIGN = 7


class End(IntEnum):
    """How a session ended."""

    CLOSED = 1
    """The client said goodbye."""
    CUT = 2
    """The client cut the connection."""
    LOST = 3
    """The connection went away."""
    REPLACED = 4
    """The server ended it because the device logged in again."""
    REFUSED = 5
    """The server ended it and gave another reason."""
