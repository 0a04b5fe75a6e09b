"""Turns the words of a step into what the kit works with: lists of names, durations, numbers of bytes."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum
from typing import Any

_AND = re.compile(r"\s*,\s*(?:and\s+)?|\s+and\s+")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class Names(list[str]):
    """Names in a sentence: `alice`, `alice and bob` or `alice, bob and carol`."""

    @classmethod
    def parse(cls, text: str) -> Names:
        """Names in a sentence: `alice`, `alice and bob` or `alice, bob and carol`."""
        names = cls(part for part in _AND.split(text.strip()) if part)
        wrong = [name for name in names if not _NAME.fullmatch(name)]
        if wrong or not names:
            raise ValueError(
                "expected names like 'alice', 'alice and bob' or 'alice, bob and carol'; "
                f"found {wrong[0] if wrong else text!r}"
            )
        if len(set(names)) != len(names):
            raise ValueError(f"'{text}' names somebody twice")
        return names

    def __str__(self) -> str:
        return self[0] if len(self) == 1 else f"{', '.join(self[:-1])} and {self[-1]}"


class How(Enum):
    """How a device's connection ends."""

    CLOSE = "close"
    """It says goodbye."""
    CUT = "cut"
    """It ends without goodbye (a TCP reset), as when the client crashes or the network goes away."""


class Senders(Enum):
    """Which devices of a user send."""

    FIRST = "first"
    """The first one."""
    ALL = "all"
    """All of them, in turn."""


class Alike(Enum):
    """What the two messages of a pair have in common."""

    BODY = "body"
    """The body; they have two idempotency keys and one sender."""
    KEY = "key"
    """The idempotency key; they have two senders and two bodies."""


class Which(Enum):
    """Which of a person's messages are retried."""

    ALL = "all"
    """Every message that was not refused."""
    UNKNOWN = "unknown"
    """Those whose outcome is unknown, and those that never left the device because its connection was gone."""


class On(Enum):
    """The connection that a retry uses."""

    SAME_CONNECTION = "same"
    """The one that the device has."""
    NEW_CONNECTION = "new"
    """One made for it, after the old one was cut."""


CONVERTERS: dict[type, Callable[[Any], Any] | Callable[[Any, Any], Any]] = {Names: Names.parse}
