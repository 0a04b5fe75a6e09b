"""What a token says, as whoever holds it can read without any key."""

from __future__ import annotations

import json
from typing import Any

from waybill.tokens import forge


def token_id(token: str) -> str:
    """The id (`jti`) of a token; empty if it has none, or is none."""
    try:
        claims: Any = json.loads(forge.decode(forge.split(token)[1]))
    except ValueError:
        return ""
    return str(claims.get("jti", "")) if isinstance(claims, dict) else ""


def key_id(token: str) -> str:
    """The id (`kid`) of the key that a token says it is signed by; empty if it names none, or is no token."""
    try:
        header: Any = json.loads(forge.decode(forge.split(token)[0]))
    except ValueError:
        return ""
    return str(header.get("kid", "")) if isinstance(header, dict) else ""
