"""What a token says, as whoever holds it can read without any key."""

from __future__ import annotations

import json
import time
from typing import Any

from waybill.tokens import forge


def claims(token: str) -> dict[str, Any]:
    """What a token claims; nothing if it is none that can be read."""
    return _object(token, 1)


def token_id(token: str) -> str:
    """The id (`jti`) of a token; empty if it has none, or is none."""
    return str(claims(token).get("jti", ""))


def seconds_left(token: str) -> float | None:
    """For how many seconds a token is still good by its own claim `exp`; None where it does not say."""
    ends = claims(token).get("exp")
    if isinstance(ends, bool) or not isinstance(ends, int | float):
        return None
    return ends - time.time()


def end_of(token: str) -> float:
    """The moment at which a token ends (`exp`), in seconds since 1970.

    Raises:
        ValueError: It names none.
    """
    end = claims(token).get("exp")
    if isinstance(end, bool) or not isinstance(end, int | float):
        raise ValueError("expected a token with an end (exp); it names none")
    return float(end)


def key_id(token: str) -> str:
    """The id (`kid`) of the key that a token says it is signed by; empty if it names none, or is no token."""
    return str(_object(token, 0).get("kid", ""))


def _object(token: str, part: int) -> dict[str, Any]:
    """One of the two JSON objects of a token; an empty one if it is none that can be read."""
    try:
        read: Any = json.loads(forge.decode(forge.split(token)[part]))
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}
