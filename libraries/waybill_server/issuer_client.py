"""Telling the issuer of a revocation, so that it gives no new token for what was revoked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from waybill_server.https_client import HttpsClient, IssuerFailed
from waybill_server.revocations import Target

PATH = "/admin/revocations"


class IssuerForbids(Exception):
    """The issuer does not let the caller revoke this."""


class IssuerClient:
    """A node's way to its issuer.

    Args:
        issuer: The issuer's identifier, an https URL.
        authority: The authority that signed its certificate (PEM); None for the system's.
    """

    def __init__(self, issuer: str, authority: Path | None) -> None:
        self._url = issuer.rstrip("/") + PATH
        self._client = HttpsClient(authority)

    def informer(self, target: Target, token: str) -> Callable[[], int]:
        """Tells of a revocation in the name of its caller when called, which blocks; gives the milliseconds since 1970
        from which on it counts there: no token that was issued later is concerned.

        The call raises `IssuerForbids`, or `IssuerFailed` if it did not work.
        """

        def inform() -> int:
            reply = self._client.ask("POST", self._url, target.document(), token)
            if reply.status == 403:
                raise IssuerForbids
            at = reply.document.get("at")
            if reply.status != 200 or not isinstance(at, int):
                raise IssuerFailed(f"{self._url} answered {reply.status}, expected 200 and when it counts")
            return at

        return inform
