"""Where devices' tokens come from: an issuer's token endpoint, by one grant or another, or other means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from waybill.tokens.obtain import Token, TokenClient


class TokenSource(Protocol):
    """Gives tokens for the devices of accounts."""

    @property
    def client(self) -> TokenClient | None:
        """The issuer that it asks; None where it asks none."""

    def obtain(
        self, user: str, password: str, *, device: str = "", more: Mapping[str, str] | None = None
    ) -> Token:
        """A token of an account.

        Args:
            user: The account.
            password: Its password.
            device: The device that it is for; empty for any.
            more: Further parameters, for a source that is an issuer.

        Raises:
            TokenError: There is none.
        """


class ClientCredentials:
    """Tokens that clients of an issuer get by themselves (RFC 6749, section 4.4).

    Args:
        client: The issuer.
        name: The client's id; `{user}` in it stands for the account.
        secret: Its secret; `{password}` in it stands for the account's password. Never shown.
    """

    def __init__(self, client: TokenClient, name: str, secret: str) -> None:
        self.client: TokenClient | None = client
        self._issuer = client
        self._name = name
        self._secret = secret

    def obtain(
        self, user: str, password: str, *, device: str = "", more: Mapping[str, str] | None = None
    ) -> Token:
        """A token for an account, as `TokenSource.obtain` has it."""
        return self._issuer.obtain_as_client(
            user,
            self._name.replace("{user}", user),
            self._secret.replace("{password}", password),
            device=device,
            more=more,
        )
