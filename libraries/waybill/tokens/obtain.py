"""Getting tokens from an issuer's token endpoint, as any OAuth 2.0 client does.

The kit holds no signing key: what it cannot obtain here it does not have.
"""

from __future__ import annotations

import ipaddress
import json
import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

_DISCOVERY: Final = ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server")
_MOST_BYTES: Final = 1_048_576


class TokenError(Exception):
    """No token was obtained; the message says from where and why."""


class IssuerUnreachable(TokenError):
    """The issuer gave no usable answer."""


class TokenRefused(TokenError):
    """The issuer answered with a refusal.

    Attributes:
        code: The error code of RFC 6749, `invalid_grant` for a wrong password.
        status: The HTTP status.
    """

    def __init__(self, message: str, code: str, status: int) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


@dataclass(frozen=True, slots=True)
class Token:
    """An access token.

    Attributes:
        text: The token; never shown.
        lifetime: Seconds from its issue to its end, as the issuer says; 0 where it does not say.
    """

    text: str = field(repr=False)
    lifetime: float = 0.0


class TokenClient:
    """A client of one issuer.

    Attributes:
        issuer: The issuer's address.
    """

    def __init__(
        self,
        issuer: str,
        *,
        authority: Path | None = None,
        client: str = "",
        scope: str = "",
        deadline: float = 10.0,
    ) -> None:
        """Prepares the client; nothing is fetched yet.

        Args:
            issuer: The issuer's address, `https://HOST:PORT`.
            authority: The certificate authority to trust (a PEM file); None for the system's own.
            client: The client id to name; empty for none.
            scope: The scope to ask for; empty for the issuer's default.
            deadline: Seconds for each request.
        """
        if not issuer.startswith("https://"):
            raise ValueError(f"expected an issuer address https://HOST:PORT, found '{issuer}'")
        self.issuer = issuer.rstrip("/")
        self._client = client
        self._scope = scope
        self._deadline = deadline
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if authority is None:
            context.load_default_certs()
        else:
            context.load_verify_locations(cafile=authority)
        handlers: list[urllib.request.BaseHandler] = [urllib.request.HTTPSHandler(context=context)]
        if _is_loopback(self.issuer):
            handlers.append(urllib.request.ProxyHandler({}))
        self._opener = urllib.request.build_opener(*handlers)
        self._endpoints: dict[str, Any] | None = None

    def discover(self) -> dict[str, Any]:
        """The issuer's description of itself (OpenID Connect Discovery, else RFC 8414), fetched once.

        Raises:
            IssuerUnreachable: There is none, or it describes another issuer.
        """
        if self._endpoints is None:
            problems = []
            for path in _DISCOVERY:
                status, document = self._request(self.issuer + path)
                if status == 200 and isinstance(document.get("token_endpoint"), str):
                    self._endpoints = document
                    break
                problems.append(f"{path}: status {status}")
            else:
                raise IssuerUnreachable(
                    f"The issuer {self.issuer} has no discovery document with a token_endpoint "
                    f"({'; '.join(problems)}). Is this the issuer's address?"
                )
            named = str(self._endpoints.get("issuer", "")).rstrip("/")
            if named != self.issuer:
                self._endpoints = None
                raise IssuerUnreachable(
                    f"The discovery document of {self.issuer} describes another issuer: '{named}'."
                )
        return self._endpoints

    def keys(self) -> list[dict[str, Any]]:
        """The issuer's public keys, as its JWK set has them (RFC 7517).

        Raises:
            IssuerUnreachable: It gave no usable answer.
        """
        url = self.discover().get("jwks_uri")
        if not isinstance(url, str):
            raise IssuerUnreachable(f"The discovery document of {self.issuer} has no jwks_uri.")
        status, document = self._request(url)
        keys = document.get("keys")
        if status != 200 or not isinstance(keys, list):
            raise IssuerUnreachable(f"{url} answered with status {status} and without a list of keys.")
        return [key for key in keys if isinstance(key, dict)]

    def keys_age(self) -> float:
        """Seconds for which the issuer's keys may be kept, as it says with them (`Cache-Control: max-age`); 0 where it
        does not say.

        Raises:
            IssuerUnreachable: It gave no usable answer.
        """
        url = str(self.discover().get("jwks_uri", ""))
        try:
            with self._opener.open(url, timeout=self._deadline) as answer:
                told = re.search(r"\bmax-age=(\d+)", answer.headers.get("Cache-Control", ""))
        except (OSError, HTTPException, ValueError) as error:
            raise IssuerUnreachable(f"{url} cannot be reached: {error}.") from None
        return float(told.group(1)) if told else 0.0

    def obtain(
        self, user: str, password: str, *, device: str = "", more: Mapping[str, str] | None = None
    ) -> Token:
        """Obtains a token for an account's password (grant `password`).

        Args:
            user: The account.
            password: Its password.
            device: The device to name; empty for none.
            more: Further parameters of the request.

        Raises:
            TokenRefused: The issuer refused.
            IssuerUnreachable: It gave no usable answer.
        """
        form = {"grant_type": "password", "username": user, "password": password}
        optional = {"device": device, "client_id": self._client, "scope": self._scope}
        form.update({name: value for name, value in optional.items() if value})
        form.update(more or {})
        endpoint = self.discover()["token_endpoint"]
        status, answer = self._request(endpoint, urlencode(form).encode())
        if status != 200:
            code = str(answer.get("error", f"status {status}"))
            described = str(answer.get("error_description", "")).strip()
            raise TokenRefused(
                f"{endpoint} refused a token for '{user}': {code}{f' ({described})' if described else ''}.",
                code,
                status,
            )
        text = answer.get("access_token")
        kind = str(answer.get("token_type", ""))
        if not isinstance(text, str) or not text or kind.lower() != "bearer":
            raise IssuerUnreachable(
                f"{endpoint} answered without a usable token: expected access_token and token_type 'Bearer', "
                f"found the keys {sorted(answer)} and token_type '{kind}'."
            )
        lifetime = answer.get("expires_in", 0)
        return Token(text, float(lifetime) if isinstance(lifetime, int | float) else 0.0)

    def _request(self, url: str, form: bytes | None = None) -> tuple[int, dict[str, Any]]:
        headers = {"Accept": "application/json"}
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        request = urllib.request.Request(url, data=form, headers=headers)
        try:
            try:
                with self._opener.open(request, timeout=self._deadline) as answer:
                    status, content = answer.status, answer.read(_MOST_BYTES)
            except urllib.error.HTTPError as error:
                with error:
                    status, content = error.code, error.read(_MOST_BYTES)
        except (OSError, HTTPException, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            raise IssuerUnreachable(
                f"{url} cannot be reached: {reason}. Does the issuer run, and is its certificate from the "
                f"authority that the target names?"
            ) from None
        try:
            document = json.loads(content)
        except ValueError:
            document = {}
        return status, document if isinstance(document, dict) else {}


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
