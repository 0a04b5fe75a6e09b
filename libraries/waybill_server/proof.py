"""Proof of possession: a token that names a key (RFC 7800) is good only together with a signature by that key.

The signature is over a nonce that this connection alone was given, so that one that was overheard proves nothing
later; over the device and the token, so that it proves nothing elsewhere.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePublicKey,
    EllipticCurvePublicNumbers,
)
from jwt.algorithms import ECAlgorithm

from waybill_server.token_form import TokenRefused, decoded

CONTEXT = "waybill-proof-v2"
NONCE_BYTES = 32
COORDINATE_BYTES = 32
SIGNATURE_BYTES = 64

_ES256 = ECAlgorithm(ECAlgorithm.SHA256)


def proof_text(nonce: str, device: str, token: str) -> bytes:
    """What the holder of a key signs."""
    digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{CONTEXT}\n{nonce}\n{device}\n{digest}".encode("ascii")


class ProofCheck:
    """How a node makes sure that a client has the key that its token names."""

    def nonce(self) -> str:
        """A nonce that was never given before: 32 random bytes in base64url."""
        return secrets.token_urlsafe(NONCE_BYTES)

    def proven(
        self, key: EllipticCurvePublicKey, signature: str, nonce: str, device: str, token: str
    ) -> bool:
        """Whether this is the key's signature for this nonce, device and token."""
        try:
            content = decoded(signature)
        except TokenRefused:
            return False
        return len(content) == SIGNATURE_BYTES and _ES256.verify(
            proof_text(nonce, device, token), key, content
        )


def confirmation_key(confirmation: object) -> EllipticCurvePublicKey:
    """The key that a `cnf` claim names.

    Raises:
        TokenRefused: It names none that could be proven here.
    """
    if not isinstance(confirmation, Mapping) or "jwk" not in confirmation:
        raise TokenRefused("the claim cnf names no jwk")
    return public_key(confirmation["jwk"])


def public_key(jwk: object) -> EllipticCurvePublicKey:
    """A P-256 key of its JWK (RFC 7518, section 6.2.1).

    Raises:
        TokenRefused: It is none, or brings its private half along.
    """
    if not isinstance(jwk, Mapping) or (jwk.get("kty"), jwk.get("crv")) != ("EC", "P-256"):
        raise TokenRefused("the key is no JWK on P-256")
    if "d" in jwk:
        raise TokenRefused("the key is a private one")
    x, y = _coordinate(jwk.get("x")), _coordinate(jwk.get("y"))
    try:
        return EllipticCurvePublicNumbers(x, y, SECP256R1()).public_key()
    except ValueError:
        raise TokenRefused("the key is no point of the curve") from None


def jwk_of(key: EllipticCurvePublicKey) -> dict[str, str]:
    """A key as a JWK with nothing in it but the key."""
    jwk = ECAlgorithm.to_jwk(key, as_dict=True)
    return {name: str(jwk[name]) for name in ("kty", "crv", "x", "y")}


def _coordinate(text: object) -> int:
    content = decoded(text) if isinstance(text, str) and text.isascii() else b""
    if len(content) != COORDINATE_BYTES:
        raise TokenRefused(f"a coordinate of the key has {len(content)} bytes, expected {COORDINATE_BYTES}")
    return int.from_bytes(content, "big")
