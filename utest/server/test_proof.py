"""Tokens that are bound to a key: good only for who proves to have it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm
from server_harness import Client, Process, World
from test_v1_listener import V1Client

from waybill_server.proof import ProofCheck, confirmation_key, jwk_of, proof_text
from waybill_server.token_form import TokenRefused

Device = Callable[..., Client]

KEY = ec.generate_private_key(ec.SECP256R1())
OTHER = ec.generate_private_key(ec.SECP256R1())
SIGNER = ECAlgorithm(ECAlgorithm.SHA256)
JWK = jwk_of(KEY.public_key())
NONCE = "n" * 43


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def proof(nonce: str, device: str, token: str, key: ec.EllipticCurvePrivateKey = KEY) -> str:
    return encoded(SIGNER.sign(proof_text(nonce, device, token), key))


def bound(world: World, user: str, **form: str) -> str:
    return world.token(user, cnf_jwk=json.dumps(JWK), **form)


def challenged(world: World, node: Process, token: str, device: str = "phone") -> tuple[Client, str]:
    client = Client(world, node)
    client.say("hello", versions=[2, 3], device=device, token=token)
    challenge = client.listen()
    assert challenge.keys() == {"type", "nonce"}, challenge
    assert len(base64.urlsafe_b64decode(challenge["nonce"] + "=")) == 32
    return client, challenge["nonce"]


def test_the_text_that_is_signed_is_that_of_the_contract() -> None:
    digest = "845e30448809e2bc8958eb025bfc795235d13b077a53d0c3abbd2385170dc9b8"
    assert proof_text("abc", "phone", "a.b.c") == f"waybill-proof-v2\nabc\nphone\n{digest}".encode()


def test_who_has_the_key_gets_in_again_and_again(world: World, node: Process) -> None:
    (alice,) = world.users(1)
    token = bound(world, alice)
    assert jwt.decode(token, options={"verify_signature": False})["cnf"] == {"jwk": JWK}
    nonces = set()
    for _ in range(3):
        client, nonce = challenged(world, node, token)
        nonces.add(nonce)
        client.say("proof", signature=proof(nonce, "phone", token))
        assert client.listen()["type"] == "welcome"
    assert len(nonces) == 3


Wrong = Callable[[str, str], dict[str, Any]]

WRONG: dict[str, Wrong] = {
    "another key": lambda nonce, token: {"signature": proof(nonce, "phone", token, OTHER)},
    "another nonce": lambda nonce, token: {"signature": proof(NONCE, "phone", token)},
    "another device": lambda nonce, token: {"signature": proof(nonce, "laptop", token)},
    "another token": lambda nonce, token: {"signature": proof(nonce, "phone", token + "x")},
    "padded": lambda nonce, token: {"signature": proof(nonce, "phone", token) + "=="},
    "DER": lambda nonce, token: {
        "signature": encoded(KEY.sign(proof_text(nonce, "phone", token), ec.ECDSA(SIGNER.hash_alg())))
    },
    "short": lambda nonce, token: {"signature": proof(nonce, "phone", token)[:-4]},
    "zeros": lambda nonce, token: {"signature": encoded(bytes(64))},
    "empty": lambda nonce, token: {"signature": ""},
    "a number": lambda nonce, token: {"signature": 7},
    "missing": lambda nonce, token: {},
    "not ASCII": lambda nonce, token: {"signature": "ü" * 86},
}


@pytest.mark.parametrize("kind", WRONG)
def test_whatever_is_no_proof_is_answered_alike(world: World, node: Process, kind: str) -> None:
    (alice,) = world.users(1)
    token = bound(world, alice)
    client, nonce = challenged(world, node, token)
    client.say("proof", **WRONG[kind](nonce, token))
    assert client.the_end() == ("unauthenticated", 1008)
    assert client.heard[1:] == [
        {
            "type": "closing",
            "code": "unauthenticated",
            "text": "a valid access token of the issuer is needed in hello",
        }
    ]


@pytest.mark.parametrize(
    "frame",
    [
        {"type": "send", "ref": 1, "conversation": "d:a:b", "key": "k", "body": "x"},
        {"type": "bye"},
        {"type": "sync", "ref": 1, "after": 0, "limit": 1},
        {"type": "unheard-of", "ref": 1},
    ],
)
def test_whatever_comes_instead_of_a_proof_ends_the_login(
    world: World, node: Process, frame: dict[str, Any]
) -> None:
    client, _ = challenged(world, node, bound(world, world.users(1)[0]))
    client.socket.send(json.dumps(frame))
    assert client.the_end() == ("unauthenticated", 1008)


def test_a_recorded_proof_is_worth_nothing_on_another_connection(world: World, node: Process) -> None:
    (alice,) = world.users(1)
    token = bound(world, alice)
    first, nonce = challenged(world, node, token)
    recorded = proof(nonce, "phone", token)
    thief, _ = challenged(world, node, token)
    thief.say("proof", signature=recorded)
    assert thief.the_end() == ("unauthenticated", 1008)
    first.say("proof", signature=recorded)
    assert first.listen()["type"] == "welcome"


def test_a_proof_that_nobody_asked_for_is_none(world: World, node: Process, device: Device) -> None:
    (alice,) = world.users(1)
    early = Client(world, node)
    early.say("proof", signature="AA")
    assert early.the_end() == ("unauthenticated", 1008)
    late = device(alice)
    late.say("proof", signature="AA")
    assert late.the_end() == ("malformed", 1007)
    twice, nonce = challenged(world, node, token := bound(world, alice))
    twice.say("proof", signature=proof(nonce, "phone", token))
    twice.say("proof", signature=proof(nonce, "phone", token))
    assert twice.the_end()[0] in {"unauthenticated", "malformed"}


def test_a_client_that_goes_or_is_silent_leaves_nothing_behind(
    world: World, own_node: Callable[..., Process], tmp_path: Path
) -> None:
    node = own_node("--hello-seconds", 0.4)
    (alice,) = world.users(1)
    token = bound(world, alice)
    gone, _ = challenged(world, node, token)
    gone.cut()
    silent, _ = challenged(world, node, token)
    assert silent.the_end() == ("hello-timeout", 1008)
    assert node.end() == 0
    assert "fault" not in (tmp_path / "data.log").read_text()


def test_a_bound_token_is_nothing_on_wire_v1(world: World, own_node: Callable[..., Process]) -> None:
    node = own_node("--v1-port", 0)
    (alice,) = world.users(1)
    client = V1Client(world, node)
    client.say(f"\x01{alice}:{bound(world, alice)}".encode())
    assert client.the_end() == b"AUTH_FAILED"
    client = V1Client(world, node)
    client.say(f"\x01{alice}:{world.token(alice)}".encode())
    assert client.hear(9) == b"\x03LOGIN_OK"


@given(st.text(max_size=100))
def test_no_text_is_a_proof(signature: str) -> None:
    assert not ProofCheck().proven(KEY.public_key(), signature, NONCE, "phone", "a.b.c")


@pytest.mark.parametrize(
    "confirmation",
    [
        None,
        "jwk",
        [],
        {},
        {"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"},
        {"jwk": None},
        {"jwk": {**JWK, "kty": "RSA"}},
        {"jwk": {**JWK, "crv": "P-384"}},
        {"jwk": {**JWK, "x": JWK["x"][:-4]}},
        {"jwk": {**JWK, "x": JWK["y"], "y": JWK["x"]}},
        {"jwk": {**JWK, "x": 7}},
        {"jwk": {**JWK, "x": "ü"}},
        {"jwk": {**JWK, "d": JWK["x"]}},
        {"jwk": {"kty": "oct", "k": "AAAA"}},
    ],
)
def test_a_key_that_could_not_be_proven_is_refused(confirmation: object) -> None:
    assert confirmation_key({"jwk": JWK}).public_numbers() == KEY.public_key().public_numbers()
    with pytest.raises(TokenRefused):
        confirmation_key(confirmation)


@pytest.mark.parametrize("jwk", ["nonsense", "{}", "[]", json.dumps({**JWK, "d": JWK["x"]}), "[" * 5000])
def test_the_issuer_binds_to_public_keys_only(world: World, jwk: str) -> None:
    form = {"grant_type": "password", "username": "user0", "password": "correct horse", "cnf_jwk": jwk}
    status, document, _ = world.post(form)
    assert (status, document["error"]) == (400, "invalid_request")
