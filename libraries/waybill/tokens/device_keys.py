"""Keys of devices: what a token is bound to, so that whoever steals it has nothing (RFC 7800, RFC 8725 section 3.5)."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import threading
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

COORDINATE = 32
"""Bytes of a coordinate, and of each half of a signature, on P-256."""


class DeviceKey:
    """A device's key on the curve P-256; what it is made of appears in no repr."""

    def __init__(self, private: ec.EllipticCurvePrivateKey) -> None:
        self._private = private

    @classmethod
    def new(cls) -> DeviceKey:
        """A key that nobody has had before."""
        return cls(ec.generate_private_key(ec.SECP256R1()))

    def public_jwk(self) -> dict[str, str]:
        """The public half as a JSON Web Key (RFC 7518, section 6.2)."""
        numbers = self._private.public_key().public_numbers()
        return {"kty": "EC", "crv": "P-256", "x": _coordinate(numbers.x), "y": _coordinate(numbers.y)}

    def sign(self, content: bytes) -> bytes:
        """A signature as ES256 has it: both numbers, 32 bytes each (RFC 7518, section 3.4)."""
        r, s = decode_dss_signature(self._private.sign(content, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(COORDINATE, "big") + s.to_bytes(COORDINATE, "big")

    def save(self, path: Path) -> None:
        """Writes the private key, readable by its owner only."""
        content = self._private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)


class DeviceKeys:
    """The keys of the devices of one target, each made when it is first asked for.

    Args:
        folder: Where the private keys lie, in files and a folder that only their owner reads.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._keys: dict[tuple[str, str], DeviceKey] = {}
        self._making = threading.Lock()

    def of(self, user: str, device: str) -> DeviceKey:
        """The key of a device."""
        with self._making:
            if (user, device) not in self._keys:
                key = DeviceKey.new()
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                # Names of users and devices are not always names of files.
                name = hashlib.sha256(json.dumps([user, device]).encode()).hexdigest()[:16]
                path = self._folder / f"{name}.pem"
                path.unlink(missing_ok=True)
                key.save(path)
                self._keys[user, device] = key
            return self._keys[user, device]


def _coordinate(number: int) -> str:
    return base64.urlsafe_b64encode(number.to_bytes(COORDINATE, "big")).rstrip(b"=").decode("ascii")
