"""Block lists and rules: who may write to whom, what the blocked one learns, over restarts and failures."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from server_harness import Client, Process, World, direct
from test_store import Build, asked, group, opened, send

from waybill_server.permissions import ANYBODY, Permissions, Rule
from waybill_server.records import (
    Blocked,
    BlockRequest,
    GroupRequest,
    Refusal,
    Regrouped,
    RuleRequest,
    Stored,
)
from waybill_server.tables import NEWEST_SCHEMA, TABLES

Device = Callable[..., Client]
TALK = direct("alice", "bob")


def block(user: str, other: str, *, blocked: bool = True) -> Build:
    return lambda done: BlockRequest(done, user, other, blocked)


def rule(sender: str, recipient: str, allowed: bool | None) -> Build:
    return lambda done: RuleRequest(done, sender, recipient, allowed)


@pytest.fixture
def permissions() -> Permissions:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.executescript(TABLES[NEWEST_SCHEMA])
    return Permissions(connection)


def test_the_most_specific_rule_wins(permissions: Permissions) -> None:
    assert permissions.may_write("alice", "bob")
    permissions.rule(ANYBODY, ANYBODY, False)
    assert not permissions.may_write("alice", "bob")
    assert permissions.may_write("alice", "alice")
    permissions.rule("alice", ANYBODY, True)
    assert permissions.may_write("alice", "bob")
    permissions.rule(ANYBODY, "bob", False)
    assert not permissions.may_write("alice", "bob")
    assert permissions.may_write("alice", "carol")
    permissions.rule("alice", "bob", True)
    assert permissions.may_write("alice", "bob")
    assert not permissions.may_write("carol", "bob")
    permissions.rule("alice", "bob", None)
    assert not permissions.may_write("alice", "bob")
    assert permissions.rules() == [
        Rule(ANYBODY, ANYBODY, False),
        Rule(ANYBODY, "bob", False),
        Rule("alice", ANYBODY, True),
    ]


def test_a_block_holds_in_one_direction_and_before_any_rule(permissions: Permissions) -> None:
    permissions.rule("alice", "bob", True)
    permissions.block("bob", "alice")
    assert not permissions.may_write("alice", "bob")
    assert permissions.may_write("bob", "alice")
    assert not permissions.sees("alice", "bob")
    assert permissions.sees("bob", "alice")
    assert not permissions.notices_pass(("alice", "bob"))
    assert permissions.notices_pass(("alice", "bob", "carol"))
    permissions.unblock("bob", "alice")
    assert permissions.may_write("alice", "bob")
    assert permissions.notices_pass(("alice", "bob"))


def test_what_was_not_committed_is_read_again(permissions: Permissions) -> None:
    permissions.block("bob", "alice")
    permissions._connection.execute("BEGIN")
    permissions.block("bob", "carol")
    permissions.rule("alice", "bob", False)
    permissions._connection.execute("ROLLBACK")
    permissions.load()
    assert permissions.blocked("bob") == ("alice",)
    assert permissions.rules() == []


def test_blocks_and_rules_survive_a_restart(tmp_path: Path) -> None:
    async def first() -> None:
        store = opened(tmp_path)
        assert await asked(store, block("bob", "alice"), block("bob", "carol"), rule("dave", "*", False)) == [
            Blocked(("alice",)),
            Blocked(("alice", "carol")),
            None,
        ]
        store.close()

    async def second() -> None:
        store = opened(tmp_path)
        assert store.permissions.blocked("bob") == ("alice", "carol")
        refused, allowed, ruled = await asked(
            store,
            send("alice", TALK, "k1"),
            send("bob", TALK, "k2"),
            send("dave", direct("bob", "dave"), "k3"),
        )
        assert isinstance(refused, Refusal)
        assert (refused.code, refused.definite) == ("not-permitted", True)
        assert isinstance(allowed, Stored)
        assert allowed.positions == (("alice", 1), ("bob", 1))
        assert allowed.message.sequence == 1
        assert isinstance(ruled, Refusal)
        (list_,) = await asked(store, block("bob", "alice", blocked=False))
        assert list_ == Blocked(("carol",))
        (again,) = await asked(store, send("alice", TALK, "k1"))
        assert isinstance(again, Stored)
        assert (again.message.sequence, again.positions) == (2, (("alice", 2), ("bob", 2)))
        store.close()

    asyncio.run(first())
    asyncio.run(second())


def test_a_group_is_no_way_round_a_block(tmp_path: Path) -> None:
    async def scenario() -> None:
        store = opened(tmp_path)
        await asked(store, block("bob", "mallory"), rule("mallory", "carol", False))
        created, ruled, free = await asked(
            store,
            group("mallory", "created", "", "bob"),
            group("mallory", "created", "", "carol"),
            group("mallory", "created", "", "dave"),
        )
        assert isinstance(created, Refusal)
        assert isinstance(ruled, Refusal)
        assert created.code == ruled.code == "not-permitted"
        assert isinstance(free, Regrouped)
        crew = free.group.conversation
        (added,) = await asked(store, group("mallory", "added", crew, "bob"))
        assert isinstance(added, Refusal)
        await asked(store, group("dave", "added", crew, "bob"))
        (said,) = await asked(store, send("mallory", crew, "k"))
        assert isinstance(said, Stored)
        assert [user for user, _ in said.positions] == ["mallory", "dave", "bob"]
        (present,) = await asked(store, group("mallory", "added", crew, "bob"))
        assert isinstance(present, Regrouped)
        store.close()

    asyncio.run(scenario())


def test_a_moderator_removes_without_being_a_member_and_does_nothing_else(tmp_path: Path) -> None:
    def by_moderator(action: str, conversation: str, user: str) -> Build:
        return lambda done: GroupRequest(done, "mona", action, conversation, (user,), "crew", moderates=True)

    async def scenario() -> None:
        store = opened(tmp_path)
        (made,) = await asked(store, group("alice", "created", "", "bob"))
        assert isinstance(made, Regrouped)
        crew = made.group.conversation
        added, left, nowhere, removed = await asked(
            store,
            by_moderator("added", crew, "mona"),
            by_moderator("left", crew, "mona"),
            by_moderator("removed", "g:00", "bob"),
            by_moderator("removed", crew, "bob"),
        )
        assert [one.code for one in (added, left, nowhere) if isinstance(one, Refusal)] == [
            "not-a-member"
        ] * 3
        assert isinstance(removed, Regrouped)
        assert removed.group.members == ("alice",)
        store.close()

    asyncio.run(scenario())


def test_a_blocked_person_is_refused_and_leaves_no_trace(world: World, device: Device) -> None:
    alice, bob = world.users(2)
    talk = direct(alice, bob)
    sender = device(alice, capabilities=["presence", "typing", "receipts"])
    victim = device(bob, capabilities=["presence", "typing", "receipts"])
    first = victim.send(talk, "before")
    assert victim.ask("block", user=alice)["users"] == [alice]
    assert victim.ask("block", user=alice)["users"] == [alice]
    heard = len(victim.heard)
    refused = sender.send(talk, "k")
    assert (refused["code"], refused["definite"]) == ("not-permitted", True)
    sender.say("typing", conversation=talk, active=True)
    assert sender.ask("read", conversation=talk, sequence=first["sequence"])["type"] == "marked"
    assert sender.ask("group-create", name="crew", members=[bob])["code"] == "not-permitted"
    assert victim.ask("unblock", user=alice)["users"] == []
    assert len(victim.heard) == heard + 1
    assert sender.send(talk, "after")["sequence"] == 2
    assert [(one["key"], one["cursor"]) for one in victim.delivered(1)] == [("after", 2)]


def test_the_blocked_one_learns_nothing_of_who_blocks(world: World, device: Device) -> None:
    alice, bob = world.users(2)
    talk = direct(alice, bob)
    watcher = device(alice, capabilities=["presence", "typing", "receipts"])
    blocker = device(bob, capabilities=["presence"])
    watcher.send(talk, "k")
    assert watcher.ask("watch", users=[bob])["type"] == "watching"
    watcher.until("presence", ref=None, user=bob, online=True)
    blocker.ask("block", user=alice)
    watcher.until("presence", ref=None, user=bob, online=False, last_seen=None)
    heard = len(watcher.heard)
    nothing = {"type": "presence", "user": bob, "online": False, "last_seen": None}
    assert watcher.ask("presence", user=bob).items() >= nothing.items()
    blocker.say("typing", conversation=talk, active=True)
    assert blocker.ask("read", conversation=talk, sequence=1)["type"] == "marked"
    assert blocker.ask("ack", cursor=1)["type"] == "acked"
    blocker.leave()
    again = device(bob, capabilities=["presence"])
    assert [one["user"] for one in watcher.ask("markers", conversation=talk)["users"]] == [alice]
    assert len(watcher.heard) == heard + 2
    assert again.ask("presence", user=alice)["online"] is True
    again.ask("unblock", user=alice)
    watcher.until("presence", ref=None, user=bob, online=True)
    assert {one["user"]: one["read"] for one in watcher.ask("markers", conversation=talk)["users"]}[bob] == 1


def test_block_lists_are_ones_own_and_bounded(world: World, device: Device, node: Process) -> None:
    alice, bob = world.users(2)
    mine = device(alice)
    assert mine.ask("block", user=alice)["code"] == "malformed"
    assert mine.ask("block", user="a b")["code"] == "malformed"
    assert mine.ask("unblock", user=bob)["users"] == []
    for number in range(1, 1_001):
        mine.say("block", ref=-number, user=f"nobody{number}")
        if number % 50 == 0:
            # Every answer has the whole list; who leaves them all unread for too long is taken for gone.
            mine.until("blocked", ref=-number)
    assert mine.ask("block", user=bob)["code"] == "too-many-blocked"
    assert mine.ask("block", user="nobody7")["type"] == "blocked"
    assert len(mine.ask("blocks")["users"]) == 1_000
    assert device(bob).ask("blocks")["users"] == []
