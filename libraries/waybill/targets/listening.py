"""Which ports the processes of a launched target listen on, as the kernel knows it.

What a target file says about ports is what its author knows. A listener that nobody knows of is found here.
"""

from __future__ import annotations

import ipaddress
import os
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_LISTEN: Final = "0A"
_SOCKET: Final = re.compile(r"socket:\[(\d+)\]")


@dataclass(frozen=True, slots=True, order=True)
class Listener:
    """A TCP port that is open.

    Attributes:
        host: The address that it is bound to, or one at which it can be reached if it is bound to all.
        port: Its number.
    """

    host: str
    port: int


def listeners(processes: Iterable[int], address: str) -> list[Listener]:
    """The TCP ports on which processes listen.

    Args:
        processes: Their process ids; those that are gone or belong to somebody else have none.
        address: Where a port is reached that is bound to all addresses.
    """
    held = {inode for process in processes for inode in _sockets(process)}
    return sorted(
        {
            Listener(_reachable(host, address), port)
            for host, port, inode in [*_table("tcp"), *_table("tcp6")]
            if inode in held
        }
    )


def _sockets(process: int) -> list[int]:
    """The inodes of a process's sockets."""
    found = []
    try:
        for entry in os.scandir(f"/proc/{process}/fd"):
            try:
                match = _SOCKET.fullmatch(str(Path(entry.path).readlink()))
            except OSError:
                continue
            if match:
                found.append(int(match[1]))
    except OSError:
        return []
    return found


def _table(name: str) -> list[tuple[str, int, int]]:
    """The listening sockets of the kernel: address, port and inode."""
    try:
        lines = Path(f"/proc/net/{name}").read_text(encoding="ascii").splitlines()[1:]
    except OSError:
        return []
    found = []
    for line in lines:
        fields = line.split()
        if fields[3] == _LISTEN:
            host, _, port = fields[1].partition(":")
            found.append((_address(host), int(port, 16), int(fields[9])))
    return found


def _address(text: str) -> str:
    """An address as the kernel prints it: words of four bytes, each in the byte order of the machine."""
    words = [bytes.fromhex(text[at : at + 8])[::-1] for at in range(0, len(text), 8)]
    packed = b"".join(words)
    family = socket.AF_INET if len(packed) == 4 else socket.AF_INET6
    return socket.inet_ntop(family, packed)


def _reachable(host: str, address: str) -> str:
    found = ipaddress.ip_address(host)
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return address if found.is_unspecified else host
