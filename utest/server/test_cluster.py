"""Several nodes that can reach each other: everybody sees one log wherever they are."""

from __future__ import annotations

from cluster_harness import ClusterWorld
from server_harness import direct


def test_a_message_crosses_nodes_with_one_id_and_one_position(cluster: ClusterWorld) -> None:
    alice, bob = cluster.user("north"), cluster.user("south")
    sender = cluster.log_in("west", alice)
    phones = [cluster.log_in(name, bob, f"at-{name}") for name in cluster.names]
    laptop = cluster.log_in("north", alice, "laptop")
    conversation = direct(alice, bob)
    answers = [sender.send(conversation, f"k{number}") for number in range(5)]
    assert [answer["sequence"] for answer in answers] == [1, 2, 3, 4, 5]
    assert not any("queued" in answer for answer in answers)
    logs = [phone.delivered(5) for phone in (*phones, laptop)]
    for log in logs:
        assert [(entry["id"], entry["cursor"]) for entry in log] == [
            (answer["id"], place) for place, answer in enumerate(answers, 1)
        ]


def test_what_is_acknowledged_is_in_every_nodes_page_at_once(cluster: ClusterWorld) -> None:
    alice, bob = cluster.user("north"), cluster.user("south")
    sender = cluster.log_in("west", alice)
    readers = [cluster.log_in(name, bob, f"at-{name}") for name in cluster.names]
    for number in range(20):
        sender.send(direct(alice, bob), f"k{number}")
        for reader in readers:
            assert reader.ask("sync", after=number, limit=1)["cursor"] == number + 1


def test_a_key_means_one_message_at_every_node(cluster: ClusterWorld) -> None:
    alice, bob = cluster.user("north"), cluster.user("south")
    phones = [cluster.log_in(name, alice, f"at-{name}") for name in cluster.names]
    answers = [phone.send(direct(alice, bob), "k") for phone in phones]
    assert len({answer["id"] for answer in answers}) == 1
    assert [answer["duplicate"] for answer in answers] == [False, True, True]
    other = phones[1].send(direct(alice, bob), "k", "something else")
    assert other["code"] == "key-conflict"


def test_a_cursor_counts_at_every_node(cluster: ClusterWorld) -> None:
    alice, bob = cluster.user("north"), cluster.user("south")
    sender, phone = cluster.log_in("west", alice, capabilities=["receipts"]), cluster.log_in("north", bob)
    for number in range(4):
        sender.send(direct(alice, bob), f"k{number}")
    phone.delivered(4)
    assert phone.ask("ack", cursor=3)["cursor"] == 3
    sender.until("receipt", user=bob, delivered=3)
    again = cluster.log_in("west", bob)
    assert again.heard[0]["cursor"] == 3
    assert [entry["cursor"] for entry in again.delivered(1)] == [4]
    assert phone.the_end()[0] == "replaced"


def test_a_group_is_the_same_at_every_node(cluster: ClusterWorld) -> None:
    alice, bob, carol = (cluster.user(name) for name in cluster.names)
    one, two, three = (
        cluster.log_in(node, user) for node, user in zip(cluster.names, (alice, bob, carol), strict=True)
    )
    group = one.ask("group-create", name="club", members=[bob])
    conversation = group["conversation"]
    two.until("group", conversation=conversation)
    assert two.send(conversation, "k1")["sequence"] == 1
    added = two.ask("group-add", conversation=conversation, user=carol)
    assert added["change"] == {"user": carol, "action": "added"}
    three.until("group", conversation=conversation)
    assert three.send(conversation, "k2")["sequence"] == 2
    assert [entry["key"] for entry in one.delivered(2)] == ["k1", "k2"]
    two.ask("group-remove", conversation=conversation, user=carol)
    assert three.send(conversation, "k3")["code"] == "not-a-member"
    one.until("group", change={"user": carol, "action": "removed"})
    heard = [frame for frame in one.heard if frame["type"] == "group" and frame["ref"] is None]
    assert [frame["change"]["action"] for frame in heard] == ["added", "removed"]


def test_blocks_and_rules_hold_at_every_node(cluster: ClusterWorld) -> None:
    alice, bob = cluster.user("north"), cluster.user("south")
    senders = [cluster.log_in(name, alice, f"at-{name}") for name in cluster.names]
    blocker = cluster.log_in("west", bob)
    assert blocker.ask("block", user=alice)["users"] == [alice]
    for sender in senders:
        assert sender.send(direct(alice, bob), "k")["code"] == "not-permitted"
    assert blocker.ask("unblock", user=alice)["users"] == []
    assert senders[0].send(direct(alice, bob), "k")["sequence"] == 1
    rule = {"sender": alice, "recipient": bob}
    token = cluster.world.token("root")
    for node in cluster.nodes.values():
        forbidden = {**rule, "allowed": False}
        assert cluster.world.administrate(node, "PUT", "/admin/rules", token, forbidden)[0] == 200
        for sender in senders:
            assert sender.send(direct(alice, bob), "another")["code"] == "not-permitted"
        assert cluster.world.administrate(node, "DELETE", "/admin/rules", token, rule)[0] == 200


def test_presence_and_typing_cross_nodes(cluster: ClusterWorld) -> None:
    alice, bob = cluster.user("north"), cluster.user("south")
    watcher = cluster.log_in("west", alice, capabilities=["presence", "typing"])
    watcher.ask("watch", users=[bob])
    assert watcher.until("presence", ref=None, user=bob)["last_seen"] is None
    watcher.heard = watcher.heard[:1]
    phone = cluster.log_in("north", bob)
    watcher.until("presence", ref=None, user=bob, online=True)
    phone.say("typing", conversation=direct(alice, bob), active=True)
    watcher.until("typing", user=bob, active=True)
    phone.leave()
    gone = watcher.until("presence", ref=None, user=bob, online=False)
    assert gone["last_seen"] >= watcher.heard[0]["time"]


def test_a_revocation_holds_at_every_node(cluster: ClusterWorld) -> None:
    alice = cluster.user("north")
    token = cluster.world.token(alice)
    phones = [cluster.log_in(name, alice, f"at-{name}", token=token) for name in cluster.names]
    status, _ = cluster.world.administrate(
        cluster.nodes["west"], "POST", "/admin/revocations", cluster.world.token("root"), {"user": alice}
    )
    assert status == 200
    assert [phone.the_end()[0] for phone in phones] == ["revoked"] * 3
    for name in cluster.names:
        assert cluster.knock(name, token)[0] == "unauthenticated"


def test_a_token_for_one_login_is_good_at_one_node(cluster: ClusterWorld) -> None:
    for home in cluster.names:
        user = cluster.user(home)
        token = cluster.world.token(user, once="true")
        cluster.log_in("west", user, token=token)
        for name in cluster.names:
            assert cluster.knock(name, token)[0] == "unauthenticated"
