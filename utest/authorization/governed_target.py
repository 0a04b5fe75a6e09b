"""The reference server with accounts of every role, and its administration asked directly."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from server_harness import PASSWORD, Process, World, account_line

from waybill.drivers.base import Credential, Endpoint, Outcome
from waybill.drivers.waybill_v2 import WaybillDriver
from waybill.history.events import Completion
from waybill.tls.authority import Authority
from waybill.tokens.obtain import TokenClient

EACH = 12
"""Accounts with each role."""


@dataclass(frozen=True)
class RoleAccount:
    """An account."""

    user: str
    password: str = field(default=PASSWORD, repr=False)


class GovernedWorld(World):
    """An issuer that knows many moderators and administrators, and signs odd claims."""

    def start_issuer(self, *options: object, data: Path | None = None) -> Process:
        lines = [
            account_line(f"{role}-{number}", roles=[role])
            for role in ("user", "moderator", "admin")
            for number in range(EACH)
        ]
        (self.folder / "accounts.jsonl").write_text("".join(lines))
        return super().start_issuer("--odd-tokens", *options, data=data)


def make_world(folder: Path) -> GovernedWorld:
    """A world in a folder."""
    authority = Authority(folder / "ca")
    issued = authority.issue(folder / "certificate", ["127.0.0.1", "localhost"])
    return GovernedWorld(folder, folder / "ca" / "ca.pem", issued.certificate, issued.key)


class GovernedTarget:
    """What scenarios ask of a running target; also its office.

    Args:
        world: The issuer and the certificates.
        node: The node, with a port for its administration.
    """

    name = "reference"
    nodes = ("node",)
    roles = ("moderator", "admin")
    odd_tokens = True
    operations = frozenset(
        {
            *("revoke_token", "revoke_device", "revoke_user", "list_sessions", "end_session"),
            *("forbid", "allow", "list_revocations", "rotate_key"),
        }
    )

    def __init__(self, world: World, node: Process) -> None:
        self.world, self.node = world, node
        self.driver = WaybillDriver()
        self.promises: Mapping[str, Any] = {
            "dedup": "durable",
            "presence_bound": "3s",
            "sequences": "gapless",
        }
        self.issuer = TokenClient(world.url, authority=world.authority)
        self._numbers = {role: itertools.count() for role in ("user", *self.roles)}

    @property
    def administration(self) -> GovernedTarget:
        return self

    def endpoint(self, node: str | None = None, client: str = "") -> Endpoint:
        return Endpoint(self.node.ready["url"], self.world.authority)

    def account(self, role: str = "") -> RoleAccount:
        role = role or "user"
        return RoleAccount(f"{role}-{next(self._numbers[role])}")

    def credential(self, account: Any, device: str, **_: Any) -> Credential:
        token = self.issuer.obtain(account.user, account.password, more={"device": device})
        return Credential(account.user, token=token.text)

    def ask(self, operation: str, token: str, values: Mapping[str, str]) -> Outcome:
        method, path, body = _request(operation, values)
        server = self.world.issuer if operation == "rotate_key" else self.node
        status, document = self.world.administrate(server, method, path, token, body)
        completion = {2: Completion.OK}.get(status // 100, Completion.INFO)
        if status in (401, 403):
            completion = Completion.FAIL
        code = "" if completion is Completion.OK else str(status)
        return Outcome(completion, code, values={"body": document})


def _request(operation: str, values: Mapping[str, str]) -> tuple[str, str, dict[str, object] | None]:
    def some(*names: str, **more: object) -> dict[str, object]:
        return {name: values[name] for name in names} | more

    revocations, rules = "/admin/revocations", "/admin/rules"
    requests: dict[str, tuple[str, str, dict[str, object] | None]] = {
        "list_revocations": ("GET", revocations, None),
        "rotate_key": ("POST", "/admin/keys", {}),
        "list_sessions": ("GET", f"/admin/sessions?user={values.get('user')}", None),
        "end_session": ("DELETE", f"/admin/sessions/{values.get('session')}", None),
    }
    if operation in requests:
        return requests[operation]
    match operation:
        case "revoke_token":
            return "POST", revocations, {"token": values["token_id"]}
        case "revoke_device":
            return "POST", revocations, some("user", "device")
        case "revoke_user":
            return "POST", revocations, some("user")
        case "forbid":
            return "PUT", rules, some("sender", "recipient", allowed=False)
        case _:
            return "DELETE", rules, some("sender", "recipient")
