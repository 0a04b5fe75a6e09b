"""Getting an issuer's public keys: its discovery document, then its JWK set, over verified TLS."""

from __future__ import annotations

import http.client
import json
import ssl
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import jwt

from waybill_server.token_check import ALGORITHM, KeySet

LARGEST_DOCUMENT = 1_048_576
TIMEOUT = 5.0
RETRY_SECONDS = 0.05


class IssuerFailed(OSError):
    """The issuer cannot be reached or its documents cannot be used; the text says which and why."""


class JwkSource:
    """Where a node gets the keys of its issuer.

    Args:
        issuer: The issuer's identifier, an https URL.
        authority: The authority that signed its certificate (PEM); None for the system's.
    """

    def __init__(self, issuer: str, authority: Path | None) -> None:
        self._issuer = issuer.rstrip("/")
        self._given_up = threading.Event()
        self._context = (
            ssl.create_default_context(cafile=authority) if authority else ssl.create_default_context()
        )

    def give_up(self) -> None:
        """Ends a `wait` that goes on in another thread."""
        self._given_up.set()

    def fetch(self) -> KeySet:
        """Gets the present keys.

        Raises:
            IssuerFailed: It did not work.
        """
        discovery = self._get(f"{self._issuer}/.well-known/openid-configuration")
        if discovery.get("issuer") != self._issuer:
            raise IssuerFailed(
                f"the issuer calls itself {discovery.get('issuer')!r}, expected {self._issuer!r}"
            )
        keys = self._get(str(discovery.get("jwks_uri"))).get("keys")
        if not isinstance(keys, list):
            raise IssuerFailed("the JWK set has no list of keys")
        found = {}
        for key in keys:
            if isinstance(key, dict) and key.get("crv") == "P-256" and isinstance(key.get("kid"), str):
                try:
                    found[key["kid"]] = jwt.PyJWK(key, algorithm=ALGORITHM)
                except (jwt.PyJWTError, ValueError) as error:
                    raise IssuerFailed(f"key {key['kid']!r} of the JWK set is damaged: {error}") from None
        if not found:
            raise IssuerFailed(f"the JWK set has no key for {ALGORITHM}")
        return found

    def wait(self, deadline: float) -> KeySet:
        """Gets the keys, trying until the deadline (seconds from now), so that node and issuer may start together.

        Raises:
            IssuerFailed: The deadline passed; the text is the last attempt's.
        """
        end = time.monotonic() + deadline
        while True:
            try:
                return self.fetch()
            except IssuerFailed as error:
                if time.monotonic() + RETRY_SECONDS > end:
                    raise IssuerFailed(
                        f"issuer {self._issuer} gave no keys within {deadline:g} s: {error}"
                    ) from None
            if self._given_up.wait(RETRY_SECONDS):
                raise IssuerFailed("the node was told to end")

    def _get(self, url: str) -> dict[str, object]:
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.hostname:
            raise IssuerFailed(f"{url!r} is no https URL")
        connection = http.client.HTTPSConnection(
            parts.hostname, parts.port or 443, timeout=TIMEOUT, context=self._context
        )
        try:
            connection.request("GET", parts.path or "/", headers={"Accept": "application/json"})
            response = connection.getresponse()
            body = response.read(LARGEST_DOCUMENT)
        except (OSError, http.client.HTTPException) as error:
            raise IssuerFailed(f"{url}: {error}") from None
        finally:
            connection.close()
        if response.status != 200:
            raise IssuerFailed(f"{url} answered {response.status}, expected 200")
        try:
            document = json.loads(body)
        except ValueError as error:
            raise IssuerFailed(f"{url} is no JSON: {error}") from None
        if not isinstance(document, dict):
            raise IssuerFailed(f"{url} is no JSON object")
        return document
