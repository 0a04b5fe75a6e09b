"""Links between the clients of a target and its nodes: the way of each client to each node can be disturbed alone."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from waybill.drivers.base import Endpoint
from waybill.network.link import Link
from waybill.network.network import Network
from waybill.targets.errors import MeansMissing
from waybill.targets.server_network import ServerNetwork

_STANDARD_PORTS: Final = {"wss": 443, "ws": 80, "mqtts": 8883, "mqtt": 1883, "xmpp": 5222, "xmpps": 5223}


class ClientLinks:
    """A link for each client to each node, opened when the client first goes there; TLS passes through untouched.

    Args:
        endpoints: Where the nodes listen.
        network: Serves the links, and is ended with them.
        names_hosts: The certificates of the nodes carry the hosts of their addresses, which are not that of the links.
        server_network: The nodes are in a network of their own, or why they are not.
    """

    def __init__(
        self,
        endpoints: Mapping[str, Endpoint],
        network: Network,
        *,
        names_hosts: bool = False,
        server_network: ServerNetwork | None = None,
    ) -> None:
        self.network = network
        self._server_network = server_network
        self._endpoints = endpoints
        self._names_hosts = names_hosts
        self._opening = threading.Lock()

    def link(self, client: str, node: str) -> Link:
        """The link of a client to a node."""
        name = f"{client}->{node}"
        with self._opening:
            if name in self.network.links:
                return self.network.links[name]
            url = urlsplit(self._endpoints[node].url)
            port = url.port or _STANDARD_PORTS.get(url.scheme, 443)
            wire = self._server_network.wire() if self._server_network else None
            return self.network.link(name, (url.hostname or "", port), wire=wire)

    def require_packets(self, node: str) -> None:
        """Fails where the packets of clients cannot be lost.

        Raises:
            MeansMissing: The target was not launched with `packets`, or the machine does not let it be done.
        """
        if self._server_network is None:
            raise MeansMissing(
                f"Packets to {node} cannot be lost: the target was not launched for that, as `A fresh target whose "
                f"packets can be lost` does, or runs elsewhere. What depends on it stays UNPROVEN."
            )
        self._server_network.require()

    def endpoint(self, client: str, node: str) -> Endpoint:
        """Where a client connects to reach a node."""
        link, endpoint = self.link(client, node), self._endpoints[node]
        url = urlsplit(endpoint.url)
        name = endpoint.server_name
        # A server of XMPP shows the certificate of its domain, which the path names.
        if name is None and self._names_hosts and not (url.scheme.startswith("xmpp") and url.path.strip("/")):
            name = url.hostname
        through = url._replace(netloc=f"{link.host}:{link.port}").geturl()
        return dataclasses.replace(endpoint, url=through, server_name=name)

    def close(self) -> None:
        """Ends all links. Idempotent."""
        self.network.close()
