"""Messages with a time to live: who is given them, what their senders are told, and which clock counts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from server_harness import Client, Process, World, direct

from waybill_server.clock import HybridClock
from waybill_server.limits import Limits
from waybill_server.records import ExpireRequest, Result, SendRequest
from waybill_server.router import LocalRouter
from waybill_server.store import SqliteStore

Device = Callable[..., Client]
Nodes = Callable[..., Process]


class HandClock(HybridClock):
    """A clock that goes on when somebody says so."""

    def __init__(self, wall_ms: int = 1_760_000_000_000) -> None:
        super().__init__()
        self.wall = wall_ms
        self.even = 100.0

    def wall_ms(self) -> int:
        return self.wall

    def seconds(self) -> float:
        return self.even


def test_what_is_over_is_given_to_nobody_and_its_sender_is_told(world: World, device: Device) -> None:
    alice, bob = world.users(2)
    place = direct(alice, bob)
    sender = device(alice, capabilities=["expiry"])
    accepted = sender.ask("send", conversation=place, key="short", body="x", ttl=1)
    assert accepted["sequence"] == 1
    notice = sender.until("expired")
    assert notice == {
        "type": "expired", "id": accepted["id"], "conversation": place, "sequence": 1, "key": "short",
    }  # fmt: skip
    assert sender.send(place, "long")["sequence"] == 2
    reader = device(bob)
    assert [(one["key"], one["cursor"], one["sequence"]) for one in reader.delivered(1)] == [("long", 2, 2)]
    for one in (sender, reader):
        page = one.ask("sync", after=0, limit=10)
        assert [entry["key"] for entry in page["entries"]] == ["long"]
        assert (page["cursor"], page["complete"]) == (2, True)


def test_a_log_that_ends_with_what_is_over_is_read_to_its_end(world: World, device: Device) -> None:
    alice, bob = world.users(2)
    sender = device(alice, capabilities=["expiry"])
    sender.ask("send", conversation=direct(alice, bob), key="short", body="x", ttl=1)
    sender.until("expired")
    page = device(bob).ask("sync", after=0, limit=1)
    assert (page["entries"], page["cursor"], page["complete"]) == ([], 1, True)


def test_the_sender_may_ask(world: World, device: Device) -> None:
    alice, bob = world.users(2)
    sender = device(alice, capabilities=["expiry"])
    for key, more in (("short", {"ttl": 1}), ("year", {"ttl": 31_622_400_000}), ("stays", {})):
        sender.ask("send", conversation=direct(alice, bob), key=key, body="x", **more)
    sender.until("expired")
    states = {key: sender.ask("status", key=key) for key in ("short", "year", "stays")}
    assert {key: state["expired"] for key, state in states.items()} == {
        "short": True, "year": False, "stays": False,
    }  # fmt: skip
    assert [states[key]["expires"] is None for key in states] == [False, False, True]
    assert device(bob).ask("status", key="short")["code"] == "no-such-message"


def test_a_retry_brings_nothing_back(world: World, device: Device) -> None:
    alice, bob = world.users(2)
    sender = device(alice, capabilities=["expiry"])
    first = sender.ask("send", conversation=direct(alice, bob), key="k", body="x", ttl=1)
    sender.until("expired")
    again = sender.ask("send", conversation=direct(alice, bob), key="k", body="x", ttl=60_000)
    assert (again["id"], again["duplicate"]) == (first["id"], True)
    assert sender.ask("status", key="k")["expired"] is True


@pytest.mark.parametrize("ttl", [0, -1, 31_622_400_001, 1.5, "1", True])
def test_what_is_no_time_to_live_is_refused(world: World, device: Device, ttl: object) -> None:
    alice, bob = world.users(2)
    refused = device(alice).ask("send", conversation=direct(alice, bob), key="k", body="x", ttl=ttl)
    assert refused["code"] == "malformed"


@pytest.mark.parametrize("release", [1, 2])
def test_in_version_2_every_message_stays(
    world: World, own_node: Nodes, device: Device, release: int
) -> None:
    alice, bob = world.users(2)
    node = own_node("--release", release)
    old = device(alice, node=node, versions=[2], capabilities=["expiry"])
    assert old.heard[0]["capabilities"] == []
    old.ask("send", conversation=direct(alice, bob), key="k", body="x", ttl=1)
    assert old.ask("status", key="k")["code"] == "malformed"
    assert device(bob, node=node, versions=[2]).delivered(1)[0]["key"] == "k"


def opened(folder: Path, clock: HandClock) -> SqliteStore:
    return SqliteStore(folder, clock, LocalRouter(), Limits())


async def sent(store: SqliteStore, ttl: int) -> None:
    store.submit(SendRequest(_ignore, "alice", "phone", "d:alice:bob", "k", b"x", ttl))
    await store.settled()


def _ignore(result: Result) -> None:
    """Whatever came of it."""


def shown(store: SqliteStore) -> list[str]:
    return [entry.message.key for entry in store.entries("bob", 0, 10)]


def test_while_the_node_runs_its_wall_clock_does_not_count(tmp_path: Path) -> None:
    async def story() -> None:
        clock = HandClock()
        store = opened(tmp_path / "node", clock)
        await sent(store, 5000)
        clock.wall += 86_400_000
        assert shown(store) == ["k"]
        clock.even += 4.999
        assert shown(store) == ["k"]
        clock.wall -= 2 * 86_400_000
        clock.even += 0.001
        assert shown(store) == []
        store.close()

    asyncio.run(story())


@pytest.mark.parametrize(("away_ms", "left"), [(4_000, ["k"]), (5_001, [])])
def test_across_a_restart_the_wall_clock_counts(tmp_path: Path, away_ms: int, left: list[str]) -> None:
    async def story() -> None:
        clock = HandClock()
        store = opened(tmp_path / "node", clock)
        await sent(store, 5000)
        store.close()
        store = opened(tmp_path / "node", HandClock(clock.wall + away_ms))
        assert shown(store) == left
        store.close()

    asyncio.run(story())


def test_what_was_marked_as_over_stays_so_whatever_the_clock_says(tmp_path: Path) -> None:
    async def story() -> None:
        clock = HandClock()
        store = opened(tmp_path / "node", clock)
        await sent(store, 5000)
        clock.even += 5
        store.submit(ExpireRequest(_ignore, tuple(store.expiries.deadlines)))
        await store.settled()
        store.close()
        store = opened(tmp_path / "node", HandClock(clock.wall - 86_400_000))
        assert shown(store) == []
        assert not store.expiries.deadlines
        store.close()

    asyncio.run(story())
