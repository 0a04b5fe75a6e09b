"""A loopback address that belongs to one target, and its ports.

Linux serves the whole of 127.0.0.0/8. Each target takes an address of its own, so that any number of targets
run side by side with the same ports. The ports lie below the range from which the kernel hands out free ones:
nobody else is given such a port, also not while the node that listens on it is down between a kill and a
restart.
"""

from __future__ import annotations

import itertools
import os
import socket
from typing import Final

from waybill.targets.errors import LaunchError

FIRST_PORT: Final = 7001
"""The first port of every target. Fixed, so that a log of one run can be read beside the log of another."""

_CLAIM_PORT: Final = 6999
_FIRST_MACHINE_PORT: Final = 30_001
_MACHINE_PORTS: Final = 2_000
_ATTEMPTS: Final = 4096
_counter = itertools.count()


class Address:
    """A loopback address, held by an open socket until `release` or the end of this process, however it
    ends."""

    def __init__(self) -> None:
        self._claim, self.host = _claim()
        self._machine_claims: list[socket.socket] = []
        self._next_port = FIRST_PORT

    def port(self) -> int:
        """The next port on which nobody listens."""
        while self._next_port < 30_000:
            port = self._next_port
            self._next_port += 1
            if _is_free(self.host, port):
                return port
        raise LaunchError(f"There is no free port on {self.host} from {FIRST_PORT} to 30000.")

    def machine_port(self) -> int:
        """A port that is free on every address of the machine and that no other target is given.

        It is for programs that listen on 127.0.0.1 or everywhere, whatever they are told.
        """
        for attempt in range(_MACHINE_PORTS):
            port = _FIRST_MACHINE_PORT + (os.getpid() * 31 + attempt) % _MACHINE_PORTS
            claim = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                claim.bind(("127.0.0.1", port))
            except OSError:
                claim.close()
                continue
            self._machine_claims.append(claim)
            if _is_free("0.0.0.0", port):
                return port
        raise LaunchError("There is no port that is free on every address of this machine.")

    def release(self) -> None:
        """Gives the address and its ports back."""
        for claim in (self._claim, *self._machine_claims):
            claim.close()


def _claim() -> tuple[socket.socket, str]:
    """A socket that only one process can have per address, and the address."""
    for _ in range(_ATTEMPTS):
        # A start that differs per process makes a second attempt rare; the bound socket alone decides.
        number = (os.getpid() * 251 + next(_counter)) % (253 * 256 * 254)
        host = f"127.{1 + number // (256 * 254)}.{number // 254 % 256}.{1 + number % 254}"
        claim = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            claim.bind((host, _CLAIM_PORT))
        except OSError:
            claim.close()
            continue
        return claim, host
    raise LaunchError(
        f"No loopback address is free after {_ATTEMPTS} attempts; launching needs Linux and 127.0.0.0/8."
    )


def _is_free(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True
