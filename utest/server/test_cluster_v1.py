"""Clients of wire v1 at nodes that know each other, of one release and of two."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster_harness import ClusterWorld
from server_harness import World, direct
from test_v1_listener import V1Client, send, str16
from test_v1_listener import log_in as enter

NAMES = ("east", "north")


class V1World(ClusterWorld):
    """Nodes that serve wire v1, too."""

    def options(self, name: str) -> list[object]:
        """The options of a node."""
        return [*super().options(name), "--v1-port", 0]

    def enter(self, name: str, user: str) -> V1Client:
        """A v1 client at a node."""
        return enter(self.world, self.nodes[name], user)


@pytest.fixture(params=[{"east": 1}, {"north": 1}], ids=["old east", "old north"])
def pair(request: pytest.FixtureRequest, world: World, tmp_path: Path) -> Iterator[V1World]:
    """Two nodes, one of them of release 1."""
    cluster = V1World(world, tmp_path, NAMES, releases=request.param)
    cluster.start()
    cluster.until_linked()
    yield cluster
    world.cut_all()
    cluster.end()


def bodies(client: V1Client, count: int) -> list[bytes]:
    return [client.message()[1] for _ in range(count)]


def test_v1_clients_at_two_nodes_write_to_each_other_and_to_v2(pair: V1World) -> None:
    alice, bob = pair.user("east"), pair.user("north")
    at_home, away = pair.enter("east", alice), pair.enter("east", bob)
    far = pair.log_in("north", alice, "far")
    # The home of their conversation is that of whoever comes first by name.
    at_home.say(send(bob, b"one"), send(bob, b"two"))
    assert bodies(away, 2) == [b"one", b"two"]
    assert [entry["body"] for entry in far.delivered(2)] == ["one", "two"]
    far.send(direct(alice, bob), "k", "three")
    assert bodies(away, 1) == [b"three"]
    away.say(send(alice, b"four"))
    assert bodies(at_home, 1) == [b"four"]
    assert [entry["body"] for entry in far.delivered(3)] == ["one", "two", "four"]


def test_presence_and_typing_of_v1_clients_cross_nodes(pair: V1World) -> None:
    alice, bob = pair.user("east"), pair.user("north")
    one, other = pair.enter("east", alice), pair.log_in("north", bob, capabilities=["typing"])
    pair.until("bob online at the other node", lambda: one.status(bob)[0] == 1)
    one.say(b"\x70" + str16(bob))
    assert other.until("typing")["user"] == alice


def test_a_v1_client_goes_on_at_another_node_where_it_was(pair: V1World) -> None:
    alice, bob = pair.user("east"), pair.user("north")
    writer, reader = pair.enter("east", alice), pair.enter("east", bob)
    writer.say(send(bob, b"one"), send(bob, b"two"))
    first, _ = reader.message()
    reader.message()
    reader.say(b"\x03" + first)
    # The answer to a question behind it tells that the acknowledgement was read.
    reader.status(alice)
    reader.leave()
    pair.until_linked()
    assert pair.enter("north", bob).message()[1] == b"two"


def test_what_a_v1_client_wrote_before_its_goodbye_outlives_the_end_of_its_node(pair: V1World) -> None:
    alice, bob = pair.user("north"), pair.user("north")
    leaving = pair.enter("east", alice)
    said = [b"%d" % number for number in range(200)]
    leaving.say(*(send(bob, body) for body in said))
    leaving.leave()
    assert pair.nodes.pop("east").end() == 0
    pair.releases["east"] = 2
    pair.start("east")
    assert bodies(pair.enter("north", bob), len(said)) == said


def test_upgrade_forgets_v1_clients(world: World, tmp_path: Path) -> None:
    """Seeded: a newer node gives nobody what v1 clients at other nodes sent; what v2 clients sent it gives."""
    defects = dict.fromkeys(NAMES, "upgrade-forgets-v1-clients")
    cluster = V1World(world, tmp_path, NAMES, defects, releases={"east": 1})
    try:
        cluster.start()
        cluster.until_linked()
        for home, other, given in (("north", "east", [b"v2"]), ("east", "north", [b"v1", b"v2"])):
            writer, reader = cluster.user(home), cluster.user(home)
            with_v1 = cluster.enter(other, writer)
            with_v1.say(send(reader, b"v1"))
            with_v1.status(reader)
            cluster.log_in(other, writer, "tablet").send(direct(writer, reader), "k", "v2")
            assert bodies(cluster.enter(home, reader), len(given)) == given
    finally:
        world.cut_all()
        cluster.end()
