"""The issuer: a small OAuth 2.0 authorization server of its own process.

It gives access tokens (RFC 9068 profile, ES256) for the password and client-credentials grants, publishes its public
key as a JWK set, and describes itself (RFC 8414). Errors are those of RFC 6749, section 5.2.
"""

from __future__ import annotations

import base64
import binascii
import json
import secrets
import ssl
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs

from waybill_server.accounts import Accounts
from waybill_server.logs import log
from waybill_server.odd_tokens import Oddities, OddRefused, oddities
from waybill_server.signing_key import SigningKey

AUDIENCE = "waybill"
LARGEST_FORM = 16_384
DISCARDED_BYTES = 1_048_576
IDLE_SECONDS = 10.0
DISCOVERY = ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server")


class GrantRefused(Exception):
    """A token request that gets none, as RFC 6749 names it."""

    def __init__(self, code: str, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.code = code
        self.status = status


@dataclass(frozen=True, slots=True)
class TokenMaker:
    """Makes access tokens.

    Attributes:
        issuer: The issuer's identifier, an https URL.
        key: Signs.
        accounts: Who may get one.
        lifetime: Seconds until a token expires.
        odd: For tests: gives odd tokens to whoever asks for one (`odd_tokens`).
    """

    issuer: str
    key: SigningKey
    accounts: Accounts
    lifetime: int
    odd: bool = False

    def grant(self, form: dict[str, str], basic: tuple[str, str] | None) -> dict[str, object]:
        """The answer to a token request.

        Raises:
            GrantRefused: There is no token for it.
        """
        kind = form.get("grant_type")
        if kind is None:
            raise GrantRefused("invalid_request", "grant_type is missing")
        if kind == "password":
            user, password = form.get("username"), form.get("password")
            if user is None or password is None:
                raise GrantRefused("invalid_request", "username and password are needed")
            if not self.accounts.valid(user, password):
                raise GrantRefused("invalid_grant", "no such user, or another password")
            client = form.get("client_id") or (basic[0] if basic else "public")
        elif kind == "client_credentials":
            if basic is None or not self.accounts.valid(*basic):
                raise GrantRefused("invalid_client", "HTTP basic credentials of an account are needed", 401)
            user = client = basic[0]
        else:
            raise GrantRefused("unsupported_grant_type", "expected password or client_credentials")
        try:
            odd = oddities(form, user, int(time.time()), self.accounts.known) if self.odd else None
        except OddRefused as refused:
            raise GrantRefused("invalid_request", str(refused)) from None
        answer: dict[str, object] = {
            "access_token": self.token(user, client, form.get("device"), odd or Oddities()),
            "token_type": "Bearer",
            "expires_in": self.lifetime,
        }
        if form.get("scope"):
            answer["scope"] = form["scope"]
        return answer

    def token(self, user: str, client: str, device: str | None, odd: Oddities) -> str:
        """A signed access token."""
        now = int(time.time())
        claims: dict[str, object] = {
            "iss": self.issuer,
            "sub": user,
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + self.lifetime,
            "jti": secrets.token_hex(16),
            "client_id": client,
        }
        if device:
            claims["device"] = device
        header = {"alg": "ES256", "typ": "at+jwt", "kid": self.key.kid}
        signed = f"{_part(odd.header_text(header).encode())}.{_part(odd.claims_text(claims).encode())}"
        return f"{signed}.{_part(self.key.sign(signed.encode('ascii')))}"

    def discovery(self) -> dict[str, object]:
        """What RFC 8414 and OpenID Connect Discovery ask an issuer to say of itself."""
        return {
            "issuer": self.issuer,
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks.json",
            "grant_types_supported": ["password", "client_credentials"],
            "response_types_supported": [],
            "subject_types_supported": ["public"],
            "token_endpoint_auth_methods_supported": ["none", "client_secret_basic"],
            "id_token_signing_alg_values_supported": ["ES256"],
        }


def _part(content: bytes) -> str:
    """Base64url without padding (RFC 7515, section 2)."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode("ascii")


class IssuerServer(ThreadingHTTPServer):
    """The issuer's HTTPS server; the TLS handshake is done in the connection's own thread."""

    daemon_threads = True
    request_queue_size = 256
    maker: TokenMaker

    def __init__(self, address: tuple[str, int], context: ssl.SSLContext) -> None:
        super().__init__(address, _Handler)
        self._context = context

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Serves one connection."""
        request.settimeout(IDLE_SECONDS)
        try:
            with self._context.wrap_socket(request, server_side=True) as secured:
                super().finish_request(secured, client_address)
        except OSError as error:
            log("connection-failed", peer=str(client_address), error=str(error))

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Notes what went wrong while serving, in one line."""
        log("request-failed", peer=str(client_address))


class _Handler(BaseHTTPRequestHandler):
    """One connection of an HTTP client."""

    protocol_version = "HTTP/1.1"
    server_version = "waybill-issuer"
    sys_version = ""
    disable_nagle_algorithm = True
    server: IssuerServer
    _no_store: ClassVar[dict[str, str]] = {"Cache-Control": "no-store", "Pragma": "no-cache"}

    def do_GET(self) -> None:
        """The public documents."""
        path = self.path.partition("?")[0]
        if path in DISCOVERY:
            self._answer(200, self.server.maker.discovery())
        elif path == "/jwks.json":
            self._answer(200, {"keys": [self.server.maker.key.public]})
        else:
            self._answer(404, {"error": "not_found"})

    def do_POST(self) -> None:
        """The token endpoint."""
        try:
            form = self._form()
            if self.path.partition("?")[0] != "/token":
                self._answer(404, {"error": "not_found"})
                return
            self._answer(200, self.server.maker.grant(form, self._basic()), self._no_store)
        except GrantRefused as refused:
            headers = dict(self._no_store)
            if refused.status == 401:
                headers["WWW-Authenticate"] = 'Basic realm="waybill"'
            self._answer(refused.status, {"error": refused.code, "error_description": str(refused)}, headers)

    def _form(self) -> dict[str, str]:
        length = self.headers.get("Content-Length", "")
        known = length.isascii() and length.isdigit() and len(length) < 8
        if not known or int(length) > LARGEST_FORM:
            self.close_connection = True
            if known:
                # A client that is answered while it still writes may see a reset instead of the answer.
                self._discard(min(int(length), DISCARDED_BYTES))
            raise GrantRefused(
                "invalid_request", f"a form of at most {LARGEST_FORM} bytes with its length is needed"
            )
        body = self.rfile.read(int(length))
        if self.headers.get_content_type() != "application/x-www-form-urlencoded":
            raise GrantRefused("invalid_request", "expected application/x-www-form-urlencoded")
        try:
            fields = parse_qs(
                body.decode("ascii"),
                keep_blank_values=True,
                strict_parsing=True,
                max_num_fields=32,
                errors="strict",
            )
        except ValueError:
            raise GrantRefused("invalid_request", "the form cannot be read") from None
        if any(len(values) > 1 for values in fields.values()):
            raise GrantRefused("invalid_request", "a parameter is given twice")
        return {name: values[0] for name, values in fields.items()}

    def _discard(self, count: int) -> None:
        while count > 0 and (part := self.rfile.read(min(count, 65_536))):
            count -= len(part)

    def _basic(self) -> tuple[str, str] | None:
        scheme, _, value = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise GrantRefused("invalid_client", "the basic credentials cannot be read", 401) from None
        return user, password

    def _answer(
        self, status: int, document: dict[str, object], headers: dict[str, str] | None = None
    ) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        """Requests are not logged; their forms hold passwords."""
