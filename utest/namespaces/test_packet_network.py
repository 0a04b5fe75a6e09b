"""Packets of a client are lost in the directions that were said, and of nobody else; then they pass again."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_small_disk import CONFINED, started

from waybill.namespaces import packet_network
from waybill.namespaces.entering import ENTERING
from waybill.namespaces.packet_network import NoPacketNetwork, PacketNetwork, PacketPath

HOST, PORT = "127.93.17.6", 7001
WAIT = 30.0
GIVES_UP = 500
"""Milliseconds after which the server gives up a connection on which nobody acknowledges."""
SERVER = f"""{ENTERING}
import socket, sys, threading
enter(sys.argv[2:])
def serve(connection):
    try:
        while received := connection.recv(65536):
            connection.sendall(received)
        print("closed", flush=True)
    except OSError as error:
        print(type(error).__name__, flush=True)
with socket.create_server(("{HOST}", {PORT})) as listening:
    print("ready", flush=True)
    while True:
        connection, _ = listening.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(sys.argv[1]))
        threading.Thread(target=serve, args=[connection]).start()
"""
HOLDING = """
import sys
from waybill.namespaces.packet_network import PacketNetwork
network = PacketNetwork(sys.argv[1])
print(*network.entry, flush=True)
sys.stdin.readline()
network.close()
"""


@pytest.fixture
def network() -> Iterator[PacketNetwork]:
    try:
        network = PacketNetwork(HOST)
    except NoPacketNetwork as error:
        pytest.skip(str(error))
    yield network
    network.close()


class Server:
    """A server in a network of its own that sends everything back."""

    def __init__(self, network: PacketNetwork, gives_up: int = 0) -> None:
        command = [sys.executable, "-I", "-S", "-c", SERVER, str(gives_up), *network.entry]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.says() == "ready"

    def says(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()


def connect(path: PacketPath) -> socket.socket:
    connection = path.new_socket()
    connection.settimeout(WAIT)
    connection.connect((HOST, PORT))
    return connection


def said_back(connection: socket.socket, text: bytes) -> bytes:
    connection.sendall(text)
    return connection.recv(100)


@pytest.mark.parametrize("way", ["to", "from"])
def test_lost_packets_are_sent_again_when_the_wire_is_whole(network: PacketNetwork, way: str) -> None:
    path, other = network.path(), network.path()
    lost = threading.Event()
    path.lost = lost.set
    with Server(network), connect(path) as connection, connect(other) as undisturbed:
        assert said_back(connection, b"before") == b"before"

        path.lose(way)
        connection.sendall(b"meanwhile")
        assert lost.wait(WAIT)
        assert path.count(way) >= 1
        assert path.count({"to": "from", "from": "to"}[way]) == 0
        assert said_back(undisturbed, b"other") == b"other"
        assert other.count(way) == 0
        connection.setblocking(False)
        with pytest.raises(BlockingIOError):
            connection.recv(100)

        connection.settimeout(WAIT)
        path.lose()
        assert connection.recv(100) == b"meanwhile"
        assert said_back(connection, b"after") == b"after"


def test_directions_are_counted_from_when_they_were_said(network: PacketNetwork) -> None:
    path = network.path()
    lost = threading.Event()
    path.lost = lost.set
    with Server(network), connect(path) as connection:
        path.lose("to")
        connection.sendall(b"x")
        assert lost.wait(WAIT)
        path.lose("to", "from")
        assert path.losing == {"to", "from"}
        assert path.count("to") >= 1
        path.lose()
        path.lose("to")
        assert path.count("to") == 0
        path.lose()


def test_a_server_whose_answers_nobody_acknowledges_gives_up_by_itself(network: PacketNetwork) -> None:
    path = network.path()
    with Server(network, GIVES_UP) as server, connect(path) as connection:
        path.lose("from")
        connection.sendall(b"x")
        assert server.says() == "TimeoutError"


def test_connections_past_the_switch_lose_nothing(network: PacketNetwork) -> None:
    with Server(network), network.beside_server() as connection:
        connection.settimeout(WAIT)
        connection.connect((HOST, PORT))
        assert said_back(connection, b"x") == b"x"


def test_much_passes_unchanged(network: PacketNetwork) -> None:
    much = os.urandom(2_000_000)
    with Server(network), connect(network.path()) as connection:
        sending = threading.Thread(target=connection.sendall, args=[much])
        sending.start()
        received = b""
        while len(received) < len(much):
            received += connection.recv(65536)
        sending.join()
    assert received == much


def test_nobody_outside_can_reach_it(network: PacketNetwork) -> None:
    with Server(network), socket.socket() as connection, pytest.raises(ConnectionRefusedError):
        connection.connect((HOST, PORT))


def test_who_may_not_make_networks_gets_a_user_namespace(network: PacketNetwork) -> None:
    with started(CONFINED, "-c", HOLDING, "127.93.17.7") as holding:
        assert holding.stdout is not None
        said = holding.stdout.readline()
        assert [Path(way).name for way in said.split()] == ["user", "net"], said
        holding.communicate("end\n", timeout=WAIT)
    assert holding.returncode == 0


def test_a_network_goes_with_whoever_has_it(network: PacketNetwork) -> None:
    with started(HOLDING, "127.93.17.7") as holding:
        assert holding.stdout is not None
        holder = int(holding.stdout.readline().split("/")[2])
        watched = os.pidfd_open(holder)
        holding.send_signal(signal.SIGKILL)
    ended, _, _ = select.select([watched], [], [], WAIT)
    os.close(watched)
    assert ended, "the process that holds the networks still runs"


def test_what_the_networks_cannot_do_is_told(network: PacketNetwork) -> None:
    with pytest.raises(OSError, match="Cannot assign requested address"):
        network.new_socket("clients", "192.0.2.1")
    network.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        network.path().lose("to")


def test_a_kernel_that_forbids_it_is_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        packet_network, "program", lambda *_: [sys.executable, "-c", "print('it is forbidden')"]
    )
    with pytest.raises(NoPacketNetwork, match="cannot be made: it is forbidden"):
        PacketNetwork(HOST)


def test_a_machine_without_ip_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoPacketNetwork, match="'ip' is not installed"):
        PacketNetwork(HOST)


def test_an_ip_that_fails_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "ip"
    program.write_text("#!/bin/sh\necho 'no such device' >&2\nexit 2\n")
    program.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(NoPacketNetwork, match=r"'ip -batch -' failed: no such device"):
        PacketNetwork(HOST)
