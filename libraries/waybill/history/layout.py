"""The columns of the compact form: which events travel in blocks, and what each of them carries.

A block is one line that holds up to a thousand events, column by column. Columns are integers; a column whose values
are all equal is written as one number, and a column left out is -1 throughout. The letters, names and columns are
part of the file format (docs/history.md); new columns may be added, none is ever renamed or reused.
"""

from __future__ import annotations

import hashlib
from typing import Final

BLOCK: Final = 1000
"""The most events in one block: large enough to be cheap, small enough to be read at a glance and lost without harm."""

MISSING: Final = -1
"""The value of everything that an event does not carry."""

LETTERS: Final[dict[str, str]] = {
    "s": "send",
    "i": "invoke",
    "o": "ok",
    "n": "not_ok",
    "d": "deliver",
    "r": "receipt",
    "c": "cursor",
    "p": "presence",
}
"""The letter of each event in a block's `kinds`, and the name of its columns' object."""

COLUMNS: Final[dict[str, dict[str, str]]] = {
    "send": {
        "operation": "i", "session": "i", "conversation": "i", "message": "i", "digest": "q", "length": "i",
        "over_quota": "b", "expires": "q",
    },
    "invoke": {
        "operation": "i", "session": "i", "what": "b", "conversation": "i", "user": "i", "message": "i",
        "value": "q", "id": "i", "delivery": "i",
    },
    "ok": {
        "operation": "i", "id": "i", "sequence": "q", "value": "q", "user": "i", "conversation": "i",
        "message": "i", "complete": "b",
    },
    "not_ok": {"operation": "i", "outcome": "b", "code": "i"},
    "deliver": {
        "session": "i", "conversation": "i", "sender": "i", "message": "i", "digest": "q", "length": "i",
        "id": "i", "sequence": "q", "cursor": "q", "mode": "b", "read": "i", "server_time": "q",
        "number": "i",
    },
    "receipt": {
        "session": "i", "conversation": "i", "user": "i", "delivered": "q", "read": "q", "id": "i",
        "operation": "i", "unread": "q", "expired": "i",
    },
    "cursor": {"session": "i", "value": "q"},
    "presence": {"session": "i", "user": "i", "online": "b"},
}  # fmt: skip
"""Each kind's columns in order, with the width that the reader keeps them in (array type codes)."""


def body_digest(body: bytes) -> int:
    """The digest of a body: 53 bits of BLAKE2b, so that every JSON reader keeps it exactly."""
    return int.from_bytes(hashlib.blake2b(body, digest_size=7).digest(), "big") >> 3
