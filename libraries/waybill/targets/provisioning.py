"""Making accounts at a launched server that keeps its own: one HTTP request for each account that is used."""

from __future__ import annotations

import http.client
import ssl
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from waybill.targets.accounts import Account
from waybill.targets.errors import TargetError
from waybill.targets.http_exchange import DEADLINE, exchange
from waybill.targets.model import AccountRequest
from waybill.targets.templates import fill

_SHOWN: Final = 300


class Provisioner:
    """Makes accounts at a server, each one once.

    Args:
        request: What to send.
        values: The placeholders of the launch.
        authority: The certificate authority to trust (a PEM file).
        where: The table that the request is from, for error messages.

    Raises:
        TargetError: The request has an unknown placeholder.
    """

    def __init__(
        self, request: AccountRequest, values: Mapping[str, str], authority: Path, where: str
    ) -> None:
        self._request = request
        self._values = dict(values)
        self._where = where
        self._tls = ssl.create_default_context(cafile=str(authority))
        self._made: set[str] = set()
        self._lock = threading.Lock()
        self._filled(Account("user", "password"))

    def make(self, account: Account, seconds: float = DEADLINE) -> None:
        """Makes an account, unless this object has made it before.

        Args:
            account: Whom.
            seconds: How long it may take.

        Raises:
            TargetError: The server did not say that it made it; the message has its answer, and no password.
        """
        with self._lock:
            if account.user in self._made:
                return
        url, body, headers = self._filled(account)
        try:
            status, answer = exchange(
                self._request.method, url, body, headers, tls=self._tls, seconds=min(seconds, DEADLINE)
            )
        except (OSError, http.client.HTTPException) as error:
            raise self._failed(account, url, f"no answer: {error or type(error).__name__}") from None
        if status not in self._request.accept:
            expected = ", ".join(map(str, self._request.accept))
            said = f"status {status} (expected {expected}) and the answer '{answer[:_SHOWN]}'"
            raise self._failed(account, url, said)
        with self._lock:
            self._made.add(account.user)

    def _filled(self, account: Account) -> tuple[str, str, dict[str, str]]:
        values = {**self._values, "user": account.user, "password": account.password}
        request = self._request
        headers = {"Content-Type": "application/json"}
        headers.update(
            (name, fill(text, values, f"{self._where}.headers")) for name, text in request.headers.items()
        )
        return (
            fill(request.url, values, f"{self._where}.url"),
            fill(request.body, values, f"{self._where}.body"),
            headers,
        )

    def _failed(self, account: Account, url: str, what: str) -> TargetError:
        told = f"{self._request.method} {url} gave {what}".replace(account.password, "(password)")
        return TargetError(
            f"The account '{account.user}' could not be made at the server: {told}. "
            f"The request is in {self._where}."
        )
