"""How a token is written: one spelling only, so that no two texts are the same token, and no two readers see
different claims in it.

Decoders are lax here: those of base64 skip what does not belong there, those of JSON take the last of two equal names,
and numbers that JSON does not have.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

LARGEST_TOKEN = 8_192
"""Characters of a token that are looked at; real ones have some 500."""

_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
"""Three parts (RFC 7515, section 7.1); an unsigned one has no third."""


class TokenRefused(Exception):
    """The token is not valid. The cause is for the server's log; clients are told none."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The parts of a token, of which nothing is verified yet.

    Attributes:
        header: Its header.
        claims: Its claims.
        signed: The bytes that the signature is about.
        signature: The signature.
    """

    header: dict[str, Any]
    claims: dict[str, Any]
    signed: bytes
    signature: bytes


def opened(token: str) -> Opened:
    """Reads a compact token.

    Raises:
        TokenRefused: It is none, or is written in another way than the standards say.
    """
    if not token:
        raise TokenRefused("no token")
    if len(token) > LARGEST_TOKEN:
        raise TokenRefused(f"token has {len(token)} characters, at most {LARGEST_TOKEN} are looked at")
    if not _COMPACT.fullmatch(token):
        raise TokenRefused("not a token: expected three parts in base64url without padding")
    signed, _, signature = token.rpartition(".")
    header, _, claims = signed.partition(".")
    return Opened(_object(header), _object(claims), signed.encode("ascii"), decoded(signature))


def decoded(part: str) -> bytes:
    """The bytes of a part in base64url without padding (RFC 7515, section 2).

    Raises:
        TokenRefused: It is another spelling of these bytes, or of none.
    """
    try:
        content = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except (binascii.Error, ValueError) as error:
        raise TokenRefused(f"not a token: {error}") from None
    if base64.urlsafe_b64encode(content).rstrip(b"=").decode("ascii") != part:
        raise TokenRefused("not a token: its base64url has bits that mean nothing")
    return content


def _object(part: str) -> dict[str, Any]:
    try:
        found = json.loads(
            decoded(part).decode("utf-8"), object_pairs_hook=_members, parse_constant=_no_number
        )
    except (ValueError, RecursionError) as error:
        raise TokenRefused(f"not a token: {type(error).__name__}") from None
    if not isinstance(found, dict):
        raise TokenRefused("not a token: a part is no JSON object")
    return found


def _members(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose names are unique (RFC 7515, section 4, and RFC 7519, section 4)."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise TokenRefused("not a token: a name occurs twice")
    return members


def _no_number(text: str) -> NoReturn:
    raise TokenRefused(f"not a token: JSON has no {text}")
