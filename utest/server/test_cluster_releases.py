"""Nodes of different releases that know each other."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from cluster_harness import ClusterWorld
from server_harness import World, direct

from waybill_server.cluster.records import BlockListed, Entered, Ruled, Unread, pack, unpack_known
from waybill_server.records import Message
from waybill_server.releases import RELEASES

OLD = RELEASES[1].unknown
MESSAGE = Message(1, "d:alice:bob", 1, "alice", "phone", "k", b"text")


@pytest.fixture
def pair(world: World, tmp_path: Path) -> Iterator[ClusterWorld]:
    """Two nodes, `east` of release 1 and `north` of release 2."""
    cluster = ClusterWorld(world, tmp_path, ("east", "north"), releases={"east": 1})
    cluster.start()
    cluster.until_linked()
    yield cluster
    world.cut_all()
    cluster.end()


def test_a_record_of_an_unknown_kind_is_kept_as_it_is() -> None:
    ruled, listed = Ruled("alice", "bob", False), BlockListed("alice", ("bob",), "bob")
    for record in (ruled, listed):
        data = pack(record)
        assert unpack_known(data) == record
        assert unpack_known(data, OLD) == Unread(data)
    later = pack(ruled).replace(b"rule", b"ruse")
    assert unpack_known(later) == Unread(later)


def test_an_older_release_is_told_of_a_place_without_the_count() -> None:
    assert b"received" not in pack(Entered("bob", 1, MESSAGE))
    assert unpack_known(pack(Entered("bob", 1, MESSAGE, 1)), OLD) == Entered("bob", 1, MESSAGE, 1)


def test_releases_say_to_each_other_what_they_are(pair: ClusterWorld) -> None:
    assert pair.links("east")["north"]["release"] == 2
    assert pair.links("north")["east"]["release"] == 1


@pytest.mark.parametrize(("home", "others"), [("east", "north"), ("north", "east")])
def test_messages_cross_between_releases(pair: ClusterWorld, home: str, others: str) -> None:
    alice, bob = pair.user(home), pair.user(others)
    senders = [pair.log_in(name, alice, f"at-{name}") for name in pair.names]
    phones = [pair.log_in(name, bob, f"at-{name}") for name in pair.names]
    for number in range(3):
        for sender in senders:
            sender.send(direct(alice, bob), f"{number}-{sender}")
    logs = [[entry["id"] for entry in phone.delivered(6)] for phone in phones]
    assert logs[0] == logs[1]
    assert len(set(logs[0])) == 6


def test_a_block_list_waits_at_an_older_node_until_it_is_newer(pair: ClusterWorld) -> None:
    alice, bob = pair.user("north"), pair.user("east")
    listing = pair.log_in("north", alice, versions=[2, 3])
    assert listing.ask("block", user=bob)["type"] == "blocked"
    old = pair.log_in("east", bob)
    conversation = direct(alice, bob)
    assert old.send(conversation, "k1")["type"] == "accepted"
    pair.kill("east")
    with closing(sqlite3.connect(pair.folder / "east" / "node.sqlite3")) as data:
        assert data.execute("SELECT COUNT(*) FROM unread").fetchone() == (1,)
    pair.releases["east"] = 2
    pair.start("east")
    pair.until_linked()
    assert pair.log_in("east", bob).send(conversation, "k2")["code"] == "not-permitted"


def test_an_older_home_refuses_what_it_does_not_know(pair: ClusterWorld) -> None:
    alice, bob = pair.user("east"), pair.user("north")
    refused = pair.log_in("north", alice, versions=[2, 3]).ask("block", user=bob)
    assert (refused["code"], refused["definite"]) == ("unavailable", True)
    assert pair.links("north")["east"]["connected"]


def test_a_node_drains_while_others_send_to_it(pair: ClusterWorld) -> None:
    alice, bob = pair.user("north"), pair.user("east")
    sender, stopped = pair.log_in("north", alice), threading.Event()

    def send() -> None:
        number = 0
        while not stopped.is_set():
            sender.send(direct(alice, bob), f"k{number}")
            number += 1

    sending = threading.Thread(target=send)
    sending.start()
    try:
        assert pair.nodes.pop("east").end() == 0
    finally:
        stopped.set()
        sending.join()


def test_upgrade_drops_outbox(world: World, tmp_path: Path) -> None:
    """Seeded: what waited for a node is gone when it comes back newer."""
    assert _across_an_upgrade(world, tmp_path, "") == ["k0", "k1", "k2"]
    assert _across_an_upgrade(world, tmp_path, "upgrade-drops-outbox") == ["k0", "k2"]


def test_old_node_rejects_new_rows(world: World, tmp_path: Path) -> None:
    """Seeded: an older node refuses the records of a newer one."""
    names = ("east", "north")
    cluster = ClusterWorld(
        world, tmp_path, names, dict.fromkeys(names, "old-node-rejects-new-rows"), releases={"east": 1}
    )
    try:
        cluster.start()
        cluster.until_linked()
        alice, bob = (cluster.user("north") for _ in range(2))
        cluster.log_in("north", alice).send(direct(alice, bob), "k")
        cluster.until(
            "a refusal", lambda: any(line.get("event") == "record-refused" for line in cluster.log("east"))
        )
    finally:
        world.cut_all()
        cluster.end()


def _across_an_upgrade(world: World, tmp_path: Path, defect: str) -> list[str]:
    """The keys that a user is given whose home is upgraded between the first and the last message."""
    names = ("east", "north")
    defects = dict.fromkeys(names, defect) if defect else {}
    cluster = ClusterWorld(world, tmp_path / f"with-{defect}", names, defects, releases={"north": 1})
    try:
        cluster.start()
        cluster.until_linked()
        alice, bob = cluster.user("east"), cluster.user("north")
        sender, conversation = cluster.log_in("east", alice), direct(alice, bob)
        sender.send(conversation, "k0")
        cluster.kill("north")
        cluster.until_breaker("east", "north", "open")
        sender.send(conversation, "k1")
        cluster.releases["north"] = 2
        cluster.start("north")
        cluster.until_linked()
        sender.send(conversation, "k2")
        cluster.until_linked()
        entries = cluster.log_in("north", bob).ask("sync", after=0, limit=10)["entries"]
        return [entry["key"] for entry in entries]
    finally:
        world.cut_all()
        cluster.end()
