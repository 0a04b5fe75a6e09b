"""Asking an issuer over verified TLS."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

LARGEST_DOCUMENT = 1_048_576
TIMEOUT = 5.0


class IssuerFailed(OSError):
    """The issuer cannot be reached or its documents cannot be used; the text says which and why."""


class Reply(NamedTuple):
    """What was answered: the status, the JSON object, the header that says how long it may be kept."""

    status: int
    document: Mapping[str, object]
    cache_control: str


class HttpsClient:
    """Asks for JSON; every call has a connection of its own, blocks, and belongs in a thread.

    Args:
        authority: The authority that signed the issuer's certificate (PEM); None for the system's.
    """

    def __init__(self, authority: Path | None) -> None:
        self._context = (
            ssl.create_default_context(cafile=authority) if authority else ssl.create_default_context()
        )

    def get(self, url: str) -> Reply:
        """A public document.

        Raises:
            IssuerFailed: It cannot be had.
        """
        reply = self.ask("GET", url)
        if reply.status != 200:
            raise IssuerFailed(f"{url} answered {reply.status}, expected 200")
        return reply

    def ask(
        self, method: str, url: str, document: Mapping[str, object] | None = None, token: str = ""
    ) -> Reply:
        """Makes a request, on behalf of whom a token speaks for, and gives whatever was answered.

        Raises:
            IssuerFailed: Nothing was answered, or no JSON object.
        """
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.hostname:
            raise IssuerFailed(f"{url!r} is no https URL")
        headers = {"Accept": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        body = None
        if document is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(document).encode()
        connection = http.client.HTTPSConnection(
            parts.hostname, parts.port or 443, timeout=TIMEOUT, context=self._context
        )
        try:
            connection.request(method, parts.path or "/", body, headers)
            response = connection.getresponse()
            content = response.read(LARGEST_DOCUMENT)
        except (OSError, http.client.HTTPException) as error:
            raise IssuerFailed(f"{url}: {error}") from None
        finally:
            connection.close()
        try:
            found = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise IssuerFailed(f"{url} is no JSON: {error}") from None
        if not isinstance(found, dict):
            raise IssuerFailed(f"{url} is no JSON object")
        return Reply(response.status, found, response.headers.get("Cache-Control", ""))
