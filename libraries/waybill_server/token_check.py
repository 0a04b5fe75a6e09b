"""Who a token speaks for: verified against the issuer's public keys, in RFC 9068's profile, nothing remembered.

The algorithm is pinned and the key is chosen from the issuer's set alone: nothing in a token can bring a key of its
own. What is signed is read by `token_form`, which takes one spelling of a token only, and judged by `token_claims`.
Verifying costs about 0.2 ms, a third of the TLS handshake before it, so it runs on the event loop; only fetching
keys goes to another thread.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Protocol

import jwt
from jwt.algorithms import Algorithm

from waybill_server.token_claims import Identity, identity_of
from waybill_server.token_form import LARGEST_TOKEN, Opened, TokenRefused, opened

__all__ = [
    "ALGORITHM",
    "AUDIENCE",
    "Identity",
    "IssuerTokenCheck",
    "KeySet",
    "LARGEST_TOKEN",
    "TokenCheck",
    "TokenRefused",
]

ALGORITHM = "ES256"
TOKEN_TYPE = "at+jwt"
AUDIENCE = "waybill"

REFETCH_SECONDS = 2.0
"""The least time between two fetches for unknown keys, so that forged tokens cannot flood the issuer."""

KeySet = Mapping[str, jwt.PyJWK]


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
        keys: The issuer's keys by id.
        fetch: Gets the present keys; blocks, and runs in a thread.

    Attributes:
        issuer: The issuer's identifier.
    """

    def __init__(self, issuer: str, keys: KeySet, fetch: Callable[[], KeySet]) -> None:
        self.issuer = issuer
        self._keys = keys
        self._fetch = fetch
        self._fetched = time.monotonic()
        self._fetching = asyncio.Lock()

    async def check(self, token: str) -> Identity:
        """Verifies a token; see `TokenCheck.check`."""
        parts = opened(token)
        if parts.header.get("alg") != ALGORITHM:
            raise TokenRefused(f"algorithm {parts.header.get('alg')!r}, expected {ALGORITHM}")
        require_type(parts.header)
        verify(parts, await self.key(parts.header.get("kid")))
        return identity_of(parts.claims, self.issuer, AUDIENCE, time.time())

    async def key(self, kid: object) -> jwt.PyJWK:
        """The issuer's key of this id.

        Raises:
            TokenRefused: There is none.
        """
        if not isinstance(kid, str):
            raise TokenRefused("the token names no key (kid)")
        if kid not in self._keys:
            async with self._fetching:
                if kid not in self._keys and time.monotonic() - self._fetched >= REFETCH_SECONDS:
                    self._fetched = time.monotonic()
                    try:
                        self._keys = await asyncio.to_thread(self._fetch)
                    except OSError as error:
                        raise TokenRefused(f"unknown key, and the issuer cannot be asked: {error}") from None
        key = self._keys.get(kid)
        if key is None:
            raise TokenRefused("the key is not in the issuer's set")
        return key


def verify(parts: Opened, key: jwt.PyJWK) -> None:
    """Verifies the signature, by the pinned algorithm.

    Raises:
        TokenRefused: It is not the key's.
    """
    pinned: Algorithm = jwt.get_algorithm_by_name(ALGORITHM)
    if not pinned.verify(parts.signed, key.key, parts.signature):
        raise TokenRefused("the signature is not of the issuer's key")


def require_type(header: Mapping[str, object]) -> None:
    """Refuses what is no access token, and what demands more than the standard has.

    Raises:
        TokenRefused: The header says so.
    """
    if header.get("typ") != TOKEN_TYPE:
        raise TokenRefused(f"type {header.get('typ')!r}, expected {TOKEN_TYPE}")
    if "crit" in header:
        raise TokenRefused("the token demands extensions (crit)")
