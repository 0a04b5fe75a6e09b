"""The issuer: a small OAuth 2.0 authorization server of its own process.

It gives access tokens (`grants`), publishes its public keys as a JWK set, and describes itself (RFC 8414). Errors of
the token endpoint are those of RFC 6749, section 5.2.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

from waybill_server.grants import GRANTS, OFFLINE, GrantRefused, TokenMaker
from waybill_server.https_service import BodyRefused, CredentialsRefused, Exchange, HttpsServer
from waybill_server.identity import Identity
from waybill_server.issuer_admin import CallRefused, IssuerAdministration
from waybill_server.issuer_keys import IssuerKeys
from waybill_server.signing_key import KeyRefused

__all__ = ["GrantRefused", "IssuerServer", "TokenMaker"]

KEYS_AGE = 1
"""Seconds that the JWK set may be used: after its grace a retired key is to be refused soon."""


class IssuerServer(HttpsServer):
    """The issuer's HTTPS server.

    Attributes:
        maker: Makes the tokens.
        keys: The keys that sign them.
        administration: What administrators may do.
    """

    maker: TokenMaker
    keys: IssuerKeys
    administration: IssuerAdministration

    def __init__(self, address: tuple[str, int], context: ssl.SSLContext) -> None:
        super().__init__(address, context, _IssuerExchange)

    def use(self, maker: TokenMaker, keys: IssuerKeys) -> None:
        """Serves with these; to be called before the first request."""
        self.maker = maker
        self.keys = keys
        self.administration = IssuerAdministration(maker, keys)

    def discovery(self) -> dict[str, object]:
        """What RFC 8414 and OpenID Connect Discovery ask an issuer to say of itself."""
        issuer = self.maker.issuer
        return {
            "issuer": issuer,
            "token_endpoint": f"{issuer}/token",
            "revocation_endpoint": f"{issuer}/revoke",
            "jwks_uri": f"{issuer}/jwks.json",
            "grant_types_supported": list(GRANTS),
            "scopes_supported": [OFFLINE],
            "response_types_supported": [],
            "subject_types_supported": ["public"],
            "token_endpoint_auth_methods_supported": ["none", "client_secret_basic"],
            "revocation_endpoint_auth_methods_supported": ["none"],
            "id_token_signing_alg_values_supported": ["ES256"],
        }


class _IssuerExchange(Exchange):
    """One connection of an HTTP client."""

    server_version = "waybill-issuer"
    server: IssuerServer

    def serve(self) -> None:
        """Answers one request."""
        path = self.path.partition("?")[0]
        methods = ROUTES.get(path)
        try:
            body = self.body()
            if methods is None:
                self.answer(404, {"error": "not_found"})
            elif self.command not in methods:
                self.answer(405, {"error": "method_not_allowed"}, {"Allow": ", ".join(methods)})
            else:
                methods[self.command](self, body)
        except BodyRefused as refused:
            self.refuse(GrantRefused("invalid_request", str(refused)))
        except GrantRefused as refused:
            self.refuse(refused)
        except CallRefused as refused:
            headers = dict(self.no_store)
            if refused.status == 401:
                headers["WWW-Authenticate"] = 'Bearer realm="waybill"'
            self.answer(refused.status, refused.document, headers)

    def refuse(self, refused: GrantRefused) -> None:
        """Answers a request that gets no token."""
        headers = dict(self.no_store)
        if refused.status == 401:
            headers["WWW-Authenticate"] = 'Basic realm="waybill"'
        self.answer(refused.status, {"error": refused.code, "error_description": str(refused)}, headers)

    def discovery(self, body: bytes) -> None:
        """The issuer's description."""
        self.answer(200, self.server.discovery())

    def key_set(self, body: bytes) -> None:
        """The public keys."""
        self.answer(200, {"keys": self.server.keys.published()}, {"Cache-Control": f"max-age={KEYS_AGE}"})

    def token(self, body: bytes) -> None:
        """The token endpoint."""
        form = self._form(body)
        try:
            basic = self.basic()
        except CredentialsRefused as refused:
            raise GrantRefused("invalid_client", str(refused), 401) from None
        self.answer(200, self.server.maker.grant(form, basic), self.no_store)

    def revoke(self, body: bytes) -> None:
        """The revocation endpoint (RFC 7009)."""
        self.server.maker.revoke(self._form(body))
        self.answer(200, {}, self.no_store)

    def rotate_key(self, body: bytes) -> None:
        """A new signing key."""
        try:
            self._administer(self.server.administration.rotate, body)
        except KeyRefused as refused:
            raise CallRefused(503, "storage", str(refused)) from None

    def revoke_access(self, body: bytes) -> None:
        """A revocation by an administrator, or of one's own."""
        self._administer(self.server.administration.revoke, body)

    def _administer(
        self, call: Callable[[Identity, Mapping[str, object]], dict[str, object]], body: bytes
    ) -> None:
        caller = self.server.administration.caller(self.bearer())
        try:
            document = json.loads(body.decode("utf-8") or "{}")
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise CallRefused(400, "malformed", "the body is no JSON object")
        self.answer(200, call(caller, document), self.no_store)

    def _form(self, body: bytes) -> dict[str, str]:
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


ROUTES: dict[str, dict[str, Callable[[Any, bytes], None]]] = {
    "/.well-known/openid-configuration": {"GET": _IssuerExchange.discovery},
    "/.well-known/oauth-authorization-server": {"GET": _IssuerExchange.discovery},
    "/jwks.json": {"GET": _IssuerExchange.key_set},
    "/token": {"POST": _IssuerExchange.token},
    "/revoke": {"POST": _IssuerExchange.revoke},
    "/admin/keys": {"POST": _IssuerExchange.rotate_key},
    "/admin/revocations": {"POST": _IssuerExchange.revoke_access},
}
"""What there is to call, by path and method."""
