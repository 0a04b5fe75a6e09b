"""How much of a secret somebody read who heard this: the longest piece of it, in any form in which it travels."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import quote, quote_plus

CHANCE: Final = 8
"""Bytes in a row that nobody hears by chance; of a shorter secret all of it."""

_MASK: Final = 4
"""A client of WebSocket masks what it says with four bytes, over and over (RFC 6455, 5.3)."""


def leaked_bytes(heard: bytes, secrets: Iterable[str]) -> int:
    """How many bytes in a row of one of these secrets were heard; 0 for no more than chance.

    A secret is looked for as it is, escaped for JSON and for addresses, and in base64 at every offset; each of these
    also masked as WebSocket does it.

    Args:
        heard: Everything that was heard.
        secrets: The secrets; empty ones are none.
    """
    masked = _differences(heard)
    found = 0
    for secret in filter(None, secrets):
        for form, per_byte in _forms(secret):
            plain = _longest(heard, form, min(CHANCE, len(form)))
            unmasked = _longest(masked, _differences(form), min(CHANCE, len(form) - _MASK))
            found = max(found, int(plain / per_byte), int((unmasked + _MASK) / per_byte) if unmasked else 0)
    return found


def _forms(secret: str) -> Iterator[tuple[bytes, float]]:
    """Each form of a secret, and how many of its bytes stand for one of the secret."""
    plain = secret.encode()
    plainest = {
        plain,
        json.dumps(secret)[1:-1].encode(),
        quote(secret, safe="").encode(),
        quote_plus(secret).encode(),
    }
    yield from ((form, len(form) / len(plain)) for form in plainest)
    for offset in range(3):
        for encode in (b64encode, urlsafe_b64encode):
            # The first and last letters depend on what stands before and behind.
            form = encode(b"\0" * offset + plain)
            whole = form[(0, 2, 3)[offset] : (offset + len(plain)) * 8 // 6]
            if len(whole) >= CHANCE:
                yield whole, 4 / 3


def _longest(heard: bytes, form: bytes, least: int) -> int:
    """The length of the longest piece of a form that was heard, at least so long; 0 for none."""
    found = 0
    for start in range(len(form)):
        length = max(found + 1, least, 1)
        while start + length <= len(form) and form[start : start + length] in heard:
            found = length
            length += 1
    return found


def _differences(content: bytes) -> bytes:
    """What stays the same whatever the mask is: each byte combined with the one that the same byte masks."""
    return bytes(one ^ other for one, other in zip(content, content[_MASK:], strict=False))
