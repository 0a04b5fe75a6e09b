"""The name and the key of the issuer in these tests."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import ec

from waybill_server.signing_key import SigningKey

ISSUER = "https://issuer.example:8443"
KEY = SigningKey(ec.generate_private_key(ec.SECP256R1()))
