"""What an issuer gives: access tokens in RFC 9068's profile, signed with ES256, and refresh tokens with them."""

from __future__ import annotations

import base64
import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from waybill_server.accounts import Accounts
from waybill_server.issuer_store import IssuerStore
from waybill_server.odd_tokens import Oddities, OddRefused, oddities
from waybill_server.proof import jwk_of, public_key
from waybill_server.refresh_tokens import Family, RefreshRefused, RefreshTokens
from waybill_server.signing_key import SigningKey
from waybill_server.token_check import AUDIENCE
from waybill_server.token_form import TokenRefused

OFFLINE = "offline_access"
"""The scope that asks for a refresh token (OpenID Connect Core, section 11)."""

GRANTS = ("password", "client_credentials", "refresh_token")
LONGEST_WAIT = 1.0


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
        key: The key that signs now.
        accounts: Who may get one.
        lifetime: Seconds until a token expires.
        odd: For tests: gives odd tokens to whoever asks for one (`odd_tokens`).
        store: Remembers what was given.
    """

    issuer: str
    key: Callable[[], SigningKey]
    accounts: Accounts
    lifetime: int
    odd: bool = False
    store: IssuerStore = field(default_factory=lambda: IssuerStore(None))

    def grant(self, form: Mapping[str, str], basic: tuple[str, str] | None) -> dict[str, object]:
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
        elif kind == "refresh_token":
            return self._refreshed(form)
        else:
            raise GrantRefused("unsupported_grant_type", f"expected one of {', '.join(GRANTS)}")
        return self._granted(form, user, client, lasting=kind == "password")

    def revoke(self, form: Mapping[str, str]) -> None:
        """Ends the grant of a client's refresh token (RFC 7009); one that is not known is not good anyway.

        Raises:
            GrantRefused: The request is malformed, about an access token, or another client's.
        """
        token = form.get("token")
        if not token:
            raise GrantRefused("invalid_request", "token is missing")
        if "." in token:
            raise GrantRefused("unsupported_token_type", "access tokens are revoked at /admin/revocations")
        with self.store.transaction() as connection:
            tokens = RefreshTokens(connection)
            family = tokens.family_of(token)
            if family is not None:
                _same_client(form, family)
                tokens.end(family.family)

    def _granted(
        self, form: Mapping[str, str], user: str, client: str, *, lasting: bool
    ) -> dict[str, object]:
        roles = self.accounts.roles(user)
        try:
            odd = oddities(form, user, int(time.time()), self.accounts.known, roles) if self.odd else None
        except OddRefused as refused:
            raise GrantRefused("invalid_request", str(refused)) from None
        # The client of a client-credentials grant has what it needs to ask again (RFC 6749, section 4.4.3).
        scopes = [one for one in form.get("scope", "").split() if lasting or one != OFFLINE]
        family = Family(
            secrets.token_hex(16),
            user,
            client,
            form.get("device", ""),
            _key(form.get("cnf_jwk", "")),
            _flag(form.get("once", "false")),
            " ".join(scopes),
        )

        def begin() -> tuple[Family, str]:
            return family, RefreshTokens(self.store.connection).begin(family, time.time())

        def only() -> tuple[Family, str]:
            return family, ""

        return self._given(user, begin if OFFLINE in scopes else only, odd or Oddities())

    def _refreshed(self, form: Mapping[str, str]) -> dict[str, object]:
        token = form.get("refresh_token")
        if not token:
            raise GrantRefused("invalid_request", "refresh_token is missing")
        tokens = RefreshTokens(self.store.connection)
        with self.store.transaction():
            family = tokens.family_of(token)
        if family is None:
            raise GrantRefused("invalid_grant", "no such refresh token")
        _same_client(form, family)
        if set(form.get("scope", "").split()) - set(family.scope.split()):
            raise GrantRefused("invalid_scope", "more than was granted at first")
        if not self.accounts.known(family.user):
            raise GrantRefused("invalid_grant", "the account is gone")
        return self._given(family.user, lambda: tokens.use(token, time.time()), Oddities())

    def _given(self, user: str, take: Callable[[], tuple[Family, str]], odd: Oddities) -> dict[str, object]:
        """Gives tokens, in a second after the last revocation of the user: what is issued up to that one is revoked."""
        waited = 0
        while True:
            with self.store.transaction():
                now = time.time()
                wait = self.store.revocations.newest(user) // 1000 + 1 - now
                if wait <= 0 or waited:
                    try:
                        family, refresh = take()
                    except RefreshRefused as refused:
                        refusal = GrantRefused("invalid_grant", str(refused))
                        break
                    return self._answer(family, refresh, int(now), odd)
            waited += 1
            time.sleep(min(wait, LONGEST_WAIT))
        raise refusal

    def _answer(self, family: Family, refresh: str, now: int, odd: Oddities) -> dict[str, object]:
        token_id = secrets.token_hex(16)
        connection = self.store.connection
        connection.execute("DELETE FROM issued WHERE expires < ?", (now,))
        connection.execute(
            "INSERT INTO issued VALUES (?, ?, ?, ?)",
            (token_id, family.family, family.user, now + self.lifetime),
        )
        answer: dict[str, object] = {
            "access_token": self.token(family, token_id, now, odd),
            "token_type": "Bearer",
            "expires_in": self.lifetime,
        }
        if refresh:
            answer["refresh_token"] = refresh
        if family.scope:
            answer["scope"] = family.scope
        return answer

    def token(self, family: Family, token_id: str, now: int, odd: Oddities) -> str:
        """A signed access token."""
        claims: dict[str, object] = {
            "iss": self.issuer,
            "sub": family.user,
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + self.lifetime,
            "jti": token_id,
            "client_id": family.client,
            "sid": family.family,
            "roles": list(self.accounts.roles(family.user)),
        }
        if family.device:
            claims["device"] = family.device
        if family.key:
            claims["cnf"] = {"jwk": json.loads(family.key)}
        if family.once:
            claims["once"] = True
        key = self.key()
        header = {"alg": "ES256", "typ": "at+jwt", "kid": key.kid}
        signed = f"{_part(odd.header_text(header).encode())}.{_part(odd.claims_text(claims).encode())}"
        return f"{signed}.{_part(key.sign(signed.encode('ascii')))}"


def _same_client(form: Mapping[str, str], family: Family) -> None:
    if form.get("client_id", family.client) != family.client:
        raise GrantRefused("invalid_grant", "the refresh token was given to another client")


def _key(text: str) -> str:
    """The key to bind to, as JSON with nothing in it but the key."""
    if not text:
        return ""
    try:
        return json.dumps(jwk_of(public_key(json.loads(text))))
    except (TokenRefused, ValueError, RecursionError) as error:
        raise GrantRefused("invalid_request", f"cnf_jwk is no public key on P-256: {error}") from None


def _flag(text: str) -> bool:
    if text not in ("true", "false"):
        raise GrantRefused("invalid_request", "once is true or false")
    return text == "true"


def _part(content: bytes) -> str:
    """Base64url without padding (RFC 7515, section 2)."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode("ascii")
