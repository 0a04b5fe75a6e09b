"""Tokens that no issuer made: what an attacker can build from one genuine token and a key of their own.

Everything is put together by hand, since token libraries refuse to build what an attacker would send. The server's own
signing key is never needed: a forged token is judged by what the server does with it, not by how good it is.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

Claims = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Forgery:
    """One false token.

    Attributes:
        name: What is wrong with it, as it reads in a log.
        token: The token; never shown in a repr.
        why: The standard that demands the refusal.
    """

    name: str
    token: str = field(repr=False)
    why: str


def encode(part: bytes) -> str:
    """Base64url without padding (RFC 7515, section 2)."""
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode("ascii")


def decode(part: str) -> bytes:
    """The bytes of one base64url part.

    Raises:
        ValueError: The part is not base64url.
    """
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def join(header: Claims, claims: Claims, sign: Callable[[bytes], bytes]) -> str:
    """A compact token of these parts, signed by the given function."""
    body = f"{encode(json.dumps(header).encode())}.{encode(json.dumps(claims).encode())}"
    return f"{body}.{encode(sign(body.encode('ascii')))}"


def signer(key: ec.EllipticCurvePrivateKey) -> Callable[[bytes], bytes]:
    """Signs as ES256 does: SHA-256 and the two numbers side by side (RFC 7518, section 3.4)."""

    def sign(message: bytes) -> bytes:
        r, s = decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    return sign


def forgeries(genuine: str, victim: str) -> list[Forgery]:
    """False tokens for a victim, made from an attacker's own genuine token.

    Args:
        genuine: A token that the issuer gave to the attacker.
        victim: The account to impersonate.

    Raises:
        ValueError: The genuine token is not a compact JWT of three parts.
    """
    parts = genuine.split(".")
    if len(parts) != 3:
        raise ValueError(f"expected a compact token of three parts, found {len(parts)}")
    header: Claims = json.loads(decode(parts[0]))
    claims: Claims = json.loads(decode(parts[1]))
    stolen = claims | {"sub": victim}
    own_key = signer(ec.generate_private_key(ec.SECP256R1()))
    flipped = bytearray(decode(parts[2]))
    flipped[len(flipped) // 2] ^= 1
    unsigned = lambda _: b""  # noqa: E731
    made = [
        ("signature stripped", f"{parts[0]}.{parts[1]}.", "RFC 7515, 5.2"),
        ("signature cut short", f"{parts[0]}.{parts[1]}.{parts[2][: len(parts[2]) // 2]}", "RFC 7515, 5.2"),
        (
            "signature with one bit flipped",
            f"{parts[0]}.{parts[1]}.{encode(bytes(flipped))}",
            "RFC 7515, 5.2",
        ),
        ("signature of zeros", f"{parts[0]}.{parts[1]}.{encode(bytes(64))}", "RFC 7515, 5.2; CVE-2022-21449"),
        (
            "subject changed under the old signature",
            f"{parts[0]}.{_part(stolen)}.{parts[2]}",
            "RFC 7519, 7.2",
        ),
        ("algorithm none", join(header | {"alg": "none"}, stolen, unsigned), "RFC 8725, 3.1"),
        ("algorithm nOnE", join(header | {"alg": "nOnE"}, stolen, unsigned), "RFC 8725, 3.1"),
        ("signed with a key of the attacker", join(header, stolen, own_key), "RFC 8725, 3.8"),
        (
            "expired and signed with a key of the attacker",
            join(header, stolen | {"exp": int(time.time()) - 3600}, own_key),
            "RFC 7519, 4.1.4",
        ),
    ]
    return [Forgery(name, token, why) for name, token, why in made]


def not_even_tokens() -> list[Forgery]:
    """Things in a token's place that are no token at all."""
    made = [
        ("no token", ""),
        ("one word", "token"),
        ("the word null", "null"),
        ("two dots", ".."),
        ("random text of a token's length", encode(bytes(range(256)))),
    ]
    return [Forgery(name, token, "RFC 7519, 7.2") for name, token in made]


def _part(claims: Claims) -> str:
    return encode(json.dumps(claims).encode())
