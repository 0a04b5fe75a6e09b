"""Tokens are put together and taken apart without a loss, and public keys are read from their JWKs."""

from __future__ import annotations

import json

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from waybill.tokens import forge


@given(st.binary(max_size=300))
def test_every_part_survives_its_encoding(part: bytes) -> None:
    encoded = forge.encode(part)
    assert forge.decode(encoded) == part
    assert not set(encoded) & set("+/= \n")


@given(st.binary(max_size=100), st.binary(max_size=100), st.binary(max_size=100))
def test_a_joined_token_splits_into_what_was_joined(header: bytes, claims: bytes, signature: bytes) -> None:
    signed: list[bytes] = []
    token = forge.join(header, claims, lambda body: (signed.append(body), signature)[1])
    assert tuple(map(forge.decode, forge.split(token))) == (header, claims, signature)
    assert signed == [token.rpartition(".")[0].encode()]


@given(st.integers(1, forge.ORDER - 1), st.integers(1, forge.ORDER - 1))
def test_a_signature_survives_der(r: int, s: int) -> None:
    raw = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    assert forge.raw_signature(forge.der_signature(raw)) == raw


@pytest.mark.parametrize("text", ["", "token", "one.two", "one.two.three.four"])
def test_what_has_not_three_parts_is_not_split(text: str) -> None:
    with pytest.raises(ValueError, match="three parts"):
        forge.split(text)


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [
        ("ES256", forge.own_keys().curve),
        ("ES384", forge.own_keys().larger_curve),
        ("RS256", forge.own_keys().rsa),
        ("PS256", forge.own_keys().rsa),
        ("EdDSA", forge.own_keys().edwards),
    ],
)
def test_the_attackers_signatures_are_good_ones(
    algorithm: str, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
) -> None:
    sign = getattr(forge.own_keys(), algorithm.lower())
    token = forge.join(json.dumps({"alg": algorithm}).encode(), b'{"sub": "bob"}', sign)
    assert jwt.decode(token, key.public_key(), [algorithm])["sub"] == "bob"


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_a_shared_secret_signs_as_the_standard_says(algorithm: str) -> None:
    header = json.dumps({"alg": algorithm}).encode()
    secret = b"a secret of 64 bytes, so that no library complains of its length"
    token = forge.join(header, b'{"sub": "bob"}', forge.shared_secret(algorithm, secret))
    assert jwt.decode(token, secret, [algorithm])["sub"] == "bob"


def test_public_keys_are_read_from_their_jwks() -> None:
    own = forge.own_keys()
    curve = ec.generate_private_key(ec.SECP521R1()).public_key()
    assert forge.public_key(json.loads(ECAlgorithm.to_jwk(curve))) == curve
    assert forge.public_key(own.jwk("own")) == own.curve.public_key()
    assert forge.public_key(json.loads(RSAAlgorithm.to_jwk(own.rsa.public_key()))) == own.rsa.public_key()
    edwards = own.edwards.public_key()
    assert forge.public_key(json.loads(OKPAlgorithm.to_jwk(edwards))) == edwards


@pytest.mark.parametrize(
    "jwk",
    [{}, {"kty": "oct", "k": "c2VjcmV0"}, {"kty": "EC", "crv": "P-0", "x": "", "y": ""}, {"kty": "RSA"}],
)
def test_other_keys_are_refused(jwk: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="key"):
        forge.public_key(jwk)
