"""Nobody gets a session without a valid token, nor over anything but TLS."""

from __future__ import annotations

import contextlib
import secrets
import socket
import ssl
import time
import warnings
from collections.abc import Callable

import pytest
from server_harness import Client, ClosedError, Process, World, direct
from test_administration import claims

Device = Callable[..., Client]
HELLO = {"versions": [2, 3], "device": "phone", "cursor": None, "capabilities": []}


@pytest.mark.parametrize(
    "hello",
    [
        {},
        {"token": None},
        {"token": ""},
        {"token": "nonsense"},
        {"token": "a.b.c"},
        {"token": 7},
        {"token": "x" * 100_000},
        {"token": "VALID", "device": "../phone"},
        {"token": "VALID", "device": ""},
        {"token": "TAMPERED"},
        {"token": "FOR-LAPTOP"},
    ],
)
def test_every_bad_login_is_answered_alike(world: World, node: Process, hello: dict[str, object]) -> None:
    (alice,) = world.users(1)
    token = world.token(alice)
    kinds = {
        "VALID": token,
        "TAMPERED": token[:-10] + ("A" if token[-10] != "A" else "B") + token[-9:],
        "FOR-LAPTOP": world.token(alice, device="laptop"),
    }
    if isinstance(name := hello.get("token"), str):
        hello = {**hello, "token": kinds.get(name, name)}
    client = Client(world, node)
    client.say("hello", **{**HELLO, **hello})
    assert client.the_end() == ("unauthenticated", 1008)
    assert client.heard == [
        {
            "type": "closing",
            "code": "unauthenticated",
            "text": "a valid access token of the issuer is needed in hello",
        }
    ]


def test_a_token_for_a_device_opens_that_device(world: World, device: Device) -> None:
    (alice,) = world.users(1)
    assert device(alice, "laptop", token=world.token(alice, device="laptop")).heard[0]["device"] == "laptop"


@pytest.mark.parametrize(
    "first",
    [
        '{"type": "send", "ref": 1, "conversation": "d:a:b", "key": "k", "body": "x"}',
        '{"type": "sync", "ref": 1, "after": 0, "limit": 1}',
        '{"type": "bye"}',
        "nonsense",
    ],
)
def test_no_operation_is_possible_before_hello(world: World, node: Process, first: str) -> None:
    client = Client(world, node)
    client.socket.send(first)
    assert client.the_end() == ("unauthenticated", 1008)


def test_an_operation_that_does_not_wait_for_welcome_ends_the_session(world: World, node: Process) -> None:
    alice, bob = world.users(2)
    client = Client(world, node)
    client.say("hello", **HELLO, token=world.token(alice))
    client.say("send", ref=1, conversation=direct(alice, bob), key="k", body="x")
    assert client.the_end() == ("unauthenticated", 1008)
    assert all(frame["type"] != "accepted" for frame in client.heard)


def test_versions_without_a_common_one_are_refused(world: World, node: Process) -> None:
    client = Client(world, node)
    client.say("hello", **{**HELLO, "versions": [1, 4]}, token=world.token(world.users(1)[0]))
    assert client.the_end() == ("unsupported-version", 1008)
    assert "[2, 3]" in client.heard[-1]["text"]


def test_hello_must_come_in_time(world: World, own_node: Callable[..., Process]) -> None:
    node = own_node("--hello-seconds", 0.3)
    started = time.monotonic()
    assert Client(world, node).the_end() == ("hello-timeout", 1008)
    assert time.monotonic() - started >= 0.3


def test_a_session_ends_with_its_token(
    world: World, own_node: Callable[..., Process], device: Device
) -> None:
    short = world.start_issuer("--issuer-name", world.url, "--lifetime", 2)
    try:
        (alice,) = world.users(1)
        url = f"https://127.0.0.1:{short.ready['port']}"
        form = {"grant_type": "password", "username": alice, "password": "correct horse"}
        token = world.post(form, url=url)[1]["access_token"]
        client = device(alice, node=own_node(), token=token)
        assert client.the_end() == ("expired", 1008)
    finally:
        short.end()


def test_nothing_is_done_that_comes_after_the_end_of_a_token(
    world: World, own_node: Callable[..., Process], device: Device
) -> None:
    short = world.start_issuer("--issuer-name", world.url, "--lifetime", 2)
    try:
        alice, bob = world.users(2)
        url = f"https://127.0.0.1:{short.ready['port']}"
        form = {"grant_type": "password", "username": alice, "password": "correct horse"}
        node = own_node()
        answer = world.post(form, url=url)[1]
        client = device(alice, node=node, token=answer["access_token"])
        ends = claims(answer["access_token"])["exp"]
        begun = []
        while not any(frame["type"] == "closing" for frame in client.heard):
            now = time.time()
            with contextlib.suppress(ClosedError):
                if client.send(direct(alice, bob), secrets.token_hex(8))["type"] == "accepted":
                    begun.append(now)
        assert client.the_end() == ("expired", 1008)
        assert begun
        assert max(begun) < ends
    finally:
        short.end()


def test_plaintext_is_refused(node: Process) -> None:
    with socket.create_connection((node.ready["host"], node.ready["port"]), 5) as plain:
        plain.sendall(
            b"GET /v2 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        received = b""
        try:
            while part := plain.recv(4096):
                received += part
        except ConnectionResetError:
            pass
    assert b"HTTP" not in received


@pytest.mark.parametrize("name", ["TLSv1", "TLSv1_1"])
def test_old_tls_is_refused_and_new_is_not(world: World, node: Process, name: str) -> None:
    address = (node.ready["host"], node.ready["port"])
    context = ssl.create_default_context(cafile=world.authority)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = getattr(ssl.TLSVersion, name)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with socket.create_connection(address, 5) as plain, pytest.raises((ssl.SSLError, ConnectionResetError)):
        context.wrap_socket(plain, server_hostname=address[0])
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = ssl.create_default_context(cafile=world.authority)
        context.minimum_version = context.maximum_version = version
        with (
            socket.create_connection(address, 5) as plain,
            context.wrap_socket(plain, server_hostname=address[0]) as secured,
        ):
            assert secured.version() is not None


def test_other_paths_are_not_found(world: World, node: Process) -> None:
    address = (node.ready["host"], node.ready["port"])
    with (
        socket.create_connection(address, 5) as plain,
        world.context.wrap_socket(plain, server_hostname=address[0]) as secured,
    ):
        secured.sendall(
            b"GET /admin HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        assert secured.recv(4096).startswith(b"HTTP/1.1 404")
