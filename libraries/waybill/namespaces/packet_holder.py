"""A process that holds three networks: the server's, its clients', and one with the switch between them.

Its `main` is run as a program, with a socket for its standard input. Programs that enter the network of its main thread
have loopback to themselves, as before; the clients' network reaches the server's loopback address HOST over the switch,
from any address of 10.99.0.0/16. It prints `ready`, or why not, and then a line with the address of each client that
begins to lose packets. Through the socket it is asked, in JSON, for sockets in one of the networks, to lose the packets
of a client, and for how many were lost. It ends with the other end of the socket.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Final

from waybill.namespaces.kernel import (
    NEW_NETWORK,
    enter_network,
    keep_network_rights,
    new_network,
    own_namespaces,
    told,
)
from waybill.namespaces.switch import FROM, TO, Switch

CLIENTS: Final = "10.99.0.0/16"
_LARGEST_REQUEST: Final = 65_536
_ETHTOOL: Final = 0x8946
_OFFLOADS: Final = (0x17, 0x1F, 0x24, 0x2C)
"""Checksums, and cutting packets up and merging them: what the kernel leaves to a card is done by nobody on the way
through the switch."""


class Networks:
    """The networks; made, and asked for sockets, by one thread, which is no longer in the main thread's network then.

    Args:
        host: The server's loopback address.

    Raises:
        OSError: The kernel forbids it.
        subprocess.CalledProcessError: `ip` could not do something.
    """

    def __init__(self, host: str) -> None:
        server = _here()
        new_network()
        clients = _here()
        new_network()
        _ip(
            f"link add server type veth peer name s0 netns /proc/self/fd/{server}",
            f"link add clients type veth peer name c0 netns /proc/self/fd/{clients}",
            "link set server up",
            "link set clients up",
        )
        for wire in ("server", "clients"):
            _put_nothing_off(wire)
        self.switch = Switch({TO: "clients", FROM: "server"}, _say)
        self._networks = {"server": server, "clients": clients}
        enter_network(server)
        _let_loopback_pass("s0")
        _ip("link set lo up", "address add 10.99.255.254/16 dev s0", "link set s0 up")
        enter_network(clients)
        _let_loopback_pass("c0")
        # Of the addresses of loopback one is the server's here, and none is this network's own.
        _ip(
            "link set lo up",
            "address flush dev lo",
            "address add 10.99.0.1/16 dev c0",
            "link set c0 up",
            f"route add local {CLIENTS} dev lo",
            f"route add {host}/32 dev c0 src 10.99.0.1",
        )

    def new_socket(self, network: str, address: str) -> socket.socket:
        """A TCP socket in a network, bound to an address of it; to none where it is empty."""
        enter_network(self._networks[network])
        made = socket.socket()
        try:
            if address:
                made.bind((address, 0))
        except OSError:
            made.close()
            raise
        return made


def main(host: str) -> int:
    """Makes the networks, says so, and answers until the other end of its socket is closed."""
    asked = socket.socket(fileno=0)
    try:
        own_namespaces(NEW_NETWORK)
        keep_network_rights()
    except OSError as error:
        _say(told(error))
        return 1
    failed: list[str] = []
    # The main thread stays where it is: who wants to enter the server's network finds it there.
    serving = threading.Thread(target=_serve, args=(host, asked, failed))
    serving.start()
    serving.join()
    # The switch never ends by itself.
    os._exit(1 if failed else 0)


def _serve(host: str, asked: socket.socket, failed: list[str]) -> None:
    try:
        networks = Networks(host)
    except subprocess.CalledProcessError as error:
        failed.append(f"'{' '.join(error.cmd)}' failed: {' '.join(error.stderr.split())}")
    except OSError as error:
        failed.append(told(error))
    if failed:
        _say(failed[0])
        return
    threading.Thread(target=networks.switch.run, daemon=True).start()
    _say("ready")
    while request := asked.recv(_LARGEST_REQUEST):
        answer, opened = _answer(networks, json.loads(request))
        socket.send_fds(asked, [json.dumps(answer).encode()], [made.fileno() for made in opened])
        for made in opened:
            made.close()


def _answer(networks: Networks, request: dict[str, Any]) -> tuple[dict[str, Any], list[socket.socket]]:
    try:
        if request["do"] == "socket":
            return {}, [networks.new_socket(request["network"], request["address"])]
        if request["do"] == "lose":
            networks.switch.lose(request["address"], frozenset(request["ways"]))
            return {}, []
        return {"count": networks.switch.count(request["address"], request["way"])}, []
    except OSError as error:
        return {"error": told(error)}, []


def _here() -> int:
    """A descriptor of this thread's network, which the programs that it runs inherit."""
    opened = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    os.set_inheritable(opened, True)
    return opened


def _ip(*commands: str) -> None:
    """Runs commands of `ip` in this thread's network."""
    subprocess.run(
        ["ip", "-batch", "-"],
        input="\n".join(commands),
        check=True,
        capture_output=True,
        text=True,
        close_fds=False,
    )


def _let_loopback_pass(interface: str) -> None:
    """Lets packets of loopback addresses come and go over an interface."""
    _put_nothing_off(interface)
    Path(f"/proc/sys/net/ipv4/conf/{interface}/route_localnet").write_text("1", encoding="ascii")


def _put_nothing_off(interface: str) -> None:
    """Lets the kernel do at once on an interface what it would leave to a card."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        for offload in _OFFLOADS:
            value = ctypes.create_string_buffer(struct.pack("=II", offload, 0))
            request = struct.pack("16sP", interface.encode(), ctypes.addressof(value))
            fcntl.ioctl(asking, _ETHTOOL, request)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
