"""Nodes that cannot reach each other, and what becomes of it when they can again."""

from __future__ import annotations

import signal

import pytest
from cluster_harness import ClusterWorld
from server_harness import Client, direct


def is_queued(answer: dict[str, object]) -> bool:
    """Whether an answer says that the message is on its way."""
    assert answer["type"] == "accepted", answer
    return answer.get("queued") is True and answer["id"] is None and answer["sequence"] is None


@pytest.mark.parametrize("how", ["cut", "hold"])
def test_what_is_accepted_apart_becomes_one_order(cluster: ClusterWorld, how: str) -> None:
    alice, bob = cluster.user("north"), cluster.user("south")
    conversation = direct(alice, bob)
    home = cluster.homes.conversation(conversation)
    other = "south" if home == "north" else "north"
    far, near = (cluster.log_in(node, user) for node, user in zip((other, home), (alice, bob), strict=True))
    assert far.send(conversation, "before")["sequence"] == 1
    cluster.part(home, other, how)
    queued = [far.send(conversation, f"far{number}") for number in range(10)]
    assert all(map(is_queued, queued))
    assert is_queued(far.send(conversation, "far3"))
    assert [near.send(conversation, f"near{number}")["sequence"] for number in range(10)] == [*range(2, 12)]
    cluster.heal()
    cluster.until_linked()
    readers = [cluster.log_in(name, user, f"r-{name}") for name in cluster.names for user in (alice, bob)]
    seen = [[(one["key"], one["id"], one["sequence"]) for one in reader.delivered(21)] for reader in readers]
    assert all(log == seen[0] for log in seen)
    assert [sequence for _, _, sequence in seen[0]] == [*range(1, 22)]
    keys = [key for key, _, _ in seen[0]]
    assert [key for key in keys if key.startswith("far")] == [f"far{number}" for number in range(10)]
    assert [key for key in keys if key.startswith("near")] == [f"near{number}" for number in range(10)]
    again = far.send(conversation, "far3")
    assert (again["duplicate"], again["id"]) == (True, seen[0][keys.index("far3")][1])


def test_one_key_for_two_messages_accepted_apart_keeps_both(cluster: ClusterWorld) -> None:
    alice, bob = cluster.user("north"), cluster.user("south")
    conversation = direct(alice, bob)
    home = cluster.homes.conversation(conversation)
    other = next(name for name in cluster.names if name != home)
    phones = [cluster.log_in(node, alice, f"at-{node}") for node in (other, home)]
    cluster.part(home, other)
    for phone, body in zip(phones, ("one", "two"), strict=True):
        assert phone.send(conversation, "k", body)["type"] == "accepted"
    cluster.heal()
    cluster.until_linked()
    for name in cluster.names:
        bodies = [one["body"] for one in cluster.log_in(name, bob, f"at-{name}").delivered(2)]
        assert bodies == ["two", "one"]


def test_a_killed_node_keeps_what_it_accepted(cluster: ClusterWorld) -> None:
    alice, bob = cluster.user("south"), cluster.user("south")
    conversation = direct(alice, bob)
    sender = cluster.log_in("west", alice)
    cluster.part("west", "south")
    cluster.part("west", "north")
    cluster.until_breaker("west", "south", "open")
    for number in range(50):
        assert is_queued(sender.send(conversation, f"k{number}"))
    cluster.kill("west")
    cluster.start("west")
    cluster.heal()
    receiver = cluster.log_in("south", bob)
    assert [one["key"] for one in receiver.delivered(50)] == [f"k{number}" for number in range(50)]


def test_a_device_goes_on_at_another_node(cluster: ClusterWorld) -> None:
    alice, bob = cluster.user("west"), cluster.user("west")
    conversation = direct(alice, bob)
    sender, phone = cluster.log_in("south", alice), cluster.log_in("north", bob)
    for number in range(10):
        sender.send(conversation, f"k{number}")
    held = [one["cursor"] for one in phone.delivered(10)]
    assert phone.ask("ack", cursor=4)["cursor"] == 4
    cluster.kill("north")
    moved = cluster.log_in("south", bob, cursor=7)
    assert moved.heard[0]["cursor"] == 4
    sender.send(conversation, "k10")
    held = [one["cursor"] for one in moved.delivered(7)]
    assert held == [*range(5, 12)]


def test_a_cursor_beyond_a_copy_of_the_log_stays(cluster: ClusterWorld) -> None:
    alice, bob = cluster.user("south"), cluster.user("south")
    conversation = direct(alice, bob)
    sender = cluster.log_in("south", alice)
    cluster.part("north", "south")
    cluster.until_breaker("south", "north", "open")
    for number in range(5):
        sender.send(conversation, f"k{number}")
    phone = cluster.log_in("north", bob, cursor=3)
    assert (phone.heard[0]["cursor"], phone.heard[0]["head"]) == (3, 0)
    cluster.heal()
    assert [one["cursor"] for one in phone.delivered(2)] == [4, 5]


def test_nobody_hangs_while_a_home_is_down(cluster: ClusterWorld) -> None:
    alice, bob = cluster.user("north"), cluster.user("south")
    phone = cluster.log_in("south", alice)
    group = phone.ask("group-create", name="club", members=[bob])["conversation"]
    token = cluster.world.token(alice, once="true")
    cluster.kill("north")
    cluster.until_breaker("south", "north", "open")
    refused = phone.ask("block", user=bob)
    assert (refused["code"], refused["definite"]) == ("unavailable", True)
    assert phone.ask("group-info", conversation=group)["members"] == [alice, bob]
    assert phone.send(f"d:{alice}:{alice}", "to myself").get("queued") is True
    assert cluster.knock("south", token)[0] == "storage"
    cluster.start("north")
    cluster.until_linked()
    assert phone.ask("block", user=bob)["users"] == [bob]
    cluster.log_in("west", alice, "other", token=token)


@pytest.mark.parametrize("how", ["cut", "hold"])
def test_a_revocation_is_confirmed_only_when_it_holds_everywhere(cluster: ClusterWorld, how: str) -> None:
    alice = cluster.user("north")
    token, root = cluster.world.token(alice), cluster.world.token("root")
    phones = {name: cluster.log_in(name, alice, f"at-{name}", token=token) for name in cluster.names}
    cluster.part("north", "south", how)

    def revoked() -> tuple[int, dict[str, object]]:
        return cluster.world.administrate(
            cluster.nodes["north"], "POST", "/admin/revocations", root, {"user": alice}
        )

    status, answer = revoked()
    assert (status, answer["error"]) == (503, "unavailable")
    assert str(answer["text"]).startswith("could not tell yet, and will as soon as it can: south.")
    assert [phones[name].the_end()[0] for name in ("north", "west")] == ["revoked"] * 2
    for name in ("north", "west"):
        assert cluster.knock(name, token)[0] == "unauthenticated"
    cluster.log_in("south", alice, "laptop", token=token)
    cluster.heal()
    assert phones["south"].the_end()[0] == "revoked"
    assert cluster.knock("south", token)[0] == "unauthenticated"
    cluster.until_linked()
    assert revoked()[0] == 200


def test_a_breaker_opens_and_closes_and_says_so(cluster: ClusterWorld) -> None:
    cluster.part("west", "north", "hold")
    cluster.until_breaker("west", "north", "open")
    cluster.heal()
    cluster.until_breaker("west", "north", "closed")
    told = [line["event"] for line in cluster.log("west") if line.get("peer") == "north"]
    assert "breaker-opened" in told
    assert "breaker-closed" in told[told.index("breaker-opened") :]


def test_nodes_are_ready_without_the_others_and_drain(cluster: ClusterWorld) -> None:
    for name in cluster.names:
        cluster.kill(name)
    for name in reversed(cluster.names):
        cluster.start(name)
        assert cluster.nodes[name].ready["name"] == name
    cluster.until_linked()
    assert cluster.nodes.pop("west").end(signal.SIGTERM) == 0


def test_links_that_break_again_and_again_lose_and_double_nothing(cluster: ClusterWorld) -> None:
    people = [cluster.user(home) for home in cluster.names]
    phones = [
        cluster.log_in(node, user) for node, user in zip(("south", "west", "north"), people, strict=True)
    ]
    group = phones[0].ask("group-create", name="club", members=people)["conversation"]
    phones[1].until("group", conversation=group)
    phones[2].until("group", conversation=group)
    for number in range(60):
        for place, phone in enumerate(phones):
            phone.say("send", ref=number, conversation=group, key=f"{place}-{number}", body="hello")
        if number % 5 == 4:
            for relay in cluster.relays.values():
                relay.break_off()
    for phone in phones:
        phone.until("accepted", ref=59)
    cluster.until_linked()
    logs = [
        read_all(cluster.log_in(name, user, f"r-{name}"), 180) for name in cluster.names for user in people
    ]
    assert all(log == logs[0] for log in logs)
    keys = [key for key, _ in logs[0]]
    assert len(set(keys)) == len(keys) == 180
    for place in range(3):
        mine = [key for key in keys if key.startswith(f"{place}-")]
        assert mine == [f"{place}-{number}" for number in range(60)]


def read_all(phone: Client, count: int) -> list[tuple[str, int]]:
    """The whole log, by pages."""
    entries: list[dict[str, object]] = []
    while len(entries) < count:
        page = phone.ask("sync", after=len(entries), limit=500)
        assert page["entries"], f"{len(entries)} of {count} entries are there"
        entries += page["entries"]
    return [(str(one["key"]), int(str(one["sequence"]))) for one in entries]
