"""A switch between two networks that loses packets on purpose, and counts them.

It passes frames from one wire to the other. Packets of an address that is disturbed vanish in the directions that are
said; nobody is told, as on a wire that was pulled out.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Callable
from typing import Final

TO, FROM = "to", "from"
"""The directions: to the server, and from it."""
_LARGEST_FRAME: Final = 65_536
_ALL_PROTOCOLS: Final = 0x0003
_OUTGOING: Final = 4
_IPV4: Final = b"\x08\x00"


class Switch:
    """A switch.

    Args:
        wires: The names of the interfaces of this thread's network by the side that is dialled from them: `TO` leads to
            the server, `FROM` comes from it.
        lost: Called with the address of a client when the first packet of it is lost after `lose`.
    """

    def __init__(self, wires: dict[str, str], lost: Callable[[str], None]) -> None:
        self._lost = lost
        self._losing: dict[str, frozenset[str]] = {}
        self._counts: dict[tuple[str, str], int] = {}
        self._sockets = {}
        for way, name in wires.items():
            wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL_PROTOCOLS))
            wire.bind((name, 0))
            self._sockets[way] = wire

    def lose(self, address: str, ways: frozenset[str]) -> None:
        """Lets the packets of a client vanish in some directions; in none to let all pass again."""
        for way in ways.difference(self._losing.get(address, ())):
            self._counts[address, way] = 0
        self._losing = {**self._losing, address: ways}

    def count(self, address: str, way: str) -> int:
        """How many packets of a client vanished in a direction since `lose` named it."""
        return self._counts.get((address, way), 0)

    def run(self) -> None:
        """Passes frames for ever."""
        ways = {
            self._sockets[TO]: (TO, self._sockets[FROM], slice(26, 30)),
            self._sockets[FROM]: (FROM, self._sockets[TO], slice(30, 34)),
        }
        while True:
            for wire in select.select(list(ways), [], [])[0]:
                frame, about = wire.recvfrom(_LARGEST_FRAME)
                way, other, client = ways[wire]
                if about[2] != _OUTGOING and not self._loses(frame, way, client):
                    other.send(frame)

    def _loses(self, frame: bytes, way: str, client: slice) -> bool:
        if frame[12:14] != _IPV4:
            return False
        address = socket.inet_ntoa(frame[client])
        if way not in self._losing.get(address, ()):
            return False
        self._counts[address, way] += 1
        if self._counts[address, way] == 1:
            self._lost(address)
        return True
