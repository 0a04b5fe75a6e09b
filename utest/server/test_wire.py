"""The wire's promises, against a real node."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from server_harness import Client, Process, World, direct

Device = Callable[..., Client]


def test_the_ready_line_says_where_the_node_is(node: Process) -> None:
    assert node.ready["ready"] is True
    assert node.ready["role"] == "node"
    assert node.ready["url"] == f"wss://{node.ready['host']}:{node.ready['port']}/v2"
    assert node.ready["pid"] == node.process.pid


def test_welcome_tells_limits_and_place(world: World, device: Device) -> None:
    (alice,) = world.users(1)
    welcome = device(alice, capabilities=["typing", "nonsense"]).heard[0]
    assert welcome["version"] == 3
    assert (welcome["user"], welcome["cursor"], welcome["head"]) == (alice, 0, 0)
    assert welcome["capabilities"] == ["typing"]
    assert welcome["limits"] == {
        "frame": 262144, "body": 65536, "name": 64, "key": 64, "page": 500, "window": 1024, "inbox": 100000,
        "members": 256,
    }  # fmt: skip


def test_a_send_is_accepted_and_delivered(world: World, device: Device) -> None:
    alice, bob = world.users(2)
    sender, receiver = device(alice), device(bob)
    body = '\x00 "quoted" \\ héllo 🚚 </script>'
    accepted = sender.send(direct(alice, bob), "k1", body)
    assert accepted["type"] == "accepted"
    assert (accepted["sequence"], accepted["key"], accepted["duplicate"]) == (1, "k1", False)
    assert re.fullmatch(r"[0-9a-f]{16}", accepted["id"])
    (delivery,) = receiver.delivered(1)
    assert delivery == {
        "type": "deliver", "cursor": 1, "id": accepted["id"], "conversation": direct(alice, bob), "sequence": 1,
        "sender": alice, "device": "phone", "key": "k1", "body": body, "time": accepted["time"],
    }  # fmt: skip


def test_pipelined_sends_keep_their_order_and_each_gets_its_own_answer(world: World, device: Device) -> None:
    alice, bob = world.users(2)
    sender, receiver = device(alice), device(bob)
    for number in range(300):
        sender.say("send", ref=number, conversation=direct(alice, bob), key=f"k{number}", body=str(number))
    answers = [sender.listen() for _ in range(300)]
    assert [answer["ref"] for answer in answers] == list(range(300))
    assert [answer["sequence"] for answer in answers] == list(range(1, 301))
    assert len({answer["id"] for answer in answers}) == 300
    assert sorted(answer["id"] for answer in answers) == [answer["id"] for answer in answers]
    deliveries = receiver.delivered(300)
    assert [delivery["cursor"] for delivery in deliveries] == list(range(1, 301))
    assert [delivery["body"] for delivery in deliveries] == [str(number) for number in range(300)]


def test_a_retry_is_the_same_message_and_another_body_is_a_conflict(world: World, device: Device) -> None:
    alice, bob, carol = world.users(3)
    first = device(alice).send(direct(alice, bob), "k")
    other = device(alice, "laptop")
    again = other.send(direct(alice, bob), "k")
    assert again["duplicate"] is True
    assert (again["id"], again["sequence"], again["time"]) == (first["id"], first["sequence"], first["time"])
    for conversation, body in ((direct(alice, bob), "another"), (direct(alice, carol), "hello")):
        refused = other.send(conversation, "k", body)
        assert (refused["type"], refused["code"], refused["definite"]) == ("refused", "key-conflict", True)
    assert other.send(direct(alice, bob), "k2")["sequence"] == 2
    assert device(bob).send(direct(alice, bob), "k")["duplicate"] is False


def test_own_devices_get_copies_and_the_origin_only_in_pages(world: World, device: Device) -> None:
    alice, bob = world.users(2)
    phone, laptop = device(alice), device(alice, "laptop")
    sent = phone.send(direct(alice, bob), "k1")
    laptop.send(direct(alice, bob), "k2")
    assert laptop.delivered(1)[0]["id"] == sent["id"]
    assert [delivery["key"] for delivery in phone.delivered(1)] == ["k2"]
    page = phone.ask("sync", after=0, limit=10)
    assert [entry["key"] for entry in page["entries"]] == ["k1", "k2"]
    assert (page["cursor"], page["complete"]) == (2, True)
    assert "type" not in page["entries"][0]


def test_what_was_not_acknowledged_comes_again_and_what_was_does_not(world: World, device: Device) -> None:
    alice, bob = world.users(2)
    sender, receiver = device(alice), device(bob)
    for number in range(10):
        sender.send(direct(alice, bob), f"k{number}")
    receiver.delivered(10)
    assert receiver.ask("ack", cursor=4) == {"type": "acked", "ref": 1, "cursor": 4}
    assert receiver.ask("ack", cursor=2)["cursor"] == 4
    assert receiver.ask("ack", cursor=11)["code"] == "beyond-log"
    receiver.cut()
    again = device(bob)
    assert (again.heard[0]["cursor"], again.heard[0]["head"]) == (4, 10)
    assert [delivery["cursor"] for delivery in again.delivered(6)] == [5, 6, 7, 8, 9, 10]
    lower = device(bob, cursor=2)
    assert lower.heard[0]["cursor"] == 2
    assert lower.delivered(8)[0]["cursor"] == 3
    assert device(bob, cursor=9).heard[0]["cursor"] == 4
    assert device(bob, "new", cursor=7).heard[0]["cursor"] == 7
    assert device(bob, "newer", cursor=99).heard[0]["cursor"] == 10


def test_pages_cover_the_log_without_gap_or_repetition(world: World, device: Device) -> None:
    alice, bob = world.users(2)
    sender = device(alice)
    for number in range(150):
        sender.say("send", ref=number, conversation=direct(alice, bob), key=f"k{number}", body="x" * 5000)
    sender.until("accepted", ref=149)
    reader = device(bob, cursor=10_000)
    cursors: list[int] = []
    complete = False
    while not complete:
        page = reader.ask("sync", after=cursors[-1] if cursors else 0, limit=64)
        assert 1 <= len(page["entries"]) <= 64
        assert len(json.dumps(page)) < 300_000
        cursors += [entry["cursor"] for entry in page["entries"]]
        assert page["cursor"] == cursors[-1]
        complete = page["complete"]
    assert cursors == list(range(1, 151))
    empty = reader.ask("sync", after=500, limit=1)
    assert (empty["entries"], empty["cursor"], empty["complete"]) == ([], 500, True)


def test_receipts_and_markers_move_forward_only(world: World, device: Device) -> None:
    alice, bob = world.users(2)
    talk = direct(alice, bob)
    sender, receiver = device(alice, capabilities=["receipts"]), device(bob)
    other = device(bob, "laptop", capabilities=["receipts"])
    for number in range(5):
        sender.send(talk, f"k{number}")
    receiver.delivered(5)
    receiver.ask("ack", cursor=3)
    moved = {"conversation": talk, "user": bob, "delivered": 3, "read": 0}
    sender.until("receipt", **moved)
    other.until("receipt", **moved)
    assert receiver.ask("read", conversation=talk, sequence=2)["sequence"] == 2
    assert receiver.ask("read", conversation=talk, sequence=1)["sequence"] == 2
    assert receiver.ask("read", conversation=talk, sequence=6)["code"] == "no-such-sequence"
    sender.until("receipt", conversation=talk, user=bob, delivered=3, read=2)
    users = sender.ask("markers", conversation=talk)["users"]
    assert {user["user"]: (user["delivered"], user["read"]) for user in users} == {alice: (0, 0), bob: (3, 2)}
    assert all(frame["type"] != "receipt" for frame in receiver.heard)


def test_presence_follows_sessions(world: World, device: Device) -> None:
    alice, bob, nobody = world.users(3)
    watcher = device(alice, capabilities=["presence"])
    assert watcher.ask("presence", user=nobody)["last_seen"] is None
    assert watcher.ask("watch", users=[bob])["users"] == [bob]
    watcher.until("presence", ref=None, user=bob, online=False)
    one, two = device(bob), device(bob, "laptop")
    watcher.until("presence", ref=None, user=bob, online=True)
    one.cut()
    assert watcher.ask("presence", user=bob)["online"] is True
    watcher.heard.clear()
    two.cut()
    gone = watcher.until("presence", ref=None, user=bob, online=False)
    assert watcher.ask("presence", user=bob)["last_seen"] == gone["last_seen"]
    assert device(bob).ask("watch", users=[alice])["code"] == "not-negotiated"
    assert watcher.ask("watch", users=[f"u{number}" for number in range(1001)])["code"] == "too-many-watched"


def test_typing_reaches_the_others_who_want_it(world: World, device: Device) -> None:
    alice, bob = world.users(2)
    talk = direct(alice, bob)
    sender, receiver, other = device(alice), device(bob, capabilities=["typing"]), device(bob, "laptop")
    sender.say("typing", conversation=talk, active=True)
    receiver.until("typing", conversation=talk, user=alice, active=True)
    sender.send(talk, "k")
    other.delivered(1)
    assert all(frame["type"] != "typing" for frame in other.heard)


def test_groups_change_and_only_members_get_messages(world: World, device: Device) -> None:
    alice, bob, carol = world.users(3)
    owner, member, late = device(alice), device(bob), device(carol)
    created = owner.ask("group-create", name="crew", members=[bob, bob])
    group = created["conversation"]
    assert (created["members"], created["change"]) == ([alice, bob], {"user": alice, "action": "created"})
    member.until("group", ref=None, conversation=group)
    assert late.send(group, "early")["code"] == "not-a-member"
    assert late.ask("group-info", conversation=group)["code"] == "not-a-member"
    owner.send(group, "k1")
    assert member.ask("group-add", conversation=group, user=carol)["members"] == [alice, bob, carol]
    assert member.ask("group-add", conversation=group, user=carol)["change"] is None
    late.until("group", ref=None, conversation=group, change={"user": carol, "action": "added"})
    owner.send(group, "k2")
    assert [delivery["key"] for delivery in member.delivered(2)] == ["k1", "k2"]
    assert [(each["key"], each["cursor"]) for each in late.delivered(1)] == [("k2", 1)]
    removed = owner.ask("group-remove", conversation=group, user=bob)
    assert removed["members"] == [alice, carol]
    member.until("group", ref=None, change={"user": bob, "action": "removed"})
    assert late.ask("group-leave", conversation=group)["change"] == {"user": carol, "action": "left"}
    assert owner.send(group, "k3")["sequence"] == 3
    owner.send(direct(alice, bob), "sentinel")
    assert [delivery["key"] for delivery in member.delivered(3)] == ["k1", "k2", "sentinel"]
    assert owner.ask("group-info", conversation=group)["members"] == [alice]


def test_the_newest_session_of_a_device_wins(world: World, device: Device) -> None:
    alice, bob = world.users(2)
    watcher = device(bob, capabilities=["presence"])
    older = device(alice)
    watcher.ask("watch", users=[alice])
    watcher.until("presence", ref=None, online=True)
    newer = device(alice)
    assert older.the_end() == ("replaced", 4001)
    assert newer.send(direct(alice, bob), "k")["type"] == "accepted"
    watcher.delivered(1)
    assert all(frame["online"] for frame in watcher.heard if frame["type"] == "presence")


def test_bye_answers_what_is_open_first(world: World, device: Device) -> None:
    alice, bob = world.users(2)
    client = device(alice)
    for number in range(20):
        client.say("send", ref=number, conversation=direct(alice, bob), key=f"k{number}", body="x")
    client.say("bye")
    assert client.the_end() == ("bye", 1000)
    assert sum(frame["type"] == "accepted" for frame in client.heard) == 20


@pytest.mark.parametrize(
    ("kind", "fields", "code"),
    [
        ("send", {"conversation": "d:b:a", "key": "k", "body": "x"}, "malformed"),
        ("send", {"conversation": "g:../../etc", "key": "k", "body": "x"}, "malformed"),
        ("send", {"conversation": "d:stranger:zoe", "key": "k", "body": "x"}, "not-a-member"),
        ("send", {"conversation": "g:00", "key": "k", "body": "x"}, "not-a-member"),
        ("send", {"conversation": "d:a:" + "z" * 65, "key": "k", "body": "x"}, "name-too-long"),
        ("send", {"conversation": "d:a:b", "key": "k" * 65, "body": "x"}, "key-too-long"),
        ("send", {"conversation": "d:a:b", "key": "", "body": "x"}, "malformed"),
        ("send", {"conversation": "d:a:b", "key": "k", "body": "é" * 32_769}, "too-large"),
        ("send", {"conversation": "d:a:b", "key": "k", "body": 7}, "malformed"),
        ("send", {"conversation": "d:a:b", "key": "k"}, "malformed"),
        ("nonsense", {}, "malformed"),
        ("sync", {"after": -1, "limit": 1}, "malformed"),
        ("sync", {"after": 0, "limit": 0}, "malformed"),
        ("read", {"conversation": "d:a:b", "sequence": 0}, "not-a-member"),
        ("markers", {"conversation": "d:a:b"}, "not-a-member"),
        ("presence", {"user": "a b"}, "malformed"),
        ("group-create", {"name": "x" * 65, "members": []}, "name-too-long"),
        ("group-create", {"name": "a\nb", "members": []}, "malformed"),
        ("group-create", {"name": "x", "members": [f"u{n}" for n in range(256)]}, "too-many-members"),
    ],
)
def test_what_is_over_a_bound_or_wrong_is_refused_for_good(
    world: World, device: Device, kind: str, fields: dict[str, object], code: str
) -> None:
    client = device(world.users(1)[0])
    refused = client.ask(kind, **fields)
    assert (refused["type"], refused["code"], refused["definite"]) == ("refused", code, True)
    assert refused["text"]
    assert client.ask("presence", user="anybody")["type"] == "presence"


@pytest.mark.parametrize(
    ("message", "code", "close"),
    [
        ("not json", "malformed", 1007),
        ("[]", "malformed", 1007),
        ('{"type": "send"}', "malformed", 1007),
        ("[" * 100_000, "malformed", 1007),
        (b"{}", "malformed", 1007),
        ("x" * 262_145, "too-large", 1009),
        ('{"type": "hello", "versions": [2], "device": "phone", "token": ""}', "malformed", 1007),
    ],
)
def test_what_cannot_be_answered_ends_the_session(
    world: World, device: Device, message: str | bytes, code: str, close: int
) -> None:
    client = device(world.users(1)[0])
    if isinstance(message, str):
        client.socket.send(message)
    else:
        client.socket.send_binary(message)
    assert client.the_end() == (code, close)


def test_fragments_make_one_message_within_the_same_bound(world: World, device: Device) -> None:
    (alice,) = world.users(1)
    client = device(alice)
    client.say_in_parts(['{"type": "presence",', ' "ref": 5,', f' "user": "{alice}"}}'])
    assert client.until("presence", ref=5)["online"] is True
    client.say_in_parts(["x" * 1000] * 263)
    assert client.the_end() == ("too-large", 1009)
