"""Revocations and one-time tokens in the store: what counts when, in every order, over failures and restarts."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from server_harness import Client, Process, World
from test_administration import refused_login

from waybill_server.clock import HybridClock
from waybill_server.identity import Identity
from waybill_server.limits import Limits
from waybill_server.records import (
    NOT_ADMITTED,
    AckRequest,
    EndRequest,
    LoginRequest,
    Place,
    Request,
    Result,
    Revoked,
    RevokeRequest,
    SendRequest,
    Stored,
)
from waybill_server.revocations import (
    LONGEST_TOKEN_ID,
    Admission,
    Revocation,
    RevocationFaulty,
    Target,
    target_of,
)
from waybill_server.router import LocalRouter
from waybill_server.store import SqliteStore
from waybill_server.used_tokens import KEPT_SECONDS

NOW = 1_700_000_000.0


class Clock(HybridClock):
    """A wall clock that is set by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW

    def wall_ms(self) -> int:
        return int(self.now * 1000)


def admitted(
    user: str = "alice", device: str = "phone", token: str = "t", issued: float = NOW - 5, once: bool = False
) -> Admission:
    return Admission(Identity(user, issued + 3600, None, token_id=token, issued_at=issued, once=once), device)


class Story:
    """A store, and requests by who is admitted."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.store = SqliteStore(folder, clock, LocalRouter(), Limits())
        self._keys = 0

    async def all(self, *asked: tuple[Callable[[Any], Request], Admission | None]) -> list[Result]:
        """Hands requests over at once; gives their results in their order."""
        results: list[Result] = [None] * len(asked)

        def keep(place: int) -> Callable[[Result], None]:
            def done(result: Result) -> None:
                results[place] = result

            return done

        for place, (build, admission) in enumerate(asked):
            request = build(keep(place))
            request.admission = admission
            self.store.submit(request)
        await self.store.settled()
        return results

    async def one(self, build: Callable[[Any], Request], admission: Admission | None = None) -> Result:
        """The result of one request."""
        return (await self.all((build, admission)))[0]

    def send(self, admission: Admission) -> Callable[[Any], Request]:
        """A send."""
        self._keys += 1
        key = f"k{self._keys}"
        return lambda done: SendRequest(
            done, admission.user, admission.device, f"d:{admission.user}:zoe", key, b"x"
        )


def login(admission: Admission) -> Callable[[Any], Request]:
    return lambda done: LoginRequest(done, admission.user, admission.device, None, 1)


def revoke(at: int | None = None, **target: str) -> Callable[[Any], Request]:
    return lambda done: RevokeRequest(done, Target(**target), at)


def test_the_order_in_the_writer_decides(tmp_path: Path) -> None:
    async def story() -> None:
        tale = Story(tmp_path, Clock())
        alice, bob = admitted(), admitted("bob", token="b")
        before, _, late, acked, other, again = await tale.all(
            (tale.send(alice), alice),
            (revoke(user="alice"), None),
            (tale.send(alice), alice),
            (lambda done: AckRequest(done, "alice", "phone", 0), alice),
            (tale.send(bob), bob),
            (login(alice), alice),
        )
        assert isinstance(before, Stored)
        assert (late, acked, again) == (NOT_ADMITTED, NOT_ADMITTED, NOT_ADMITTED)
        assert isinstance(other, Stored)
        assert [entry.message.key for entry in tale.store.entries("zoe", 0, 9)] == ["k1", "k3"]
        assert tale.store.last_seen("alice") is None
        tale.store.close()

    asyncio.run(story())


def test_a_revocation_is_enforced_when_it_is_committed_and_only_then(tmp_path: Path) -> None:
    async def story() -> None:
        tale = Story(tmp_path, Clock())
        alice, happened = admitted(), []

        def request(done: Callable[[Result], None]) -> Request:
            target = Target(user="alice")
            return RevokeRequest(done, target, enforce=happened.append)

        revoked = await tale.one(request)
        assert happened == [revoked]
        assert await tale.one(request, alice) == NOT_ADMITTED
        assert happened == [revoked]
        tale.store.close()

    asyncio.run(story())


def test_verdicts_stay_with_their_sends(tmp_path: Path) -> None:
    async def story() -> None:
        tale = Story(tmp_path, Clock())
        people = [admitted(f"u{number}", token=f"t{number}") for number in range(6)]
        for number in (1, 3, 4):
            await tale.one(revoke(token=f"t{number}"))
        results = await tale.all(*((tale.send(one), one) for one in people))
        assert [isinstance(result, Stored) for result in results] == [True, False, True, False, False, True]
        for one, result in zip(people, results, strict=True):
            assert result == NOT_ADMITTED or (
                isinstance(result, Stored) and result.message.sender == one.user
            )
        tale.store.close()

    asyncio.run(story())


@pytest.mark.parametrize(
    ("target", "admission", "admits"),
    [
        ({"token": "t"}, admitted(), False),
        ({"token": "t"}, admitted(issued=NOW + 100), False),
        ({"token": "other"}, admitted(), True),
        ({"user": "alice"}, admitted(issued=NOW - 1), False),
        ({"user": "alice"}, admitted(issued=NOW), False),
        ({"user": "alice"}, admitted(issued=NOW + 1), True),
        ({"user": "alice"}, admitted("bob"), True),
        ({"user": "alice", "device": "phone"}, admitted(issued=NOW), False),
        ({"user": "alice", "device": "phone"}, admitted(issued=NOW + 1), True),
        ({"user": "alice", "device": "phone"}, admitted(device="laptop"), True),
        ({"user": "alice", "device": "phone"}, admitted("bob"), True),
    ],
)
def test_what_a_revocation_is_about(
    tmp_path: Path, target: dict[str, str], admission: Admission, admits: bool
) -> None:
    async def story() -> None:
        clock = Clock()
        clock.now = NOW + 0.999
        tale = Story(tmp_path, clock)
        revoked = await tale.one(revoke(**target))
        assert revoked == Revoked(int(NOW * 1000) + 999)
        for store in (tale.store, None):
            if store is None:
                tale.store.close()
                tale.store = SqliteStore(tmp_path, clock, LocalRouter(), Limits())
            assert tale.store.concern(admission) is not admits
            assert isinstance(await tale.one(login(admission), admission), Place) is admits
            assert Revocation(Target(**target), clock.wall_ms()).concerns(admission) is not admits
        tale.store.close()

    asyncio.run(story())


def test_a_revocation_only_becomes_later(tmp_path: Path) -> None:
    async def story() -> None:
        tale = Story(tmp_path, Clock())
        assert await tale.one(revoke(int(NOW * 1000) + 5_000, user="alice")) == Revoked(
            int(NOW * 1000) + 5_000
        )
        assert await tale.one(revoke(user="alice")) == Revoked(int(NOW * 1000) + 5_000)
        assert tale.store.revocations() == [Revocation(Target(user="alice"), int(NOW * 1000) + 5_000)]
        tale.store.close()

    asyncio.run(story())


def test_what_concerns_no_valid_token_any_more_is_forgotten(tmp_path: Path) -> None:
    async def story() -> None:
        clock = Clock()
        tale = Story(tmp_path, clock)
        await tale.all((revoke(token="t"), None), (revoke(user="bob"), None))
        clock.now += 86_400
        await tale.one(revoke(user="carol"))
        assert len(tale.store.revocations()) == 3
        clock.now += 2
        await tale.one(revoke(user="carol"))
        assert [one.target.user for one in tale.store.revocations()] == ["carol"]
        assert not tale.store.concern(admitted())
        tale.store.close()

    asyncio.run(story())


def test_a_revocation_that_is_not_committed_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        tale = Story(tmp_path, Clock())
        alice = admitted()
        ledger = tale.store._writer._ledger
        revocations = ledger.revocations
        genuine = revocations.revoke

        def fails(target: Target, at: int) -> Revocation:
            genuine(target, at)
            assert not revocations.admits(alice)
            raise sqlite3.OperationalError("database or disk is full")

        monkeypatch.setattr(revocations, "revoke", fails)
        revoked, sent = await tale.all((revoke(user="alice"), None), (tale.send(alice), alice))
        assert revoked is not None
        assert isinstance(sent, Stored)
        assert not tale.store.concern(alice)
        assert tale.store.revocations() == []
        monkeypatch.undo()
        await tale.one(revoke(user="alice"))
        assert await tale.one(tale.send(alice), alice) == NOT_ADMITTED
        tale.store.close()

    asyncio.run(story())


def test_an_ended_session_asks_for_nothing_more(tmp_path: Path) -> None:
    async def story() -> None:
        tale = Story(tmp_path, Clock())
        one, other = admitted(), admitted()
        before, _, after, others = await tale.all(
            (tale.send(one), one),
            (lambda done: EndRequest(done, one), None),
            (tale.send(one), one),
            (tale.send(other), other),
        )
        assert isinstance(before, Stored)
        assert after == NOT_ADMITTED
        assert isinstance(others, Stored)
        tale.store.close()

    asyncio.run(story())


def test_what_revokes_needs_to_be_admitted_itself(tmp_path: Path) -> None:
    async def story() -> None:
        tale = Story(tmp_path, Clock())
        root = admitted("root", token="r")
        first, second = await tale.all((revoke(token="r"), root), (revoke(user="alice"), root))
        assert isinstance(first, Revoked)
        assert second == NOT_ADMITTED
        assert len(tale.store.revocations()) == 1
        tale.store.close()

    asyncio.run(story())


# Tokens that are good for one login.


def test_a_token_for_one_login_is_used_by_it_over_restarts(tmp_path: Path) -> None:
    async def story() -> None:
        clock = Clock()
        tale = Story(tmp_path, clock)
        once, mine, common = admitted(once=True), admitted("bob", once=True), admitted(token="c")
        results = await tale.all(*((login(one), one) for one in (once, once, mine, common, common)))
        assert [isinstance(result, Place) for result in results] == [True, False, True, True, True]
        assert results[1] == NOT_ADMITTED
        # The session that it opened goes on.
        assert isinstance(await tale.one(tale.send(once), once), Stored)
        tale.store.close()
        tale = Story(tmp_path, clock)
        assert await tale.one(login(once), once) == NOT_ADMITTED
        tale.store.close()

    asyncio.run(story())


def test_a_refused_login_uses_nothing_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        tale = Story(tmp_path, Clock())
        once = admitted(once=True)
        ledger = tale.store._writer._ledger

        def fails(user: str) -> object:
            raise sqlite3.OperationalError("database or disk is full")

        monkeypatch.setattr(ledger, "_log", fails)
        assert not isinstance(await tale.one(login(once), once), Place)
        monkeypatch.undo()
        assert isinstance(await tale.one(login(once), once), Place)
        tale.store.close()

    asyncio.run(story())


def test_used_tokens_are_forgotten_long_after_their_end(tmp_path: Path) -> None:
    async def story() -> None:
        clock = Clock()
        tale = Story(tmp_path, clock)

        def kept() -> int:
            with sqlite3.connect(tmp_path / "node.sqlite3") as connection:
                (count,) = connection.execute("SELECT count(*) FROM used_token").fetchone()
            connection.close()
            return int(count)

        first = admitted(once=True, token="one")
        await tale.one(login(first), first)
        clock.now = first.expires + KEPT_SECONDS - 1
        second = admitted(once=True, token="two", issued=clock.now)
        await tale.one(login(second), second)
        assert kept() == 2
        clock.now += 3
        third = admitted(once=True, token="three", issued=clock.now)
        await tale.one(login(third), third)
        assert kept() == 2
        tale.store.close()

    asyncio.run(story())


def test_on_the_wire_a_token_for_one_login_is_used_once_over_a_kill(
    world: World, own_node: Callable[..., Process], device: Callable[..., Client]
) -> None:
    import signal

    from test_v1_listener import V1Client

    node = own_node("--v1-port", 0)
    (alice,) = world.users(1)
    token, older = world.token(alice, once="true"), world.token(alice, once="true")
    client = device(alice, node=node, token=token)
    assert refused_login(world, node, token)
    assert refused_login(world, node, token, "tablet")
    assert client.ask("sync", after=0, limit=1)["type"] == "page"
    for answer in (b"\x03LOGIN_OK", b"AUTH_FAILED"):
        old = V1Client(world, node)
        old.say(f"\x01{alice}:{older}".encode())
        assert old.hear(len(answer)) == answer
    node.end(signal.SIGKILL)
    node = own_node()
    assert refused_login(world, node, token)
    assert refused_login(world, node, older)


def test_of_many_logins_at_once_a_token_for_one_login_opens_one(world: World, node: Process) -> None:
    (alice,) = world.users(1)
    token = world.token(alice, once="true")
    clients = [Client(world, node) for _ in range(8)]
    for number, client in enumerate(clients):
        client.say("hello", versions=[2, 3], device=f"d{number}", token=token)
    kinds = [client.listen()["type"] for client in clients]
    assert sorted(kinds) == ["closing"] * 7 + ["welcome"]


# What a revocation looks like.


def test_a_token_id_may_be_as_long_as_is_said_and_no_longer() -> None:
    longest = "x" * LONGEST_TOKEN_ID
    assert target_of({"token": longest}).token == longest
    with pytest.raises(RevocationFaulty, match="at most 256 characters"):
        target_of({"token": longest + "x"})


@given(
    st.dictionaries(st.sampled_from(["token", "user", "device", "other"]), st.text(max_size=5) | st.none())
)
def test_a_revocation_is_read_or_refused(document: dict[str, object]) -> None:
    try:
        target = target_of(document)
    except RevocationFaulty:
        return
    assert target.document() == document
