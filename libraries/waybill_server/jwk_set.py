"""Getting an issuer's public keys: its discovery document, then its JWK set, over verified TLS."""

from __future__ import annotations

import math
import re
import threading
import time
from pathlib import Path

import jwt

from waybill_server.https_client import HttpsClient, IssuerFailed
from waybill_server.key_cache import PublishedKeys
from waybill_server.token_check import ALGORITHM

__all__ = ["IssuerFailed", "JwkSource"]

RETRY_SECONDS = 0.05

LONGEST_USE = 300.0
"""Seconds that a set is used at most, and where the issuer says nothing of it (RFC 9111, section 5.2.2)."""

_MAX_AGE = re.compile(r"(?:^|[\s,])max-age=\"?(\d{1,9})", re.ASCII | re.IGNORECASE)
_UNCACHED = re.compile(r"(?:^|[\s,])no-(?:cache|store)", re.ASCII | re.IGNORECASE)


class JwkSource:
    """Where a node gets the keys of its issuer.

    Args:
        issuer: The issuer's identifier, an https URL.
        authority: The authority that signed its certificate (PEM); None for the system's.
    """

    def __init__(self, issuer: str, authority: Path | None) -> None:
        self._issuer = issuer.rstrip("/")
        self._given_up = threading.Event()
        self._client = HttpsClient(authority)
        self._location = ""

    def give_up(self) -> None:
        """Ends a `wait` that goes on in another thread."""
        self._given_up.set()

    def fetch(self) -> PublishedKeys:
        """Gets the present keys; where they lie is asked once.

        Raises:
            IssuerFailed: It did not work.
        """
        self._location = self._location or self._discovered()
        reply = self._client.get(self._location)
        keys = reply.document.get("keys")
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
        return PublishedKeys(found, _max_age(reply.cache_control))

    def _discovered(self) -> str:
        discovery = self._client.get(f"{self._issuer}/.well-known/openid-configuration").document
        if discovery.get("issuer") != self._issuer:
            raise IssuerFailed(
                f"the issuer calls itself {discovery.get('issuer')!r}, expected {self._issuer!r}"
            )
        return str(discovery.get("jwks_uri"))

    def wait(self, deadline: float) -> PublishedKeys:
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


def _max_age(cache_control: str) -> float:
    if _UNCACHED.search(cache_control):
        return 0.0
    found = _MAX_AGE.search(cache_control)
    return min(float(found[1]) if found else math.inf, LONGEST_USE)
