"""Proofs of possession that prove nothing: keys that sign something else, or whose signatures are spoilt.

A server that binds tokens asks for a signature by the token's key (RFC 7800). Each of these answers in place of the
device's key. What a driver has signed is its own affair, so nothing here knows what it looks like: device and token are
exchanged in it by what is known of them, and a whole text is exchanged for one that was signed earlier.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from waybill.drivers.base import DeviceKey
from waybill.tokens.device_keys import COORDINATE

SIGNATURE: Final = 2 * COORDINATE


class Remembering:
    """A device's key that keeps what it signed, as somebody has it who listens.

    Attributes:
        signed: The texts and their signatures, oldest first.
    """

    def __init__(self, key: DeviceKey) -> None:
        self._key = key
        self.signed: list[tuple[bytes, bytes]] = []

    def public_jwk(self) -> Mapping[str, str]:
        """The key's public half."""
        return self._key.public_jwk()

    def sign(self, content: bytes) -> bytes:
        """The key's signature."""
        self.signed.append((content, self._key.sign(content)))
        return self.signed[-1][1]


class Spoiling:
    """A key that signs another text than it is asked to, or whose signature is not left as it is.

    Args:
        key: The genuine key.
        text: What it signs in place of a text.
        signature: What it gives in place of a signature.
    """

    def __init__(
        self,
        key: DeviceKey,
        *,
        text: Callable[[bytes], bytes] = bytes,
        signature: Callable[[bytes], bytes] = bytes,
    ) -> None:
        self._key = key
        self._text = text
        self._signature = signature

    def public_jwk(self) -> Mapping[str, str]:
        """The key's public half."""
        return self._key.public_jwk()

    def sign(self, content: bytes) -> bytes:
        """Something that looks like a signature of the content."""
        return self._signature(self._key.sign(self._text(content)))


class Guessing:
    """No key at all: signatures are drawn by lot."""

    def public_jwk(self) -> Mapping[str, str]:
        """Nothing."""
        return {}

    def sign(self, content: bytes) -> bytes:
        """Bytes that nobody computed from the content."""
        del content
        return os.urandom(SIGNATURE)


@dataclass(frozen=True, slots=True)
class Proven:
    """What false proofs are made of.

    Attributes:
        key: The genuine key of the token.
        device: The device's name.
        token: The token.
        another_token: Another genuine token of the same device.
        earlier: A text that the key signed in an earlier login, and the signature.
    """

    key: DeviceKey
    device: str
    token: str
    another_token: str
    earlier: tuple[bytes, bytes]


def false_proofs(made_of: Proven) -> dict[str, DeviceKey]:
    """Every false proof by its name."""
    key, (earlier, signature) = made_of.key, made_of.earlier
    device, others = made_of.device.encode(), f"{made_of.device}-2".encode()
    token, another = (
        hashlib.sha256(one.encode()).hexdigest() for one in (made_of.token, made_of.another_token)
    )
    texts: dict[str, Callable[[bytes], bytes]] = {
        "proof-of-an-earlier-nonce": lambda _: earlier,
        "proof-for-another-device": lambda text: text.replace(device, others),
        "proof-of-another-token": lambda text: text.replace(token.encode(), another.encode()),
        "proof-in-capitals": bytes.upper,
        "proof-of-half-the-text": lambda text: text[: len(text) // 2],
        "proof-of-more-text": lambda text: text + b"\n",
        "proof-of-nothing": lambda _: b"",
    }
    signatures: dict[str, Callable[[bytes], bytes]] = {
        "signature-of-an-earlier-login": lambda _: signature,
        "signature-missing": lambda _: b"",
        "signature-cut-by-a-byte": lambda one: one[:-1],
        "signature-cut-in-half": lambda one: one[:COORDINATE],
        "signature-with-a-byte-more": lambda one: one + b"\0",
        "signature-with-a-bit-turned": lambda one: one[:-1] + bytes([one[-1] ^ 1]),
        "signature-with-halves-exchanged": lambda one: one[COORDINATE:] + one[:COORDINATE],
        "signature-of-zeros": lambda one: bytes(len(one)),
        "signature-in-another-form": _in_der,
    }
    return {
        **{name: Spoiling(key, text=text) for name, text in texts.items()},
        **{name: Spoiling(key, signature=spoilt) for name, spoilt in signatures.items()},
    }


def _in_der(signature: bytes) -> bytes:
    """The two numbers as certificates have them, which is not the form of a JWS (RFC 7518, section 3.4)."""
    r, s = (int.from_bytes(half, "big") for half in (signature[:COORDINATE], signature[COORDINATE:]))
    return encode_dss_signature(r, s)
