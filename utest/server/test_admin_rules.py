"""Rules about who may write to whom, as administrators make them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from server_harness import Client, Process, World, direct

Device = Callable[..., Client]


@pytest.fixture
def ruled(world: World, tmp_path: Path) -> Iterator[Process]:
    node = world.start_node(tmp_path / "data", "--admin-port", 0)
    yield node
    world.cut_all()
    node.end()


def rule(world: World, node: Process, method: str, body: Any = None, caller: str = "root") -> tuple[int, Any]:
    return world.administrate(node, method, "/admin/rules", world.token(caller), body)


def test_a_rule_holds_as_soon_as_it_is_confirmed_and_until_it_is_taken_away(
    world: World, device: Device, ruled: Process
) -> None:
    alice, bob, carol = world.users(3)
    sender, receiver = device(alice, node=ruled), device(bob, node=ruled, capabilities=["typing"])
    other = device(carol, node=ruled)
    pair = {"sender": alice, "recipient": bob}
    assert rule(world, ruled, "PUT", {**pair, "allowed": False}) == (
        200,
        {"rules": [{**pair, "allowed": False}]},
    )
    assert sender.send(direct(alice, bob), "k1")["code"] == "not-permitted"
    sender.say("typing", conversation=direct(alice, bob), active=True)
    assert sender.ask("group-create", name="crew", members=[bob])["code"] == "not-permitted"
    assert receiver.send(direct(alice, bob), "k2")["sequence"] == 1
    assert other.send(direct(bob, carol), "k3")["type"] == "accepted"
    receiver.until("deliver", key="k3")
    assert not [frame for frame in receiver.heard if frame["type"] == "typing"]
    assert rule(world, ruled, "DELETE", pair) == (200, {"rules": []})
    assert rule(world, ruled, "DELETE", pair) == (200, {"rules": []})
    assert sender.send(direct(alice, bob), "k1")["sequence"] == 2


def test_a_rule_for_anybody_spares_whom_a_narrower_one_allows(
    world: World, device: Device, ruled: Process
) -> None:
    alice, bob, carol = world.users(3)
    rule(world, ruled, "PUT", {"sender": "*", "recipient": bob, "allowed": False})
    code, document = rule(world, ruled, "PUT", {"sender": alice, "recipient": bob, "allowed": True})
    assert (code, len(document["rules"])) == (200, 2)
    assert device(alice, node=ruled).send(direct(alice, bob), "k")["type"] == "accepted"
    assert device(carol, node=ruled).send(direct(bob, carol), "k")["code"] == "not-permitted"
    assert rule(world, ruled, "GET")[1] == document


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_nobody_but_an_administrator_makes_rules(
    world: World, device: Device, ruled: Process, method: str
) -> None:
    alice, bob = world.users(2)
    body = None if method == "GET" else {"sender": alice, "recipient": bob}
    if method == "PUT":
        body = {**(body or {}), "allowed": False}
    for caller in (alice, "mod"):
        assert rule(world, ruled, method, body, caller) == (403, {"error": "forbidden"})
    assert world.administrate(ruled, method, "/admin/rules", "", body)[0] == 401
    assert rule(world, ruled, "GET") == (200, {"rules": []})
    assert device(alice, node=ruled).send(direct(alice, bob), "k")["type"] == "accepted"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"sender": "alice", "recipient": "bob"},
        {"sender": "alice", "recipient": "bob", "allowed": 0},
        {"sender": "alice", "recipient": "bob", "allowed": None},
        {"sender": "a b", "recipient": "bob", "allowed": True},
        {"sender": "alice", "recipient": "x" * 65, "allowed": True},
        {"sender": "alice", "recipient": "**", "allowed": True},
        {"sender": "alice", "recipient": "bob", "allowed": True, "more": 1},
    ],
)
def test_a_rule_that_cannot_be_read_is_refused(world: World, ruled: Process, body: dict[str, Any]) -> None:
    code, document = rule(world, ruled, "PUT", body)
    assert (code, document["error"]) == (400, "malformed")
    assert rule(world, ruled, "GET") == (200, {"rules": []})
