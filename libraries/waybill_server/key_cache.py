"""The issuer's public keys as a node knows them: asked for again when they are old, or when a token names a new one.

A key that the issuer has just begun to sign with must work at once, and a retired one must stop. So a set is used no
longer than the issuer says (`max-age`), and an unknown key makes the node ask again. Whoever waits shares the fetch
that begins next, and fetches wait for their turn, so forged tokens can neither flood the issuer nor get valid ones
refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

import jwt

from waybill_server.logs import log
from waybill_server.token_form import TokenRefused

KeySet = Mapping[str, jwt.PyJWK]

FETCHES_AT_ONCE = 20
FETCHES_PER_SECOND = 5.0
"""The bucket of fetches; a turn that is not there yet is waited for."""

STALE_SECONDS = 60.0
"""How long the last set is used, past what the issuer said, while the issuer cannot be asked."""

PATIENCE = 1.0
"""Seconds that a login whose key is known waits for an issuer that does not answer."""


class PublishedKeys(NamedTuple):
    """The issuer's key set, and for how many seconds it may be used."""

    keys: KeySet
    max_age: float


class Turns:
    """A bucket: so many turns at once, then so many each second.

    Args:
        most: Turns in the full bucket.
        rate: Turns that come back each second.
        now: The monotonic clock.
    """

    def __init__(self, most: float, rate: float, now: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._rate = rate
        self._now = now
        self._left = most
        self._at = now()

    def take(self) -> float:
        """Takes a turn; gives the seconds until it comes, 0 for now."""
        now = self._now()
        self._left = min(self._most, self._left + (now - self._at) * self._rate)
        self._at = now
        self._left -= 1.0
        return max(0.0, -self._left / self._rate)


class KeyCache:
    """The keys of one issuer.

    Args:
        published: The keys as first fetched.
        fetch: Gets the present keys; blocks, and runs in a thread.
        now: The monotonic clock.
    """

    def __init__(
        self,
        published: PublishedKeys,
        fetch: Callable[[], PublishedKeys],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._published = published
        self._fetch = fetch
        self._now = now
        self._fetched = now()
        self._turns = Turns(FETCHES_AT_ONCE, FETCHES_PER_SECOND, now)
        self._running: asyncio.Task[None] | None = None
        self._next: asyncio.Task[None] | None = None

    async def key(self, kid: object) -> jwt.PyJWK:
        """The issuer's key of this id.

        Raises:
            TokenRefused: There is none.
        """
        if not isinstance(kid, str):
            raise TokenRefused("the token names no key (kid)")
        if kid not in self._published.keys:
            await self._renewed()
        elif self._now() - self._fetched > self._published.max_age:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._renewed(), PATIENCE)
        key = self._published.keys.get(kid)
        if key is None:
            raise TokenRefused("the key is not in the issuer's set")
        if self._now() - self._fetched > self._published.max_age + STALE_SECONDS:
            raise TokenRefused(f"the issuer cannot be asked for its keys for {STALE_SECONDS:g} s now")
        return key

    async def _renewed(self) -> None:
        """Returns after a fetch that began later than this call: one under way may have been answered already."""
        if self._next is None:
            self._next = asyncio.get_running_loop().create_task(self._renew(self._running))
        # A caller that goes must not take the others' fetch along.
        await asyncio.shield(self._next)

    async def _renew(self, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await before
        await asyncio.sleep(self._turns.take())
        self._running, self._next = self._next, None
        begun = self._now()
        try:
            self._published = await asyncio.to_thread(self._fetch)
            self._fetched = begun
        except OSError as error:
            log("issuer-failed", error=str(error))
        finally:
            if self._running is asyncio.current_task():
                self._running = None
