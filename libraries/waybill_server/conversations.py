"""How names and conversation ids look."""

from __future__ import annotations

import re

_NAME = re.compile(r"[A-Za-z0-9._-]+", re.ASCII)
_GROUP = re.compile(r"g:[0-9a-f]{1,64}", re.ASCII)


def legal_name(name: str) -> bool:
    """Whether a user's or device's name has only legal characters; its length is bounded elsewhere."""
    return _NAME.fullmatch(name) is not None


def direct_members(conversation: str) -> tuple[str, ...] | None:
    """The one or two users of a direct conversation; None if the id is none."""
    kind, _, pair = conversation.partition(":")
    one, _, other = pair.partition(":")
    if kind != "d" or not legal_name(one) or not legal_name(other) or one > other:
        return None
    return (one,) if one == other else (one, other)


def is_group(conversation: str) -> bool:
    """Whether the id has the form of a group's."""
    return _GROUP.fullmatch(conversation) is not None


def printable(text: str) -> bool:
    """Whether a group's name has something to show and no control characters."""
    return bool(text.strip()) and text.isprintable()
