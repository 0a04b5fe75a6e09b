"""Each defect of a node among several does what it says, and shows it."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cluster_harness import ClusterWorld
from server_harness import World, direct

from waybill_server.cluster.frames import Greeting, packed
from waybill_server.defects import find
from waybill_server.defects.regional import LATER
from waybill_server.defects.regional_copies import CAP

Start = Callable[[str], ClusterWorld]


@pytest.fixture
def broken(world: World, tmp_path: Path) -> Iterator[Start]:
    """Two nodes, both with a defect."""
    clusters = []

    def start(defect: str) -> ClusterWorld:
        names = ("east", "north")
        clusters.append(ClusterWorld(world, tmp_path, names, dict.fromkeys(names, defect)))
        clusters[-1].start()
        clusters[-1].until_linked()
        return clusters[-1]

    yield start
    world.cut_all()
    for cluster in clusters:
        cluster.end()


def test_the_defects_are_of_nodes_with_peers() -> None:
    assert find("outbox-in-memory").regional
    assert not find("drop-every-nth").regional


def test_outbox_in_memory(broken: Start) -> None:
    keys = accepted_apart(broken("outbox-in-memory"), kill=True)
    assert keys == ["first", "last"]


def test_outbox_drains_out_of_order(broken: Start) -> None:
    keys = accepted_apart(broken("outbox-drains-out-of-order"))
    assert keys == ["first", "k2", "k1", "k0", "last"]


def test_heals_with_duplicates(broken: Start) -> None:
    keys = accepted_apart(broken("heals-with-duplicates"))
    assert keys == ["first", "first", "k0", "k1", "k2", "last"]


def test_conflict_last_writer_drops(broken: Start) -> None:
    cluster = broken("conflict-last-writer-drops")
    keys = accepted_apart(cluster, conflict=True)
    assert keys == ["first", "near", "last"]


def accepted_apart(cluster: ClusterWorld, *, kill: bool = False, conflict: bool = False) -> list[str]:
    """The keys in the receiver's log: one message before, three while the nodes are apart, one after."""
    alice, bob = cluster.user("north"), cluster.user("north")
    conversation = direct(alice, bob)
    sender = cluster.log_in("east", alice)
    sender.send(conversation, "first")
    cluster.part("east", "north")
    cluster.until_breaker("east", "north", "open")
    for number in range(3):
        assert sender.send(conversation, f"k{number}")["queued"]
    if conflict:
        near = cluster.log_in("north", bob, "near")
        now = near.ask("presence", user=bob)["last_seen"]
        later = now + 2 * LATER
        cluster.until("the home's clock goes on", lambda: near.ask("presence", user=bob)["last_seen"] > later)
        near.send(conversation, "near")
    if kill:
        cluster.kill("east")
        cluster.start("east")
    cluster.heal()
    cluster.until_linked()
    cluster.log_in("east", alice, "laptop").send(conversation, "last")
    receiver = cluster.log_in("north", bob)
    receiver.until("deliver", key="last")
    return [frame["key"] for frame in receiver.heard if frame["type"] == "deliver"]


def test_failover_resets_cursor(broken: Start) -> None:
    cluster = broken("failover-resets-cursor")
    alice, bob = cluster.user("north"), cluster.user("north")
    cluster.log_in("north", alice).send(direct(alice, bob), "k")
    phone = cluster.log_in("north", bob)
    phone.delivered(1)
    phone.ask("ack", cursor=1)
    assert cluster.log_in("north", bob, cursor=1).heard[0]["cursor"] == 1
    assert cluster.log_in("east", bob, cursor=1).heard[0]["cursor"] == 0


def test_breaker_never_opens(broken: Start) -> None:
    cluster = broken("breaker-never-opens")
    cluster.part("east", "north")
    cluster.until("failures", lambda: cluster.links("east")["north"]["failures"] > 10)
    assert cluster.links("east")["north"]["breaker"] == "closed"


def test_breaker_never_closes(broken: Start) -> None:
    cluster = broken("breaker-never-closes")
    cluster.part("east", "north")
    cluster.until_breaker("east", "north", "open")
    cluster.heal()
    failures = cluster.links("east")["north"]["failures"]
    cluster.until("probes", lambda: cluster.links("east")["north"]["failures"] > failures + 3)
    assert not cluster.links("east")["north"]["connected"]


def test_peer_certificate_not_verified(broken: Start) -> None:
    cluster = broken("peer-certificate-not-verified")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", cluster.ports["east"])) as plain,
        context.wrap_socket(plain) as secured,
    ):
        secured.sendall(packed(Greeting("north", "east", "x")))
        assert b"welcome" in secured.recv(100)


def test_jti_cache_per_node(broken: Start) -> None:
    cluster = broken("jti-cache-per-node")
    user = cluster.user("north")
    token = cluster.world.token(user, once="true")
    for name in cluster.names:
        cluster.log_in(name, user, f"at-{name}", token=token)
        assert cluster.knock(name, token)[0] == "unauthenticated"


def test_revocation_per_node(broken: Start) -> None:
    cluster = broken("revocation-per-node")
    user = cluster.user("north")
    token = cluster.world.token(user)
    root = cluster.world.token("root")
    cluster.world.administrate(cluster.nodes["north"], "POST", "/admin/revocations", root, {"user": user})
    assert cluster.knock("north", token)[0] == "unauthenticated"
    cluster.log_in("east", user, token=token)


def test_block_per_node(broken: Start) -> None:
    cluster = broken("block-per-node")
    alice, bob = cluster.user("north"), cluster.user("north")
    senders = {name: cluster.log_in(name, alice, f"at-{name}") for name in cluster.names}
    assert cluster.log_in("east", bob).ask("block", user=alice)["users"] == [alice]
    assert senders["north"].send(direct(alice, bob), "k")["code"] == "not-permitted"
    assert senders["east"].send(direct(alice, bob), "k")["type"] == "accepted"
    presence = {name: one.ask("presence", user=bob)["online"] for name, one in senders.items()}
    assert presence == {"north": False, "east": True}


def test_presence_per_node(broken: Start) -> None:
    cluster = broken("presence-per-node")
    alice, bob = cluster.user("north"), cluster.user("north")
    cluster.log_in("north", alice)
    assert cluster.log_in("north", bob).ask("presence", user=alice)["online"]
    assert not cluster.log_in("east", bob, "other").ask("presence", user=alice)["online"]


def test_dedup_per_node(broken: Start) -> None:
    cluster = broken("dedup-per-node")
    alice, bob = cluster.user("north"), cluster.user("north")
    cluster.part("east", "north")
    cluster.until_breaker("east", "north", "open")
    for name in cluster.names:
        cluster.log_in(name, alice, f"at-{name}").send(direct(alice, bob), "k")
    cluster.heal()
    cluster.until_linked()
    bodies = [frame["body"] for frame in cluster.log_in("north", bob).delivered(2)]
    assert bodies == ["hello", "hello"]


def test_copy_delivers_newest_first(broken: Start) -> None:
    cluster = broken("copy-delivers-newest-first")
    alice, bob = cluster.user("north"), cluster.user("north")
    sender = cluster.log_in("north", alice)
    for number in range(3):
        sender.send(direct(alice, bob), f"k{number}")
    keys = [
        [frame["key"] for frame in cluster.log_in(name, bob, f"at-{name}").delivered(3)]
        for name in ("north", "east")
    ]
    assert keys == [["k0", "k1", "k2"], ["k2", "k1", "k0"]]


def test_cursor_shared_between_nodes(broken: Start) -> None:
    cluster = broken("cursor-shared-between-nodes")
    alice, bob = cluster.user("north"), cluster.user("north")
    phone, tablet = cluster.log_in("north", bob), cluster.log_in("east", bob, "tablet")
    cluster.log_in("north", alice).send(direct(alice, bob), "k")
    for device in (phone, tablet):
        device.delivered(1)
    tablet.ask("ack", cursor=0)
    phone.ask("ack", cursor=1)
    places = [cluster.log_in(name, bob, "tablet").heard[0]["cursor"] for name in ("north", "east")]
    assert places == [0, 1]


def test_copy_of_log_capped(broken: Start) -> None:
    cluster = broken("copy-of-log-capped")
    alice, bob = cluster.user("north"), cluster.user("north")
    sender = cluster.log_in("north", alice)
    for number in range(CAP + 2):
        sender.say("send", ref=number, conversation=direct(alice, bob), key=f"k{number}", body="hello")
    sender.until("accepted", ref=CAP + 1)
    first = {
        name: cluster.log_in(name, bob, f"at-{name}").ask("sync", after=0, limit=500)["entries"][0]["cursor"]
        for name in cluster.names
    }
    assert first == {"north": 1, "east": 3}


def test_leaving_elsewhere_ignored(broken: Start) -> None:
    cluster = broken("leaving-elsewhere-ignored")
    alice, bob = cluster.user("north"), cluster.user("east")
    one, two = cluster.log_in("north", alice), cluster.log_in("east", bob)
    group = one.ask("group-create", name="club", members=[bob])["conversation"]
    two.until("group", conversation=group)
    left = two.ask("group-leave", conversation=group)
    assert (left["members"], left["change"]) == ([alice], {"user": bob, "action": "left"})
    one.send(group, "k")
    assert two.delivered(1)[0]["key"] == "k"
