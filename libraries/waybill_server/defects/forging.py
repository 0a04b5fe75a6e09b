"""Sessions for people who show a token that the issuer never gave, or not for here and now."""

from __future__ import annotations

import hashlib
import hmac
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization

from waybill_server.defects.registry import seeded
from waybill_server.identity import Identity
from waybill_server.token_check import ALGORITHM, AUDIENCE, IssuerTokenCheck, TokenCheck, require_type, verify
from waybill_server.token_claims import identity_of
from waybill_server.token_form import Opened, TokenRefused, opened


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


@seeded("accepts-alg-none", seam="token check", noticed={"TOK-1": ("none-without-signature",)})
class AcceptsAlgNone(_Lax):
    """A token that says it is not signed (`alg` is none, in any letters) needs no signature."""

    async def again(self, token: str) -> Identity:
        """Believes what is not signed."""
        body = token.rpartition(".")[0]
        parts = opened(f"{body}.AA")
        if str(parts.header.get("alg")).lower() != "none":
            raise TokenRefused("signed, and not by the issuer")
        return self.believed(parts)


@seeded("accepts-hs-with-public-key", seam="token check", noticed={"TOK-1": ("hs256-of-the-pem",)})
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


@seeded("trusts-embedded-jwk", seam="token check", noticed={"TOK-1": ("jwk-embedded",)})
class TrustsEmbeddedJwk(_Lax):
    """A token may bring the key along that it is verified with (`jwk` in its header)."""

    async def again(self, token: str) -> Identity:
        """Verifies with the attacker's key."""
        parts = opened(token)
        try:
            key = jwt.PyJWK(parts.header["jwk"], ALGORITHM)
        except (jwt.PyJWTError, LookupError, TypeError, ValueError):
            raise TokenRefused("it brings no key") from None
        verify(parts, key)
        return self.believed(parts)


@seeded("ignores-signature", seam="token check", noticed={"TOK-1": ("signature-bit-flipped",)})
class IgnoresSignature(_Lax):
    """The claims of a token are checked, its signature is not."""

    async def again(self, token: str) -> Identity:
        """Believes any signature."""
        return self.believed(opened(token))


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
)
class IgnoresExpiry(_Signed):
    """A token is good for ever: its end is not looked at."""

    async def again(self, token: str) -> Identity:
        """Gives it another hour."""
        return self.believed(await self.signed(token), iat=time.time(), exp=time.time() + 3600.0)


@seeded("ignores-audience", seam="token check", noticed={"TOK-1": ("audience-other",)})
class IgnoresAudience(_Signed):
    """A token that the issuer gave for another server is taken as well."""

    async def again(self, token: str) -> Identity:
        """Takes whoever it is for."""
        return self.believed(await self.signed(token), aud=AUDIENCE)
