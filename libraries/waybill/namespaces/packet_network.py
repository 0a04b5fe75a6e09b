"""A network between a server and its clients on which packets are really lost, which takes no root.

The server's processes enter a network of their own, with a loopback of their own. A client's connection begins in
another one, and its packets pass a switch that can lose them. So both ends of it see what a broken wire does: TCP sends
again, gives up, or goes on when the wire is whole again, and no process in between answers for anybody.
"""

from __future__ import annotations

import itertools
import json
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any, Final

from waybill.namespaces.entering import entry
from waybill.namespaces.kernel import first_line, program, wait_for_end

HOLDER: Final = "waybill.namespaces.packet_holder"
_FIRST_CLIENT: Final = 2
_CLIENTS: Final = 65_000
_LARGEST_ANSWER: Final = 65_536
_ANSWER_DEADLINE: Final = 30.0


class NoPacketNetwork(Exception):
    """A network of its own cannot be had here; the message says why."""


class PacketNetwork:
    """A server's network, and that of its clients. Call `close` when no process uses it any more.

    Args:
        host: The loopback address on which the server listens, in its own network.

    Raises:
        NoPacketNetwork: From the constructor: this is not Linux, the kernel forbids it, or `ip` is not installed.
    """

    def __init__(self, host: str) -> None:
        if sys.platform != "linux":
            raise NoPacketNetwork(f"a network of its own needs Linux; this is {sys.platform}")
        if shutil.which("ip") is None:
            raise NoPacketNetwork(
                "the program 'ip' is not installed; on Debian: sudo apt-get install iproute2"
            )
        self._asking = threading.Lock()
        self._numbers = itertools.count(_FIRST_CLIENT)
        self._paths: dict[str, PacketPath] = {}
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.settimeout(_ANSWER_DEADLINE)
        with theirs:
            self._holder = subprocess.Popen(
                program(HOLDER, host), stdin=theirs.fileno(), stdout=subprocess.PIPE, text=True
            )
        assert self._holder.stdout is not None
        said = first_line(self._holder)
        if said != "ready":
            self._end()
            self._holder.stdout.close()
            raise NoPacketNetwork(f"a network of its own cannot be made: {said}")
        self._listener = threading.Thread(target=self._listen, name="waybill-packets", daemon=True)
        self._listener.start()

    @property
    def entry(self) -> tuple[str, ...]:
        """The namespaces that a process of the server has to enter, one after the other."""
        return entry(self._holder.pid, "user", "net")

    def path(self) -> PacketPath:
        """A way for the connections of one more client."""
        number = next(self._numbers)
        if number > _CLIENTS:
            raise ValueError(f"there are {_CLIENTS} clients already")
        path = PacketPath(self, f"10.99.{number >> 8}.{number & 255}")
        self._paths[path.address] = path
        return path

    def beside_server(self) -> socket.socket:
        """A TCP socket in the network of the server, whose packets are never lost."""
        return self.new_socket("server", "")

    def new_socket(self, network: str, address: str) -> socket.socket:
        """A TCP socket in one of the networks, bound to an address of it; to none where it is empty."""
        _, (opened,) = self.ask(do="socket", network=network, address=address)
        return socket.socket(fileno=opened)

    def ask(self, **request: object) -> tuple[dict[str, Any], list[int]]:
        """Asks the process that holds the networks; returns its answer and the descriptors that came with it.

        Raises:
            OSError: It cannot be done, or the process has ended.
        """
        with self._asking:
            self._socket.send(json.dumps(request).encode())
            said, opened, _, _ = socket.recv_fds(self._socket, _LARGEST_ANSWER, 1)
        if not said:
            raise OSError("the process that holds the server's network has ended")
        answer: dict[str, Any] = json.loads(said)
        if "error" in answer:
            raise OSError(answer["error"])
        return answer, opened

    def close(self) -> None:
        """Lets the networks go. Idempotent."""
        self._end()
        self._listener.join()

    def _end(self) -> None:
        self._socket.close()
        wait_for_end(self._holder)

    def _listen(self) -> None:
        assert self._holder.stdout is not None
        with self._holder.stdout as told:
            for line in told:
                self._paths[line.strip()].lost()


class PacketPath:
    """The way of one client's packets to the server and back.

    Attributes:
        address: The address that its connections come from.
        lost: Called, in a thread of its own, when the first packet is lost.
    """

    def __init__(self, network: PacketNetwork, address: str) -> None:
        self._network = network
        self.address = address
        self.losing: frozenset[str] = frozenset()
        """The directions in which packets are lost."""
        self.lost: Callable[[], None] = lambda: None

    def new_socket(self) -> socket.socket:
        """A TCP socket for a connection of the client to the server; it is not connected."""
        return self._network.new_socket("clients", self.address)

    def lose(self, *ways: str) -> None:
        """Loses every packet in these directions from now on; in none of them the packets pass."""
        self._network.ask(do="lose", address=self.address, ways=ways)
        self.losing = frozenset(ways)

    def count(self, way: str) -> int:
        """How many packets were lost in a direction since `lose` named it."""
        count: int = self._network.ask(do="count", address=self.address, way=way)[0]["count"]
        return count
