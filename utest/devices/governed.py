"""A scripted server that somebody administers: revocations and rotations as a test wants them."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Collection
from typing import Any

from scripted_server import Client, Frame, ScriptedServer
from scripted_target import ScriptedTarget

from waybill.drivers.base import Credential, Driver, Outcome
from waybill.history.events import Completion
from waybill.tokens import forge

CLOSING = ("revoked", "this was revoked")


class Office:
    """Administers a scripted server: it ends the sessions of whoever is revoked, and refuses their token.

    Attributes:
        closing: What it says to whom it sends away; None to send nobody away.
        asked: What it was asked for.
    """

    known: Collection[str] = ()

    def __init__(self, server: ScriptedServer) -> None:
        self.server = server
        self.closing: tuple[str, str] | None = CLOSING
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.rotate: Callable[[], None] = lambda: None
        self._out: list[Client] = []
        server.rules.append(lambda client, _: client in self._out)

    def do(self, operation: str, **values: str) -> Outcome:
        self.asked.append((operation, values))
        if operation == "rotate_key":
            self.rotate()
            return Outcome(Completion.OK)
        with self.server.lock:
            concerned = [
                client
                for client in self.server.clients
                if client.user == values["user"] and client.device == values.get("device", client.device)
            ]
            if self.closing is not None:
                self.server.bad_tokens.add(f"token of {values['user']}")
                self._out += concerned
                for client in concerned:
                    client.say("closing", code=self.closing[0], text=self.closing[1])
                    threading.Thread(target=client.socket.close, args=(1008,), daemon=True).start()
        return Outcome(Completion.OK)


class GovernedTarget(ScriptedTarget):
    """A scripted target whose accounts get new tokens: whatever was refused before counts again with one."""

    def __init__(self, server: ScriptedServer, driver: Driver) -> None:
        super().__init__(server, driver)
        self.fresh: list[str] = []
        self._newest: dict[str, str] = {}

    def credential(self, account: Any, device: str, *, fresh: bool = False, **_: bool) -> Credential:  # type: ignore[override]
        if fresh:
            self.fresh.append(f"{account.user}/{device}")
            self._newest[account.user] = f"token of {account.user} #{len(self.fresh)}"
        token = self._newest.get(account.user, f"token of {account.user}")
        return Credential(account.user, token=token)


class Issuer:
    """Signs nothing: its tokens only say which key they are of."""

    def __init__(self) -> None:
        self.published = ["key-0"]
        self.age = 0.0
        self.asked = 0
        self.forget: Callable[[], None] = lambda: None

    def keys(self) -> list[Frame]:
        self.asked += 1
        self.forget()
        return [{"kid": kid} for kid in self.published]

    def keys_age(self) -> float:
        return self.age

    def token(self, user: str, number: int) -> str:
        header = json.dumps({"alg": "none", "kid": self.published[-1]}).encode()
        return forge.join(header, json.dumps({"sub": user, "jti": str(number)}).encode(), forge.unsigned)
