"""The options of a node about its peers."""

from __future__ import annotations

import argparse
import re

from waybill_server.cluster.clock import LARGEST_CLUSTER
from waybill_server.cluster.settings import Cluster

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)


class OptionsFaulty(Exception):
    """The options cannot be used; the text says why."""


def cluster_of(options: argparse.Namespace) -> Cluster:
    """What the options say about peers.

    Raises:
        OptionsFaulty: They cannot be used together, or one of them cannot be read.
    """
    peers = dict(map(_peer, options.peer))
    names = [options.name, *peers]
    if len(peers) < len(options.peer) or options.name in peers:
        raise OptionsFaulty(f"two nodes have the same name: --name {options.name}, --peer {', '.join(peers)}")
    if len(names) > LARGEST_CLUSTER:
        raise OptionsFaulty(f"{len(names)} nodes, expected at most {LARGEST_CLUSTER}")
    for name in names:
        if _NAME.fullmatch(name) is None:
            raise OptionsFaulty(f"a node is called {name!r}, expected a DNS label: a-z 0-9 -")
    files = (options.cluster_ca, options.cluster_certificate, options.cluster_key)
    if None in files:
        raise OptionsFaulty("--peer needs --cluster-ca, --cluster-certificate and --cluster-key")
    return Cluster(peers, options.peer_port, *files)


def _peer(text: str) -> tuple[str, tuple[str, int]]:
    name, _, address = text.partition("=")
    host, _, port = address.rpartition(":")
    if not name or not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65_536:
        raise OptionsFaulty(f"--peer is {text!r}, expected NAME=HOST:PORT")
    return name, (host, int(port))
