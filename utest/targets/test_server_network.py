"""A launched target is in a network of its own, where that is wanted and can be had; who is outside notices nothing."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from test_launch import place, starts, target

from waybill.namespaces.packet_network import NoPacketNetwork
from waybill.targets import LaunchError, MeansMissing, RunningTarget, launch, server_network
from waybill.targets.ready import PortOpens


@pytest.fixture
def running(tmp_path: Path) -> Iterator[RunningTarget]:
    with launch(target(), tmp_path / "run", packets=True) as running:
        try:
            running.links.require_packets("node")
        except MeansMissing as error:
            pytest.skip(str(error))
        yield running


def dial(running: RunningTarget, client: str) -> socket.socket:
    url = urlsplit(running.endpoint("node", client).url)
    return socket.create_connection((str(url.hostname), url.port or 0), timeout=30)


def test_it_is_reached_at_its_address_also_after_a_restart(running: RunningTarget) -> None:
    assert len(starts(running)) == 1
    running.kill()
    running.start()
    assert len(starts(running)) == 2
    with dial(running, "alice") as client:
        assert client.recv(100).count(b"\n") == 2


def test_each_client_loses_packets_of_its_own(running: RunningTarget) -> None:
    wire = running.links.link("alice", "node").wire
    assert wire is not None
    lost = threading.Event()
    wire.lost = lost.set
    wire.lose("from")
    with dial(running, "alice") as alice, dial(running, "bob") as bob:
        assert lost.wait(30)
        assert bob.recv(100).count(b"\n") == 1
        wire.lose()
        assert alice.recv(100).count(b"\n") == 1


def test_whether_a_port_is_open_is_asked_where_it_is(running: RunningTarget) -> None:
    network = running._server_network
    assert network is not None
    assert PortOpens(*place(running), network.new_socket)(10)
    running.kill()
    # Outside, somebody still takes connections for the server, and may end them before this call returns.
    with contextlib.suppress(ConnectionResetError):
        socket.create_connection(place(running), timeout=10).close()
    with pytest.raises(LaunchError, match="refused"):
        PortOpens(*place(running), network.new_socket)(10)


def test_what_it_cannot_do_then_says_why(running: RunningTarget) -> None:
    with pytest.raises(MeansMissing, match="nodes reach each other without links"):
        _ = running.peer_links
    with pytest.raises(MeansMissing, match="Nobody can try every port of small"):
        running.listeners()


def test_a_target_that_was_launched_without_says_so(tmp_path: Path) -> None:
    with (
        launch(target(), tmp_path / "run", linked=True) as running,
        pytest.raises(
            MeansMissing, match="`A fresh target whose packets can be lost` does, or runs elsewhere"
        ),
    ):
        running.links.require_packets("node")


def test_a_machine_that_cannot_says_why_when_it_matters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cannot(_: str) -> None:
        raise NoPacketNetwork("the kernel forbids it")

    monkeypatch.setattr(server_network, "PacketNetwork", cannot)
    with launch(target(), tmp_path / "run", packets=True) as running:
        with pytest.raises(MeansMissing, match=r"cannot be lost: the kernel forbids it.*stays UNPROVEN"):
            running.links.require_packets("node")
        with dial(running, "alice") as client:
            assert client.recv(100).count(b"\n") == 1


def test_a_process_does_not_enter_two_user_namespaces(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="small disks or a network of its own, not both"):
        launch(target(), tmp_path / "run", packets=True, small_disk=True)


def test_nothing_is_left_of_a_target_that_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(LaunchError, match="did not become ready"):
        launch(target("never-ready", deadline="1s"), tmp_path / "run", packets=True)
    assert not [thread.name for thread in threading.enumerate() if thread.name == "waybill-packets"]
