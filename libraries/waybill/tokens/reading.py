"""What a token says, as whoever holds it can read without any key."""

from __future__ import annotations

import json
from typing import Any

from waybill.tokens import forge


def token_id(token: str) -> str:
    """The id (`jti`) of a token; empty if it has none, or is none."""
    return str(_claims(token).get("jti", ""))


def end_of(token: str) -> float:
    """The moment at which a token ends (`exp`), in seconds since 1970.

    Raises:
        ValueError: It names none.
    """
    end = _claims(token).get("exp")
    if not isinstance(end, int | float):
        raise ValueError("expected a token with an end (exp); it names none")
    return float(end)


def key_id(token: str) -> str:
    """The id (`kid`) of the key that a token says it is signed by; empty if it names none, or is no token."""
    return str(_part(token, 0).get("kid", ""))


def _claims(token: str) -> dict[str, Any]:
    return _part(token, 1)


def _part(token: str, place: int) -> dict[str, Any]:
    """The members of the header or of the claims; none if it is no token."""
    try:
        members: Any = json.loads(forge.decode(forge.split(token)[place]))
    except ValueError:
        return {}
    return members if isinstance(members, dict) else {}
