"""The seeded defects of tokens, revocations and keys do what they say, and nothing else is broken by them."""

from __future__ import annotations

import contextlib
import secrets
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from server_harness import PASSWORD, ClosedError, Process, World, direct, log_in
from test_administration import claims, refused_login
from test_proof import bound, challenged, proof

from waybill_server.defects import every, find

Nodes = Callable[..., Process]


def revoke(world: World, node: Process, **target: str) -> None:
    status, _ = world.administrate(node, "POST", "/admin/revocations", world.token("root"), target)
    assert status == 200


def defective(own_node: Nodes, name: str) -> Process:
    return own_node("--defect", name, "--admin-port", 0)


def test_defects_of_identity_are_listed() -> None:
    listed = {defect.name for defect in every()}
    for name in ("token-not-bound-to-device", "revocation-late", "refresh-survives-revocation"):
        defect = find(name)
        assert name in listed
        assert defect.breaks.endswith(".")
        assert all(defect.noticed.values())


def test_token_not_bound_to_device(world: World, own_node: Nodes) -> None:
    node = defective(own_node, "token-not-bound-to-device")
    (alice,) = world.users(1)
    log_in(world, node, alice, "laptop", token=world.token(alice, device="phone"))
    log_in(world, node, alice, "laptop", token=bound(world, alice))
    assert refused_login(world, node, "nonsense")


def test_jti_cache_in_memory(world: World, own_node: Nodes) -> None:
    node = defective(own_node, "jti-cache-in-memory")
    (alice,) = world.users(1)
    token = world.token(alice, once="true")
    assert not refused_login(world, node, token)
    assert refused_login(world, node, token)
    node.end(signal.SIGKILL)
    assert not refused_login(world, defective(own_node, "jti-cache-in-memory"), token)


def test_ignores_proof_nonce(world: World, own_node: Nodes) -> None:
    node = defective(own_node, "ignores-proof-nonce")
    (alice,) = world.users(1)
    token = bound(world, alice)
    first, nonce = challenged(world, node, token)
    recorded = proof(nonce, "phone", token)
    first.say("proof", signature=recorded)
    assert first.listen()["type"] == "welcome"
    thief, another = challenged(world, node, token)
    assert another != nonce
    thief.say("proof", signature=recorded)
    assert thief.listen()["type"] == "welcome"
    wrong, _ = challenged(world, node, token)
    wrong.say("proof", signature=proof("n" * 43, "phone", token))
    assert wrong.the_end() == ("unauthenticated", 1008)


def test_revocation_ignored_by_open_sessions(world: World, own_node: Nodes) -> None:
    node = defective(own_node, "revocation-ignored-by-open-sessions")
    alice, bob = world.users(2)
    token = world.token(alice)
    client = log_in(world, node, alice, token=token)
    revoke(world, node, user=alice)
    assert client.send(direct(alice, bob), "k")["type"] == "accepted"
    assert refused_login(world, node, token, "tablet")


def test_revocation_late(world: World, own_node: Nodes) -> None:
    node = defective(own_node, "revocation-late")
    alice, bob = world.users(2)
    token = world.token(alice)
    client = log_in(world, node, alice, token=token)
    revoke(world, node, user=alice)
    assert client.send(direct(alice, bob), "k")["type"] == "accepted"
    assert not refused_login(world, node, token, "tablet")
    while not any(frame["type"] == "closing" for frame in client.heard):
        with contextlib.suppress(ClosedError):
            client.send(direct(alice, bob), secrets.token_hex(8))
    assert client.the_end()[0] == "revoked"


def test_revocation_lost_on_restart(world: World, own_node: Nodes) -> None:
    node = defective(own_node, "revocation-lost-on-restart")
    (alice,) = world.users(1)
    token = world.token(alice)
    revoke(world, node, user=alice)
    assert refused_login(world, node, token)
    node.end(signal.SIGKILL)
    assert not refused_login(world, defective(own_node, "revocation-lost-on-restart"), token)


def test_refresh_survives_revocation(world: World, own_node: Nodes) -> None:
    node = defective(own_node, "refresh-survives-revocation")
    (alice,) = world.users(1)
    form = {"grant_type": "password", "username": alice, "password": PASSWORD, "scope": "offline_access"}
    granted = world.post(form)[1]
    client = log_in(world, node, alice, token=granted["access_token"])
    revoke(world, node, user=alice)
    assert client.the_end() == ("revoked", 1008)
    status, again, _ = world.post({"grant_type": "refresh_token", "refresh_token": granted["refresh_token"]})
    assert status == 200
    assert claims(again["access_token"])["sid"] == claims(granted["access_token"])["sid"]


@pytest.mark.parametrize(
    ("name", "retired_is_refused", "stays"),
    [
        (None, True, True),
        ("retired-key-still-accepted", False, True),
        ("rotation-drops-valid-sessions", True, False),
    ],
)
def test_defects_of_rotation(
    world: World, tmp_path: Path, name: str | None, retired_is_refused: bool, stays: bool
) -> None:
    issuer = world.start_issuer("--grace", 0, data=tmp_path / "issuer")
    url = issuer.ready["issuer"]
    arguments: list[Any] = [
        url if each == world.url else each for each in world.node_arguments(tmp_path / "data")
    ]
    node = Process(*arguments, *(("--defect", name) if name else ()))
    try:
        alice, bob = world.users(2)

        def token(user: str) -> str:
            form = {"grant_type": "password", "username": user, "password": PASSWORD}
            return str(world.post(form, url=url)[1]["access_token"])

        old, root = token(alice), token("root")
        client = log_in(world, node, alice, token=old)
        assert world.administrate(issuer, "POST", "/admin/keys", root)[0] == 200
        other = log_in(world, node, bob, token=token(bob))
        assert refused_login(world, node, old, "tablet") == retired_is_refused
        if stays:
            assert client.send(direct(alice, bob), "k")["type"] == "accepted"
            assert other.delivered(1)
        else:
            assert client.the_end() == ("expired", 1008)
    finally:
        world.cut_all()
        node.end()
        issuer.end()
