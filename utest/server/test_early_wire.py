"""Version 2 of wire v2: what old clients are told by either release, and what the old release does not know."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from server_harness import Client, Process, World, direct

Device = Callable[..., Client]
Nodes = Callable[..., Process]


@pytest.fixture(params=[1, 2])
def release(request: pytest.FixtureRequest, own_node: Nodes) -> Process:
    return own_node("--release", request.param)


def test_an_old_client_is_told_what_it_knows(world: World, release: Process, device: Device) -> None:
    alice, bob = world.users(2)
    sender = device(alice, node=release, versions=[2])
    assert sender.heard[0]["version"] == 2
    accepted = sender.send(direct(alice, bob), "k")
    assert sorted(accepted) == ["conversation", "id", "key", "ref", "sequence", "type"]
    assert sender.send(direct(alice, bob), "k") == {**accepted, "ref": 2}
    page = sender.ask("sync", after=0, limit=10)
    assert sorted(page) == ["cursor", "entries", "ref", "type"]
    assert sender.ask("sync", after=page["cursor"], limit=10)["entries"] == []
    group = sender.ask("group-create", name="crew", members=[bob])
    assert sorted(group) == ["conversation", "members", "name", "ref", "type"]


@pytest.mark.parametrize(
    "operation", [{"kind": "block", "user": "bob"}, {"kind": "unblock", "user": "bob"}, {"kind": "blocks"}]
)
def test_an_old_client_is_refused_what_is_newer(
    world: World, release: Process, device: Device, operation: dict[str, str]
) -> None:
    refused = device(world.users(1)[0], node=release, versions=[2]).ask(**operation)
    assert (refused["type"], refused["code"], refused["definite"]) == ("refused", "malformed", True)


def test_old_and_new_clients_write_to_each_other(world: World, own_node: Nodes, device: Device) -> None:
    alice, bob = world.users(2)
    node = own_node()
    old, new = device(alice, node=node, versions=[2]), device(bob, node=node)
    old.send(direct(alice, bob), "a")
    assert new.send(direct(alice, bob), "b")["duplicate"] is False
    assert new.delivered(1)[0]["key"] == "a"
    assert old.delivered(1)[0]["key"] == "b"


def test_a_block_holds_for_old_clients_too(world: World, own_node: Nodes, device: Device) -> None:
    alice, bob = world.users(2)
    node = own_node()
    device(bob, node=node).ask("block", user=alice)
    assert device(alice, node=node, versions=[2]).send(direct(alice, bob), "k")["code"] == "not-permitted"


def test_a_new_client_is_told_that_the_first_release_speaks_less(
    world: World, own_node: Nodes, device: Device
) -> None:
    node = own_node("--release", 1)
    (alice,) = world.users(1)
    assert device(alice, node=node, versions=[2, 3]).heard[0]["version"] == 2
    client = Client(world, node)
    client.say("hello", versions=[3], device="phone", token=world.token(alice))
    assert client.the_end() == ("unsupported-version", 1008)
    assert "[2]" in client.heard[-1]["text"]


def test_the_first_release_takes_no_token_for_one_login(world: World, own_node: Nodes) -> None:
    client = Client(world, own_node("--release", 1))
    token = world.token(world.users(1)[0], once="true")
    client.say("hello", versions=[2], device="phone", token=token)
    assert client.the_end() == ("unauthenticated", 1008)


def test_a_token_that_is_bound_to_a_key_is_not_enough_in_any_version(world: World, release: Process) -> None:
    jwk = '{"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}'  # noqa: E501 - the key of RFC 7515, A.3
    client = Client(world, release)
    token = world.token(world.users(1)[0], device="phone", cnf_jwk=jwk)
    client.say("hello", versions=[2], device="phone", token=token)
    assert client.listen()["type"] == "challenge"
    client.say("proof", signature="A" * 86)
    assert client.the_end() == ("unauthenticated", 1008)


def test_the_first_release_has_no_rules(world: World, own_node: Nodes) -> None:
    node = own_node("--release", 1, "--admin-port", 0)
    root = world.token("root")
    assert world.administrate(node, "GET", "/admin/rules", root)[0] == 404
    assert world.administrate(node, "GET", "/admin/revocations", root) == (200, {"revocations": []})
