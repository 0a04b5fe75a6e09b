"""Who a token speaks for: verified against the issuer's public keys, in RFC 9068's profile, nothing remembered.

The algorithm is pinned and the key is chosen from the issuer's set alone: nothing in a token can bring a key of its
own. Verifying costs about 0.2 ms, a third of the TLS handshake before it, so it runs on the event loop; only fetching
keys goes to another thread.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

import jwt

ALGORITHM = "ES256"
TOKEN_TYPE = "at+jwt"
AUDIENCE = "waybill"
REQUIRED_CLAIMS = ["iss", "sub", "aud", "iat", "exp", "jti", "client_id"]
LARGEST_TOKEN = 8_192
"""Bytes of a token that are looked at; real ones have some 500."""

REFETCH_SECONDS = 2.0
"""The least time between two fetches for unknown keys, so that forged tokens cannot flood the issuer."""

KeySet = Mapping[str, jwt.PyJWK]


class Identity(NamedTuple):
    """What a valid token says: the user, the end of its validity (seconds since 1970), the one device it is for or
    None for any."""

    user: str
    expires: float
    device: str | None


class TokenRefused(Exception):
    """The token is not valid. The cause is for the server's log; clients are told none."""


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
    """

    def __init__(self, issuer: str, keys: KeySet, fetch: Callable[[], KeySet]) -> None:
        self._issuer = issuer
        self._keys = keys
        self._fetch = fetch
        self._fetched = time.monotonic()
        self._fetching = asyncio.Lock()

    async def check(self, token: str) -> Identity:
        """Verifies a token; see `TokenCheck.check`."""
        if not token:
            raise TokenRefused("no token")
        if len(token) > LARGEST_TOKEN:
            raise TokenRefused(f"token has {len(token)} characters, at most {LARGEST_TOKEN} are looked at")
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            raise TokenRefused(f"not a token: {error}") from None
        if header.get("alg") != ALGORITHM:
            raise TokenRefused(f"algorithm {header.get('alg')!r}, expected {ALGORITHM}")
        if header.get("typ") != TOKEN_TYPE:
            raise TokenRefused(f"type {header.get('typ')!r}, expected {TOKEN_TYPE}")
        if "crit" in header:
            raise TokenRefused("the token demands extensions (crit)")
        return self._claims(token, await self._key(header.get("kid")))

    async def _key(self, kid: object) -> jwt.PyJWK:
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

    def _claims(self, token: str, key: jwt.PyJWK) -> Identity:
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=self._issuer,
                options={"require": REQUIRED_CLAIMS, "strict_aud": True},
            )
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
            raise TokenRefused(f"{type(error).__name__}: {error}") from None
        user, device = claims["sub"], claims.get("device")
        if not isinstance(user, str) or not (device is None or isinstance(device, str)):
            raise TokenRefused("the subject or the device is no text")
        return Identity(user, float(claims["exp"]), device)
