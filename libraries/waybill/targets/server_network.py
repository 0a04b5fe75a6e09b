"""The network of its own in which a launched target is, so that packets of clients can be lost; or why there is none.

Who is outside reaches each of its ports at the same address as ever: a relay listens there and dials inside.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable

from waybill.namespaces.packet_network import NoPacketNetwork, PacketNetwork, PacketPath
from waybill.network.network import Network
from waybill.targets.errors import MeansMissing


class ServerNetwork:
    """The network of one launched target.

    Args:
        host: The address of the target.
    """

    def __init__(self, host: str) -> None:
        self.entry: tuple[str, ...] = ()
        """What its processes have to enter."""
        self._host = host
        self._relays: list[Network] = []
        self._packets: PacketNetwork | None = None
        self._missing = ""
        try:
            self._packets = PacketNetwork(host)
        except NoPacketNetwork as error:
            self._missing = str(error)
        else:
            self.entry = self._packets.entry

    def relay(self, host: str, ports: Iterable[int]) -> None:
        """Lets ports of an address inside be reached at the same address from outside."""
        if self._packets is None:
            return
        network = Network(host)
        self._relays.append(network)
        for port in ports:
            network.link(f"{host}:{port}", (host, port), port=port, wire=_Beside(self._packets))

    def new_socket(self) -> socket.socket:
        """A TCP socket for a connection to its processes, past relays and links; it is not connected."""
        return self._packets.beside_server() if self._packets else socket.socket()

    def wire(self) -> PacketPath | None:
        """A way for the packets of one more client; None where there is no network of its own."""
        return self._packets.path() if self._packets else None

    def require(self) -> None:
        """Fails where there is none.

        Raises:
            MeansMissing: Saying why.
        """
        if self._packets is None:
            raise MeansMissing(f"Packets cannot be lost: {self._missing}. What depends on it stays UNPROVEN.")

    def close(self) -> None:
        """Ends the relays and lets the network go; every process in it must be gone. Idempotent."""
        for network in self._relays:
            network.close()
        if self._packets is not None:
            self._packets.close()


class _Beside:
    """A way whose packets are never lost."""

    def __init__(self, packets: PacketNetwork) -> None:
        self._packets = packets
        self.losing: frozenset[str] = frozenset()
        self.lost: Callable[[], None] = lambda: None

    def new_socket(self) -> socket.socket:
        """A socket in the network of the server."""
        return self._packets.beside_server()

    def lose(self, *ways: str) -> None:
        """Does nothing: nobody asks for it."""

    def count(self, way: str) -> int:
        """None is lost."""
        return 0
