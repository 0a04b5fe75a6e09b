"""The issuer's signing key, made at its first start and kept for its owner alone."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

KEY_FILE = "signing-key.pem"


class KeyRefused(Exception):
    """The key file cannot be used; the text says why."""


class SigningKey:
    """An ES256 key pair.

    Attributes:
        private: The key that signs.
        kid: Its id, the RFC 7638 thumbprint's beginning.
        public: The public half as a JWK.
    """

    def __init__(self, private: ec.EllipticCurvePrivateKey) -> None:
        self.private = private
        jwk = json.loads(ECAlgorithm.to_jwk(private.public_key()))
        point = {name: jwk[name] for name in ("crv", "kty", "x", "y")}
        self.kid = hashlib.sha256(json.dumps(point, separators=(",", ":")).encode()).hexdigest()[:16]
        self.public = {**point, "kid": self.kid, "alg": "ES256", "use": "sig"}

    def sign(self, message: bytes) -> bytes:
        """The ES256 signature of a message (RFC 7518, section 3.4)."""
        return ECAlgorithm(ECAlgorithm.SHA256).sign(message, self.private)


def load_or_make(folder: Path) -> SigningKey:
    """The key of a data directory; made, with mode 600, if there is none.

    Raises:
        KeyRefused: It cannot be read or is no P-256 key.
    """
    path = folder / KEY_FILE
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            make_key(path)
        private = serialization.load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise KeyRefused(f"signing key {path} cannot be used: {error}") from None
    if not isinstance(private, ec.EllipticCurvePrivateKey) or private.curve.name != "secp256r1":
        raise KeyRefused(f"signing key {path} is no P-256 key")
    return SigningKey(private)


def make_key(path: Path) -> None:
    """Makes a new key in place of the file's.

    Raises:
        OSError: It cannot be written.
    """
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_privately(path, pem)


def write_privately(path: Path, content: bytes) -> None:
    """Writes a file of mode 600, wholly or not at all.

    Raises:
        OSError: It cannot be written.
    """
    draft = path.with_suffix(".new")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(handle, content)
        os.fsync(handle)
    finally:
        os.close(handle)
    draft.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
