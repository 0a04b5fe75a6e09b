"""What the devices need of a running target, with the scripted server behind it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

from scripted_server import ScriptedServer

from waybill.drivers.base import Credential, Driver, Endpoint


@dataclass(frozen=True)
class PoolAccount:
    """An account of the pool."""

    user: str


class ScriptedTarget:
    """What `waybill.devices` asks of a running target."""

    name = "scripted"
    nodes = ("node-1",)
    roles = ("moderator", "admin")
    issuer: Any = None
    administration: Any = None
    odd_tokens = False

    def __init__(self, server: ScriptedServer, driver: Driver) -> None:
        self.server = server
        self.driver = driver
        self.promises = {"dedup": "durable"}
        self._numbers = itertools.count(1)
        self.forgotten: list[tuple[str, str, str]] = []

    def endpoint(self, node: str | None = None, client: str = "") -> Endpoint:
        assert node in {None, "node-1"}
        return self.server.endpoint

    def account(self, role: str = "") -> PoolAccount:
        return PoolAccount(f"{role or 'account'}-{next(self._numbers)}")

    def forget(self, user: str, device: str = "", *, token: str = "") -> None:
        self.forgotten.append((user, device, token))

    def refresh_token(self, account: Any, device: str) -> str:
        return ""

    def credential(
        self, account: Any, device: str, *, fresh: bool = False, bound: bool = True, once: bool = False
    ) -> Credential:
        return self.server.credential(account.user)
