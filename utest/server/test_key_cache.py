"""The issuer's keys at a node: how they are asked for, and how often."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from waybill_server import key_cache
from waybill_server.jwk_set import _max_age
from waybill_server.key_cache import KeyCache, PublishedKeys, Turns
from waybill_server.signing_key import SigningKey
from waybill_server.token_form import TokenRefused

ONE, TWO = (SigningKey(ec.generate_private_key(ec.SECP256R1())) for _ in range(2))


def published(*keys: SigningKey, max_age: float = 1.0) -> PublishedKeys:
    return PublishedKeys({key.kid: jwt.PyJWK(key.public) for key in keys}, max_age)


class Issuer:
    """Publishes what it is told to, and counts how often it is asked."""

    def __init__(self, *keys: SigningKey) -> None:
        self.keys = keys
        self.asked = 0
        self.fails = False
        self.may_answer = threading.Event()
        self.may_answer.set()

    def fetch(self) -> PublishedKeys:
        self.asked += 1
        found = self.keys
        assert self.may_answer.wait(10)
        if self.fails:
            raise OSError("the issuer is away")
        return published(*found)


class Clock:
    """A monotonic clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def issuer() -> Issuer:
    return Issuer(ONE)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(issuer: Issuer, clock: Clock) -> KeyCache:
    return KeyCache(published(ONE), issuer.fetch, clock)


async def refused(asked: Awaitable[object]) -> bool:
    try:
        await asked
    except TokenRefused:
        return True
    return False


def run(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(story())


def test_a_fresh_set_is_not_asked_for_again(cache: KeyCache, issuer: Issuer, clock: Clock) -> None:
    async def story() -> None:
        clock.now += 1.0
        assert await cache.key(ONE.kid)
        assert issuer.asked == 0

    run(story)


def test_an_old_set_is_asked_for_again_and_a_retired_key_is_gone(
    cache: KeyCache, issuer: Issuer, clock: Clock
) -> None:
    async def story() -> None:
        issuer.keys = (TWO,)
        clock.now += 1.1
        assert await refused(cache.key(ONE.kid))
        assert await cache.key(TWO.kid)
        assert issuer.asked == 1

    run(story)


def test_an_unknown_key_is_asked_for_at_once(cache: KeyCache, issuer: Issuer) -> None:
    async def story() -> None:
        issuer.keys = (TWO, ONE)
        assert await cache.key(TWO.kid)
        assert await refused(cache.key("another"))
        assert await refused(cache.key(7))
        assert issuer.asked == 2

    run(story)


def test_whoever_waits_shares_the_fetch_that_begins_next(cache: KeyCache, issuer: Issuer) -> None:
    async def story() -> None:
        issuer.may_answer.clear()
        before = asyncio.create_task(refused(cache.key(TWO.kid)))
        while not issuer.asked:
            await asyncio.sleep(0.001)
        # This fetch was asked for before there was the new key: it cannot help those who come now.
        issuer.keys = (TWO, ONE)
        later = [asyncio.create_task(cache.key(TWO.kid)) for _ in range(50)]
        await asyncio.sleep(0.01)
        issuer.may_answer.set()
        assert await before
        assert len(await asyncio.gather(*later)) == 50
        assert issuer.asked == 2

    run(story)


def test_a_login_that_is_given_up_takes_no_other_along(cache: KeyCache, issuer: Issuer) -> None:
    async def story() -> None:
        issuer.keys = (TWO, ONE)
        issuer.may_answer.clear()
        gone = asyncio.create_task(cache.key(TWO.kid))
        stays = asyncio.create_task(cache.key(TWO.kid))
        while not issuer.asked:
            await asyncio.sleep(0.001)
        gone.cancel()
        await asyncio.sleep(0)
        issuer.may_answer.set()
        assert await stays
        assert issuer.asked == 1

    run(story)


def test_forged_key_ids_wait_for_their_turn_and_valid_ones_are_not_refused(issuer: Issuer) -> None:
    async def story() -> None:
        cache = KeyCache(published(ONE), issuer.fetch)
        started = time.monotonic()
        for number in range(22):
            assert await refused(cache.key(f"forged {number}"))
        issuer.keys = (TWO, ONE)
        assert await cache.key(TWO.kid)
        # 20 at once, then three more at five per second.
        assert time.monotonic() - started > 0.4
        assert issuer.asked == 23

    run(story)


def test_turns_come_back_with_time(clock: Clock) -> None:
    turns = Turns(2, 5.0, clock)
    assert [turns.take() for _ in range(3)] == pytest.approx([0.0, 0.0, 0.2])
    clock.now += 0.4
    assert turns.take() == 0.0
    clock.now += 1000
    assert [turns.take() for _ in range(3)] == pytest.approx([0.0, 0.0, 0.2])


def test_an_issuer_that_is_away_keeps_nobody_out_for_a_while(
    cache: KeyCache, issuer: Issuer, clock: Clock
) -> None:
    async def story() -> None:
        issuer.fails = True
        clock.now += 60.0
        assert await cache.key(ONE.kid)
        assert await refused(cache.key(TWO.kid))
        clock.now += 1.1
        assert await refused(cache.key(ONE.kid))
        issuer.fails = False
        assert await cache.key(ONE.kid)

    run(story)


def test_an_issuer_that_does_not_answer_is_not_waited_for(
    cache: KeyCache, issuer: Issuer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_cache, "PATIENCE", 0.05)

    async def story() -> None:
        issuer.may_answer.clear()
        clock.now += 2.0
        assert await cache.key(ONE.kid)
        assert await cache.key(ONE.kid)
        issuer.may_answer.set()
        while cache._running is not None or cache._next is not None:
            await asyncio.sleep(0.001)
        assert issuer.asked <= 2
        assert await cache.key(ONE.kid)

    run(story)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("max-age=1", 1.0),
        ("public, max-age=5, must-revalidate", 5.0),
        ('Max-Age="7"', 7.0),
        ("s-maxage=9", 300.0),
        ("max-age=86400", 300.0),
        ("", 300.0),
        ("no-cache", 0.0),
        ("max-age=9, no-store", 0.0),
    ],
)
def test_how_long_a_set_may_be_used_is_read_from_its_header(header: str, seconds: float) -> None:
    assert _max_age(header) == seconds
