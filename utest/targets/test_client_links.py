"""Clients of a target that was launched for it go through links of their own; everything else stays as it is."""

from __future__ import annotations

import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from test_launch import place, target

from waybill.drivers.base import Endpoint
from waybill.network.flow import Ending
from waybill.network.network import Network
from waybill.targets import MeansMissing, launch
from waybill.targets.client_links import ClientLinks


def test_each_client_has_a_link_of_its_own(tmp_path: Path) -> None:
    with launch(target(), tmp_path / "run", linked=True) as running:
        alice, bob = (urlsplit(running.endpoint("node", client).url) for client in ("alice", "bob"))
        assert (alice.hostname, bob.hostname) == (place(running)[0],) * 2
        assert len({alice.port, bob.port, place(running)[1]}) == 3
        assert running.endpoint("node", "alice").url == running.endpoint(client="alice").url
        with socket.create_connection((str(alice.hostname), alice.port or 0), timeout=10) as client:
            assert client.recv(100) == (tmp_path / "run" / "node" / "data" / "starts").read_bytes()


def test_a_link_leads_to_the_node_also_after_a_restart(tmp_path: Path) -> None:
    with launch(target(), tmp_path / "run", linked=True) as running:
        link = running.links.link("alice", "node")
        running.kill()
        running.start()
        with socket.create_connection((link.host, link.port), timeout=10) as client:
            assert client.recv(100).count(b"\n") == 2
        running.links.network.do(lambda: link.end(Ending.RESET))


def test_without_links_a_client_goes_to_the_node(tmp_path: Path) -> None:
    with launch(target(), tmp_path / "run") as running:
        assert running.endpoint("node", "alice") == running.endpoint()
        with pytest.raises(MeansMissing, match="was not started for that"):
            _ = running.links


@pytest.mark.parametrize(
    ("url", "server_name", "expected"),
    [
        ("wss://broker.example/v2", None, "broker.example"),
        ("wss://broker.example/v2", "other.example", "other.example"),
        ("xmpp://broker.example/domain.example", None, None),
    ],
)
def test_the_certificate_of_a_server_elsewhere_must_still_name_it(
    url: str, server_name: str | None, expected: str | None
) -> None:
    links = ClientLinks({"node": Endpoint(url, server_name=server_name)}, Network(), names_hosts=True)
    try:
        through = links.endpoint("alice", "node")
    finally:
        links.close()
    assert urlsplit(through.url).hostname == "127.0.0.1"
    assert urlsplit(through.url).path == urlsplit(url).path
    assert through.server_name == expected
