"""What devices need of a running target; `waybill.targets` gives it, and so does any small object in a
test."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from waybill.drivers.base import Credential, Driver, Endpoint
from waybill.tokens.obtain import TokenClient


class Account(Protocol):
    """One account of the target's pool."""

    @property
    def user(self) -> str:
        """The account's name at the server."""


class TargetAccess(Protocol):
    """A target that runs: where to connect, and as whom."""

    @property
    def name(self) -> str:
        """The target's name."""

    @property
    def driver(self) -> Driver | str:
        """The driver, or the name under which it is registered."""

    @property
    def promises(self) -> Mapping[str, Any]:
        """What the target promises, as its file says."""

    @property
    def nodes(self) -> Sequence[str]:
        """The names of its nodes, at least one, the default one first."""

    @property
    def issuer(self) -> TokenClient | None:
        """The issuer of its tokens; None where devices show passwords."""

    @property
    def odd_tokens(self) -> bool:
        """Whether its issuer signs odd claims on request, for tests."""

    @property
    def roles(self) -> Collection[str]:
        """The roles, beside `user`, that it has accounts with."""

    @property
    def administration(self) -> Any:
        """Where requests of administration go (`waybill.authorization.office.Office`); None where there is nobody."""

    def endpoint(self, node: str | None = None, client: str = "") -> Endpoint:
        """Where a node listens; without a name the first one. A client has a way of its own where ways can fail."""

    def account(self, role: str = "") -> Any:
        """A fresh `Account`, each one handed out once; with a role of `roles`, one that has it."""

    def forget(self, user: str, device: str = "", *, token: str = "") -> None:
        """Takes note that tokens of a user, of one device, or one of them were revoked; the next login gets another."""

    def refresh_token(self, account: Any, device: str) -> str:
        """What gets the token after the one that a device shows, at the issuer; empty where there is none."""

    def credential(
        self, account: Any, device: str, *, fresh: bool = False, bound: bool = True, once: bool = False
    ) -> Credential:
        """A valid credential of an account for one of its devices; `once` asks for one that is good for one login."""
