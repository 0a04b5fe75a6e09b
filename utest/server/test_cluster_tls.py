"""Who is no node of the cluster is not let in, and who answers in a node's place is told nothing."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

import pytest
from cluster_harness import ClusterWorld

from waybill.tls.authority import Authority
from waybill_server.cluster.frames import Greeting, packed


def greeted(cluster: ClusterWorld, context: ssl.SSLContext, node: str, to: str = "west") -> bytes:
    """What the node says to a hello; empty if it hangs up."""
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with (
            socket.create_connection(("127.0.0.1", cluster.ports["west"]), timeout=10) as plain,
            context.wrap_socket(plain) as secured,
        ):
            secured.sendall(packed(Greeting(node, to, "x")))
            return secured.recv(100)
    except (ssl.SSLError, ConnectionError):
        return b""


def shown(certificate: Path, key: Path) -> ssl.SSLContext:
    """A context that shows a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_cert_chain(certificate, key)
    return context


@pytest.mark.parametrize("what", ["none", "another authority", "another name", "a stranger", "another node"])
def test_only_nodes_are_let_in(cluster: ClusterWorld, tmp_path: Path, what: str) -> None:
    context, node, to = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), "north", "west"
    if what == "another authority":
        issued = Authority(tmp_path).issue(tmp_path / "a", ["north"], connects=True)
        context = shown(issued.certificate, issued.key)
    elif what != "none":
        name = {"another name": "south", "a stranger": "east", "another node": "north"}[what]
        issued = cluster.authority.issue(tmp_path / "b", [name], connects=True)
        context = shown(issued.certificate, issued.key)
        node = "east" if what == "a stranger" else "north"
        to = "south" if what == "another node" else "west"
    assert greeted(cluster, context, node, to) == b""


def test_a_node_is_let_in(cluster: ClusterWorld, tmp_path: Path) -> None:
    issued = cluster.authority.issue(tmp_path, ["north"], connects=True)
    assert b"welcome" in greeted(cluster, shown(issued.certificate, issued.key), "north")


def test_who_answers_under_another_name_is_told_nothing(cluster: ClusterWorld) -> None:
    one, other = cluster.relays["west", "north"], cluster.relays["west", "south"]
    genuine, one.to = one.to, other.to
    one.break_off()
    cluster.until_breaker("west", "north", "open")
    cause = next(
        line["cause"]
        for line in reversed(cluster.log("west"))
        if line["event"] == "breaker-opened" and line["peer"] == "north"
    )
    one.to = genuine
    cluster.until_breaker("west", "north", "closed")
    assert "certificate verify failed" in cause
