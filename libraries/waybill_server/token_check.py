"""Who a token speaks for: verified against the issuer's public keys, in RFC 9068's profile, nothing remembered.

The algorithm is pinned and the key is chosen from the issuer's set alone: nothing in a token can bring a key of its
own. What is signed is read by `token_form`, which takes one spelling of a token only, and judged by `token_claims`.
Verifying costs about 0.2 ms, a third of the TLS handshake before it, so it runs on the event loop; only fetching
keys (`key_cache`) goes to another thread.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Protocol

import jwt
from jwt.algorithms import Algorithm

from waybill_server.identity import Identity
from waybill_server.key_cache import KeyCache, KeySet, PublishedKeys
from waybill_server.token_claims import identity_of
from waybill_server.token_form import LARGEST_TOKEN, Opened, TokenRefused, opened

__all__ = [
    "ALGORITHM",
    "AUDIENCE",
    "Identity",
    "IssuerTokenCheck",
    "KeyCache",
    "KeySet",
    "LARGEST_TOKEN",
    "PublishedKeys",
    "TokenCheck",
    "TokenRefused",
]

ALGORITHM = "ES256"
TOKEN_TYPE = "at+jwt"
AUDIENCE = "waybill"


class TokenCheck(Protocol):
    """How the node learns who logs in."""

    async def check(self, token: str) -> Identity:
        """Verifies a token; the empty one stands for none.

        Raises:
            TokenRefused: It is not valid, now, here.
        """


class IssuerTokenCheck:
    """Checks tokens of one issuer.

    Args:
        issuer: The issuer's identifier, as tokens must name it.
        keys: The issuer's keys.

    Attributes:
        issuer: The issuer's identifier.
    """

    def __init__(self, issuer: str, keys: KeyCache) -> None:
        self.issuer = issuer
        self._keys = keys

    async def check(self, token: str) -> Identity:
        """Verifies a token; see `TokenCheck.check`."""
        parts = opened(token)
        require_header(parts.header)
        verify(parts, await self.key(parts.header.get("kid")))
        return identity_of(parts.claims, self.issuer, AUDIENCE, time.time())

    async def key(self, kid: object) -> jwt.PyJWK:
        """The issuer's key of this id.

        Raises:
            TokenRefused: There is none.
        """
        return await self._keys.key(kid)


def verify(parts: Opened, key: jwt.PyJWK) -> None:
    """Verifies the signature, by the pinned algorithm.

    Raises:
        TokenRefused: It is not the key's.
    """
    pinned: Algorithm = jwt.get_algorithm_by_name(ALGORITHM)
    if not pinned.verify(parts.signed, key.key, parts.signature):
        raise TokenRefused("the signature is not of the issuer's key")


def require_header(header: Mapping[str, object]) -> None:
    """Refuses what is signed by another algorithm, is no access token, or demands more than the standard has.

    Raises:
        TokenRefused: The header says so.
    """
    if header.get("alg") != ALGORITHM:
        raise TokenRefused(f"algorithm {header.get('alg')!r}, expected {ALGORITHM}")
    require_type(header)


def require_type(header: Mapping[str, object]) -> None:
    """Refuses what is no access token, and what demands more than the standard has.

    Raises:
        TokenRefused: The header says so.
    """
    if header.get("typ") != TOKEN_TYPE:
        raise TokenRefused(f"type {header.get('typ')!r}, expected {TOKEN_TYPE}")
    if "crit" in header:
        raise TokenRefused("the token demands extensions (crit)")
