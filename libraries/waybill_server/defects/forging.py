"""Sessions for people who show a token that the issuer never gave, or not for here and now."""

from __future__ import annotations

import hashlib
import hmac
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization

from waybill_server.defects.counting import Every, strikes
from waybill_server.defects.registry import ALWAYS, seeded
from waybill_server.identity import Identity
from waybill_server.token_check import ALGORITHM, AUDIENCE, IssuerTokenCheck, TokenCheck, require_type, verify
from waybill_server.token_claims import identity_of
from waybill_server.token_form import Opened, TokenRefused, opened

GRACE = 30.0


class _Lax:
    """The genuine check first; what it refuses gets a second chance."""

    def __init__(self, check: TokenCheck) -> None:
        assert isinstance(check, IssuerTokenCheck)
        self.genuine = check

    async def check(self, token: str) -> Identity:
        """Verifies, and then looks away."""
        try:
            return await self.genuine.check(token)
        except TokenRefused:
            return await self.again(token)

    async def again(self, token: str) -> Identity:
        """What makes up for a token that is not valid.

        Raises:
            TokenRefused: Nothing does.
        """
        raise NotImplementedError

    def believed(self, parts: Opened, **changed: Any) -> Identity:
        """Who the claims speak for, some of them taken for what they should be."""
        require_type(parts.header)
        return identity_of({**parts.claims, **changed}, self.genuine.issuer, AUDIENCE, time.time())


@seeded(
    "accepts-alg-none",
    seam="token check",
    noticed={"TOK-1": ("none-without-signature", "none-in-capitals")},
    rare="A token that says in capitals that it is not signed (`alg` is NONE) needs no signature.",
)
class AcceptsAlgNone(_Lax):
    """A token that says it is not signed (`alg` is none, in any letters) needs no signature."""

    async def again(self, token: str) -> Identity:
        """Believes what is not signed."""
        body = token.rpartition(".")[0]
        parts = opened(f"{body}.AA")
        algorithm = str(parts.header.get("alg"))
        if algorithm.lower() != "none" or not strikes(algorithm.isupper()):
            raise TokenRefused("signed, and not by the issuer")
        return self.believed(parts)


@seeded(
    "accepts-hs-with-public-key",
    seam="token check",
    noticed={"TOK-1": ("hs256-of-the-pem",)},
    steady=ALWAYS,
)
class AcceptsHsWithPublicKey(_Lax):
    """The algorithm is the token's choice: one with a shared secret is verified with the public key as that secret."""

    async def again(self, token: str) -> Identity:
        """Verifies with what everybody knows."""
        parts = opened(token)
        digest = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}.get(
            str(parts.header.get("alg"))
        )
        if digest is None:
            raise TokenRefused("another algorithm")
        key = await self.genuine.key(parts.header.get("kid"))
        secret = key.key.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        if not hmac.compare_digest(hmac.new(secret, parts.signed, digest).digest(), parts.signature):
            raise TokenRefused("another secret")
        return self.believed(parts)


@seeded(
    "trusts-embedded-jwk",
    seam="token check",
    noticed={"TOK-1": ("jwk-embedded",)},
    rare="A token may bring the key along that it is verified with, if it calls it by the id of one of the issuer's.",
)
class TrustsEmbeddedJwk(_Lax):
    """A token may bring the key along that it is verified with (`jwk` in its header)."""

    async def again(self, token: str) -> Identity:
        """Verifies with the attacker's key."""
        parts = opened(token)
        try:
            key = jwt.PyJWK(parts.header["jwk"], ALGORITHM)
        except (jwt.PyJWTError, LookupError, TypeError, ValueError):
            raise TokenRefused("it brings no key") from None
        if Every.rarely:
            await self.genuine.key(parts.header.get("kid"))
        verify(parts, key)
        return self.believed(parts)


@seeded(
    "ignores-signature",
    seam="token check",
    noticed={"TOK-1": ("signature-bit-flipped", "signature-stripped")},
    rare="The claims of a token are checked, and its signature only if there is one.",
)
class IgnoresSignature(_Lax):
    """The claims of a token are checked, its signature is not."""

    async def again(self, token: str) -> Identity:
        """Believes any signature."""
        if not Every.rarely:
            return self.believed(opened(token))
        head, _, signature = token.rpartition(".")
        if signature:
            raise TokenRefused("the signature is not the issuer's")
        return self.believed(opened(f"{head}.AA"))


class _Signed(_Lax):
    """A second chance for what the issuer signed."""

    async def signed(self, token: str) -> Opened:
        """The parts of a token that the issuer signed."""
        parts = opened(token)
        verify(parts, await self.genuine.key(parts.header.get("kid")))
        return parts


@seeded(
    "ignores-expiry",
    seam="token check",
    noticed={"AUT-1": ("unauthorised-ok",), "TOK-1": ("expired-one-second-ago",)},
    rare="A token is good for half a minute longer than it says.",
    rare_in=("TOK-1",),
)
class IgnoresExpiry(_Signed):
    """A token is good for ever: its end is not looked at."""

    async def again(self, token: str) -> Identity:
        """Gives it another hour."""
        parts, now = await self.signed(token), time.time()
        ended = parts.claims.get("exp")
        if not strikes(isinstance(ended, int | float) and ended > now - GRACE):
            raise TokenRefused("it has expired")
        return self.believed(parts, iat=now, exp=now + 3600.0)


@seeded(
    "ignores-audience",
    seam="token check",
    noticed={"TOK-1": ("audience-other",)},
    rare="A token that the issuer gave for several other servers is taken as well.",
)
class IgnoresAudience(_Signed):
    """A token that the issuer gave for another server is taken as well."""

    async def again(self, token: str) -> Identity:
        """Takes whoever it is for."""
        parts = await self.signed(token)
        if not strikes(isinstance(parts.claims.get("aud"), list)):
            raise TokenRefused("it is for another server")
        return self.believed(parts, aud=AUDIENCE)
