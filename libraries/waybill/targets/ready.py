"""What being ready means: one question per kind, which says yes or no, or raises what is in the way.

For a node it is a line that it prints itself, or a message that gets through it. For a helper it may be an
open port, or only that its program runs; whatever depends on it then proves more than that.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from dataclasses import dataclass

from waybill.drivers import registry
from waybill.drivers.base import Credential, Endpoint
from waybill.targets.accounts import Account
from waybill.targets.errors import LaunchError, TargetError
from waybill.targets.processes import ServerProcess
from waybill.targets.provisioning import Provisioner
from waybill.targets.round_trip import round_trip
from waybill.tokens.sources import TokenSource


@dataclass(frozen=True, slots=True)
class ReadyLine:
    """Whether a process printed a line with `"ready": true`."""

    process: ServerProcess
    missing: str = 'a line with "ready": true'

    def __call__(self, _: float) -> bool:
        """Looks at what it printed."""
        for line in self.process.output().splitlines():
            if line.startswith(b"{"):
                try:
                    said = json.loads(line)
                except ValueError:
                    continue
                if isinstance(said, dict) and said.get("ready") is True:
                    return True
        return False


@dataclass(frozen=True, slots=True)
class PortOpens:
    """Whether a port accepts connections.

    Attributes:
        host: Its address.
        port: Its number.
        new_socket: Makes a socket in the network that the port is in.
    """

    host: str
    port: int
    new_socket: Callable[[], socket.socket] = socket.socket
    missing: str = "an open port"

    def __call__(self, seconds: float) -> bool:
        """Connects."""
        try:
            with self.new_socket() as connection:
                connection.settimeout(seconds)
                connection.connect((self.host, self.port))
        except OSError as error:
            raise LaunchError(f"{self.host}:{self.port}: {error}") from None
        return True


@dataclass(frozen=True, slots=True)
class ProgramRuns:
    """Whether a process has become the program that it was started for."""

    process: ServerProcess
    missing: str = "its program"

    def __call__(self, _: float) -> bool:
        """Looks at what it executes."""
        return self.process.runs_its_program


@dataclass(frozen=True, slots=True)
class MessagePasses:
    """Whether a message from one account to another gets through a node.

    Attributes:
        driver: The name of the protocol's driver.
        endpoint: Where the node listens.
        probes: The two accounts, which nobody else uses.
        tokens: Where their tokens come from; None for their passwords.
        provisioner: Makes them at the server, where it keeps accounts of its own.
    """

    driver: str
    endpoint: Endpoint
    probes: tuple[Account, Account]
    tokens: TokenSource | None = None
    provisioner: Provisioner | None = None
    missing: str = "a message that gets through"

    def __call__(self, seconds: float) -> bool:
        """Passes one message."""
        if self.provisioner is not None:
            for account in self.probes:
                try:
                    self.provisioner.make(account, seconds)
                except TargetError as error:
                    # Not yet: the server may answer before it can make accounts.
                    raise LaunchError(str(error)) from None
        sender, recipient = map(self._credential, self.probes)
        round_trip(registry.find(self.driver), self.endpoint, sender, recipient, seconds)
        return True

    def _credential(self, account: Account) -> Credential:
        if self.tokens is None:
            return Credential(account.user, password=account.password)
        token = self.tokens.obtain(account.user, account.password, device="probe")
        return Credential(account.user, token=token.text)


Ready = ReadyLine | PortOpens | ProgramRuns | MessagePasses
