"""Intruders at a server that checks who connects, and at one that does not."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from waybill.tls.authority import Authority
from waybill.tls.peer_intrusions import Interface, Intruder, LetIn, greet_as_node, intrude

HELLO = b"north, this is south"
NAME = ("DNS", "south")


@contextlib.contextmanager
def node(folder: Path, *, careful: bool) -> Iterator[Interface]:
    """A node that welcomes whoever says hello; a careful one only with the certificate of the node that it knows."""
    cluster, ordinary = Authority(folder / "cluster"), Authority(folder / "ordinary")
    own = cluster.issue(folder / "north", ["north"], connects=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own.certificate, own.key)
    if careful:
        context.load_verify_locations(cluster.certificate)
        context.verify_mode = ssl.CERT_REQUIRED
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), plain:
                plain.settimeout(10)
                with context.wrap_socket(plain, server_side=True) as secured:
                    names = (secured.getpeercert() or {}).get("subjectAltName", ())
                    if secured.recv(100).startswith(HELLO) and (NAME in names or not careful):
                        secured.sendall(b"welcome")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        address: tuple[str, int] = listener.getsockname()
        yield Interface("north", address, "south", HELLO, b" and more", "west", cluster, ordinary)
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)


def test_a_careful_node_refuses_everybody_but_a_node(tmp_path: Path) -> None:
    with node(tmp_path, careful=True) as interface:
        assert greet_as_node(interface, tmp_path / "good") == b"welcome"
        for intruder in Intruder:
            assert intrude(interface, intruder, tmp_path / "bad").startswith("by ")


def test_a_node_that_verifies_nothing_lets_in_whoever_speaks_tls(tmp_path: Path) -> None:
    with node(tmp_path, careful=False) as interface:
        for intruder in Intruder:
            if intruder is Intruder.PLAINTEXT:
                assert intrude(interface, intruder, tmp_path / "bad").startswith("by ")
            else:
                with pytest.raises(LetIn, match="it said 7 bytes"):
                    intrude(interface, intruder, tmp_path / "bad")


def test_a_connection_that_nobody_ends_counts_as_let_in(tmp_path: Path) -> None:
    cluster = Authority(tmp_path / "cluster")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        interface = Interface("north", silent.getsockname(), "south", HELLO, b"", "west", cluster, cluster)
        with pytest.raises(LetIn, match="still open"):
            intrude(interface, Intruder.PLAINTEXT, tmp_path, seconds=0.2)
