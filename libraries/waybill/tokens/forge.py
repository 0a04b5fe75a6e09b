"""Putting tokens together by hand, since token libraries refuse to build what an attacker would send.

Nothing here checks anything: a header and claims are texts, a signature is whatever a function makes of them. The
issuer's signing key is never needed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

Claims = dict[str, Any]
Sign = Callable[[bytes], bytes]

ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""The order of the curve P-256: a signature's numbers lie below it and are not 0."""

_DIGESTS: Final = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}
_CURVES: Final[dict[str, type[ec.EllipticCurve]]] = {
    "P-256": ec.SECP256R1,
    "P-384": ec.SECP384R1,
    "P-521": ec.SECP521R1,
}


def encode(part: bytes) -> str:
    """Base64url without padding (RFC 7515, section 2)."""
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode("ascii")


def decode(part: str) -> bytes:
    """The bytes of one base64url part.

    Raises:
        ValueError: The part is not base64url.
    """
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def join(header: bytes, claims: bytes, sign: Sign) -> str:
    """A compact token of these texts, signed by the given function."""
    body = f"{encode(header)}.{encode(claims)}"
    return f"{body}.{encode(sign(body.encode('ascii')))}"


def split(token: str) -> tuple[str, str, str]:
    """The three parts of a compact token.

    Raises:
        ValueError: It has not three.
    """
    parts = token.split(".")
    if len(parts) != 3:
        raise ValueError(f"expected a compact token of three parts, found {len(parts)}")
    return parts[0], parts[1], parts[2]


def unsigned(_: bytes) -> bytes:
    """No signature."""
    return b""


def shared_secret(algorithm: str, secret: bytes) -> Sign:
    """Signs as HS256, HS384 or HS512 do."""
    return lambda message: hmac.new(secret, message, _DIGESTS[algorithm]).digest()


def raw_signature(der: bytes, size: int = 32) -> bytes:
    """An ECDSA signature as its two numbers side by side (RFC 7518, section 3.4)."""
    r, s = decode_dss_signature(der)
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def der_signature(raw: bytes) -> bytes:
    """The same two numbers in DER, as most libraries make them and no token has them."""
    half = len(raw) // 2
    return encode_dss_signature(int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big"))


@dataclass(frozen=True, slots=True)
class OwnKeys:
    """Keys of an attacker, one of each kind."""

    curve: ec.EllipticCurvePrivateKey
    larger_curve: ec.EllipticCurvePrivateKey
    rsa: rsa.RSAPrivateKey
    edwards: ed25519.Ed25519PrivateKey

    def es256(self, message: bytes) -> bytes:
        """An ECDSA signature on P-256."""
        return raw_signature(self.curve.sign(message, ec.ECDSA(hashes.SHA256())))

    def es384(self, message: bytes) -> bytes:
        """An ECDSA signature on P-384."""
        return raw_signature(self.larger_curve.sign(message, ec.ECDSA(hashes.SHA384())), 48)

    def rs256(self, message: bytes) -> bytes:
        """An RSA signature, PKCS 1.5."""
        return self.rsa.sign(message, padding.PKCS1v15(), hashes.SHA256())

    def ps256(self, message: bytes) -> bytes:
        """An RSA signature, PSS."""
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), salt_length=32)
        return self.rsa.sign(message, pss, hashes.SHA256())

    def eddsa(self, message: bytes) -> bytes:
        """An Ed25519 signature."""
        return self.edwards.sign(message)

    def jwk(self, kid: str) -> Claims:
        """The public key on P-256 as a JWK."""
        numbers = self.curve.public_key().public_numbers()
        x, y = (encode(value.to_bytes(32, "big")) for value in (numbers.x, numbers.y))
        return {"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": kid, "alg": "ES256", "use": "sig"}


@cache
def own_keys() -> OwnKeys:
    """The attacker's keys, made once in each process."""
    return OwnKeys(
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP384R1()),
        rsa.generate_private_key(public_exponent=65537, key_size=2048),
        ed25519.Ed25519PrivateKey.generate(),
    )


PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey


def public_key(jwk: Claims) -> PublicKey:
    """The public key of a JWK.

    Raises:
        ValueError: It is of a kind that nobody signs tokens with, or damaged.
    """
    try:
        match jwk["kty"]:
            case "EC":
                x, y = (int.from_bytes(decode(jwk[name]), "big") for name in ("x", "y"))
                return ec.EllipticCurvePublicNumbers(x, y, _CURVES[jwk["crv"]]()).public_key()
            case "RSA":
                modulus, exponent = (int.from_bytes(decode(jwk[name]), "big") for name in ("n", "e"))
                return rsa.RSAPublicNumbers(exponent, modulus).public_key()
            case "OKP" if jwk["crv"] == "Ed25519":
                return ed25519.Ed25519PublicKey.from_public_bytes(decode(jwk["x"]))
            case kind:
                raise ValueError(f"a key of the kind {kind!r}")
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"a damaged key: {error}") from None


def pem(key: PublicKey) -> bytes:
    """A public key in PEM, as key files have it."""
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def der(key: PublicKey) -> bytes:
    """A public key in DER."""
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
