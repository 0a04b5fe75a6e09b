"""Messages with a time to live at nodes that know each other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster_harness import ClusterWorld
from server_harness import Client, World, direct

from waybill_server.cluster.records import Append, Entered, Sent, Settled, pack, unpack
from waybill_server.records import Message

MESSAGE = Message(1, "d:alice:bob", 1, "alice", "phone", "k", b"text")
LONG = 600_000


@pytest.fixture
def cluster(world: World, tmp_path: Path) -> Iterator[ClusterWorld]:
    """Three nodes."""
    cluster = ClusterWorld(world, tmp_path)
    cluster.start()
    cluster.until_linked()
    yield cluster
    world.cut_all()
    cluster.end()


def expiring(client: Client, conversation: str, key: str, ttl: int) -> dict[str, object]:
    return client.ask("send", conversation=conversation, key=key, body="x", ttl=ttl)


def keys(client: Client, count: int) -> list[str]:
    return [entry["key"] for entry in client.delivered(count)]


def test_records_of_messages_that_stay_are_as_they_were() -> None:
    staying = (
        Sent("alice", "phone", "d:alice:bob", "k", b"text", 7),
        Settled("alice", "k", 1, 1, "phone", "k", False),
        Append("bob", MESSAGE),
        Entered("bob", 1, MESSAGE, 1),
    )
    for record in staying:
        assert b"expires" not in pack(record)
        assert unpack(pack(record)) == record
    ending = Sent("alice", "phone", "d:alice:bob", "k", b"text", 7, 1_760_000_000_000)
    assert unpack(pack(ending)) == ending


@pytest.mark.parametrize("at", ["north", "south", "west"])
def test_a_message_ends_at_every_node(cluster: ClusterWorld, at: str) -> None:
    alice, bob = cluster.user("north"), cluster.user("south")
    place = direct(alice, bob)
    sender = cluster.log_in(at, alice, capabilities=["expiry"])
    other = cluster.log_in("west", alice, "tablet", capabilities=["expiry"])
    assert expiring(sender, place, "short", 1)["type"] == "accepted"
    assert expiring(sender, place, "long", LONG)["type"] == "accepted"
    for one in (sender, other):
        assert one.until("expired")["key"] == "short"
    for name in cluster.names:
        assert keys(cluster.log_in(name, bob, f"at-{name}"), 1) == ["long"]
        asking = cluster.log_in(name, alice, f"asks-{name}")
        states = [asking.ask("status", key=key) for key in ("short", "long")]
        assert [state["expired"] for state in states] == [True, False]
        assert states[1]["expires"] - states[0]["expires"] >= LONG - 1


def test_what_is_over_on_its_way_is_given_to_nobody(cluster: ClusterWorld) -> None:
    alice, bob = cluster.user("north"), cluster.user("south")
    place = direct(alice, bob)
    reader = cluster.log_in("south", bob)
    sender = cluster.log_in("west", alice, capabilities=["expiry"])
    for other in ("north", "south"):
        cluster.part("west", other)
        cluster.until_breaker("west", other, "open")
    assert expiring(sender, place, "short", 1)["queued"] is True
    assert sender.send(place, "stays")["queued"] is True
    cluster.heal()
    cluster.until_linked()
    assert sender.until("expired")["key"] == "short"
    assert keys(reader, 1) == ["stays"]
    page = cluster.log_in("north", bob, "tablet").ask("sync", after=0, limit=10)
    assert [(entry["key"], entry["cursor"], entry["sequence"]) for entry in page["entries"]] == [
        ("stays", 2, 2)
    ]


def test_an_end_that_came_from_another_node_outlives_a_kill(cluster: ClusterWorld) -> None:
    alice, bob = cluster.user("north"), cluster.user("south")
    sender = cluster.log_in("north", alice)
    expiring(sender, direct(alice, bob), "long", LONG)
    expires = sender.ask("status", key="long")["expires"]
    cluster.until_linked()
    cluster.kill("south")
    cluster.start("south")
    cluster.until_linked()
    state = cluster.log_in("south", alice, "tablet").ask("status", key="long")
    assert (state["expires"], state["expired"]) == (expires, False)


@pytest.mark.parametrize("old", ["east", "north"])
def test_where_an_older_release_numbers_it_a_message_stays(world: World, tmp_path: Path, old: str) -> None:
    cluster = ClusterWorld(world, tmp_path, ("east", "north"), releases={old: 1})
    new = "north" if old == "east" else "east"
    try:
        cluster.start()
        cluster.until_linked()
        alice, bob = cluster.user(old), cluster.user(old)
        sender = cluster.log_in(new, alice)
        assert expiring(sender, direct(alice, bob), "k", 1)["type"] == "accepted"
        for name in cluster.names:
            assert keys(cluster.log_in(name, bob, f"at-{name}"), 1) == ["k"]
        assert sender.ask("status", key="k")["expires"] is None
    finally:
        world.cut_all()
        cluster.end()


def test_ttl_per_node(world: World, tmp_path: Path) -> None:
    """Seeded: a message ends at its conversation's home alone."""
    names = ("east", "north")
    cluster = ClusterWorld(world, tmp_path, names, dict.fromkeys(names, "ttl-per-node"))
    try:
        cluster.start()
        cluster.until_linked()
        alice, bob = cluster.user("east"), cluster.user("east")
        sender = cluster.log_in("east", alice, capabilities=["expiry"])
        expiring(sender, direct(alice, bob), "short", 1)
        sender.until("expired")
        sender.send(direct(alice, bob), "stays")
        assert keys(cluster.log_in("east", bob), 1) == ["stays"]
        assert keys(cluster.log_in("north", bob, "tablet"), 2) == ["short", "stays"]
    finally:
        world.cut_all()
        cluster.end()
