"""Windows, full inboxes, slow and silent clients."""

from __future__ import annotations

import json
import signal
import socket
import sqlite3
import ssl
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from server_harness import Client, Process, World, direct
from websockets.frames import Frame, Opcode

from waybill_server.node import Node, Settings
from waybill_server.services import Services

Device = Callable[..., Client]
Nodes = Callable[..., Process]


def test_the_window_bounds_what_is_in_flight(world: World, own_node: Nodes, device: Device) -> None:
    alice, bob = world.users(2)
    node = own_node("--max-window", 10)
    sender, receiver = device(alice, node=node), device(bob, node=node)
    for number in range(50):
        sender.send(direct(alice, bob), f"k{number}")
    receiver.delivered(10)
    receiver.ask("presence", user=alice)
    assert len(receiver.delivered(0)) == 10
    for cursor in range(5, 51, 5):
        receiver.ask("ack", cursor=cursor)
        last = min(cursor + 10, 50)
        assert [frame["cursor"] for frame in receiver.delivered(last)] == list(range(1, last + 1))
        receiver.ask("presence", user=alice)
        assert len(receiver.delivered(0)) == last


def test_a_full_inbox_is_refused_and_takes_no_sequence(world: World, own_node: Nodes, device: Device) -> None:
    alice, bob, carol = world.users(3)
    talk = direct(alice, bob)
    node = own_node("--max-inbox", 5)
    sender = device(alice, node=node)
    for number in range(5):
        assert sender.send(talk, f"k{number}")["type"] == "accepted"
    refused = sender.send(talk, "k5")
    assert (refused["code"], refused["definite"]) == ("inbox-full", True)
    assert refused["retry_after"] > 0
    assert sender.send(talk, "k0")["duplicate"] is True
    assert sender.send(direct(alice, carol), "k6")["type"] == "accepted"
    receiver = device(bob, node=node)
    for number in range(10):
        assert receiver.send(direct(bob, carol), f"b{number}")["type"] == (
            "accepted" if number < 4 else "refused"
        )
    receiver.ask("ack", cursor=2)
    assert [sender.send(talk, f"k{number}").get("sequence") for number in (5, 7, 8)] == [6, 7, None]


def test_a_reader_that_stops_does_not_hold_up_the_others(
    world: World, own_node: Nodes, device: Device
) -> None:
    alice, bob, carol = world.users(3)
    node = own_node("--ping-timeout-seconds", 60)
    stuck, sender, other = device(bob, node=node), device(alice, node=node), device(carol, node=node)
    stuck.socket.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    body = "x" * 30_000
    for number in range(300):
        sender.say("send", ref=1000 + number, conversation=direct(alice, bob), key=f"k{number}", body=body)
    sender.until("accepted", ref=1299)
    assert sender.send(direct(alice, carol), "live")["type"] == "accepted"
    assert other.delivered(1)[0]["key"] == "live"
    deliveries = stuck.delivered(300)
    assert [frame["cursor"] for frame in deliveries] == list(range(1, 301))
    assert _resident(node) < 150 * 1024


def test_a_silent_client_is_offline_within_the_bound(world: World, device: Device, node: Process) -> None:
    alice, bob = world.users(2)
    watcher = device(alice, capabilities=["presence"])
    watcher.ask("watch", users=[bob])
    before = time.monotonic()
    with _silent(world, node, bob):
        watcher.until("presence", ref=None, user=bob, online=True)
        after = time.monotonic()
        watcher.heard.clear()
        watcher.until("presence", ref=None, user=bob, online=False)
    now = time.monotonic()
    assert now - before >= 2.0
    assert now - after <= 3.0


def test_a_backlog_of_large_bodies_flows_without_a_word_of_the_client(
    world: World, own_node: Nodes, device: Device
) -> None:
    alice, bob = world.users(2)
    node = own_node("--ping-interval-seconds", 60)
    sender = device(alice, node=node)
    for number in range(40):
        sender.say(
            "send", ref=1000 + number, conversation=direct(alice, bob), key=f"k{number}", body="x" * 60_000
        )
    sender.until("accepted", ref=1039)
    assert [frame["cursor"] for frame in device(bob, node=node).delivered(40)] == list(range(1, 41))


def test_a_node_that_stood_still_does_not_blame_its_clients(
    world: World, own_node: Nodes, device: Device
) -> None:
    alice, bob = world.users(2)
    node = own_node("--ping-interval-seconds", 0.3, "--ping-timeout-seconds", 0.5)
    client = device(alice, node=node)
    node.process.send_signal(signal.SIGSTOP)
    with pytest.raises(TimeoutError):
        client.listen(deadline=1.0)
    node.process.send_signal(signal.SIGCONT)
    assert client.send(direct(alice, bob), "k")["type"] == "accepted"
    with pytest.raises(TimeoutError):
        client.listen(deadline=0.9)


@pytest.mark.parametrize(("stood_still", "heard"), [(0.4, 100.0), (0.6, 100.6), (60.0, 160.0)])
def test_time_in_which_the_node_stood_still_is_no_silence(
    tmp_path: Path, stood_still: float, heard: float
) -> None:
    session = SimpleNamespace(connection=SimpleNamespace(heard=100.0), tick=lambda now: None)
    services = SimpleNamespace(sessions={"only": session}.values())
    settings = Settings(tmp_path, "https://issuer.example", tmp_path, tmp_path)
    Node(settings, cast(Services, services))._tick(200.0, stood_still)
    assert session.connection.heard == pytest.approx(heard)


def test_a_sender_far_ahead_of_its_answers_is_slowed_down(
    world: World, own_node: Nodes, device: Device
) -> None:
    alice, bob = world.users(2)
    sender = device(alice, node=own_node())
    for number in range(5000):
        sender.say("send", ref=number, conversation=direct(alice, bob), key=f"k{number}", body="x")
    sender.until("accepted", ref=4999)
    assert [frame["sequence"] for frame in sender.heard if frame["type"] == "accepted"] == list(
        range(1, 5001)
    )


def _resident(node: Process) -> int:
    """Kibibytes of memory that the node holds."""
    status = Path(f"/proc/{node.ready['pid']}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


def _silent(world: World, node: Process, user: str) -> ssl.SSLSocket:
    """A session of a client that answers no ping, because nothing of it reads."""
    address = (node.ready["host"], node.ready["port"])
    secured = world.context.wrap_socket(socket.create_connection(address, 5), server_hostname=address[0])
    secured.sendall(
        b"GET /v2 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    hello = {"type": "hello", "versions": [2, 3], "token": world.token(user), "device": "phone"}
    secured.sendall(Frame(Opcode.TEXT, json.dumps(hello).encode()).serialize(mask=True))
    return secured


def test_a_page_does_not_stand_still_at_a_place_that_is_missing(
    world: World, own_node: Nodes, device: Device, tmp_path: Path
) -> None:
    alice, bob = world.users(2)
    node = own_node()
    sender = device(alice, node=node)
    for number in range(6):
        sender.send(direct(alice, bob), f"k{number}")
    node.end()
    with closing(sqlite3.connect(tmp_path / "data" / "node.sqlite3")) as data, data:
        data.execute("DELETE FROM log WHERE user = ? AND position = 3", (bob,))
    page = device(bob, node=own_node()).ask("sync", after=0, limit=3)
    assert [entry["cursor"] for entry in page["entries"]] == [1, 2, 4]
