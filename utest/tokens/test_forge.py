"""Forged tokens are really false, each in its own way, and made without any key of the issuer."""

from __future__ import annotations

import json
import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from waybill.tokens.forge import decode, forgeries, not_even_tokens

KEY = ec.generate_private_key(ec.SECP256R1())


def genuine() -> str:
    claims = {"sub": "mallory", "iss": "https://issuer", "aud": "waybill", "exp": int(time.time()) + 600}
    return jwt.encode(claims, KEY, algorithm="ES256", headers={"kid": "one"})


def accepted(token: str) -> bool:
    try:
        jwt.decode(token, KEY.public_key(), algorithms=["ES256"], audience="waybill", issuer="https://issuer")
    except jwt.PyJWTError:
        return False
    return True


def test_a_correct_verifier_accepts_the_genuine_token() -> None:
    assert accepted(genuine())


def test_a_correct_verifier_refuses_every_forgery() -> None:
    for forgery in forgeries(genuine(), "bob") + not_even_tokens():
        assert not accepted(forgery.token), forgery.name


def test_forgeries_have_names_of_their_own() -> None:
    names = [forgery.name for forgery in forgeries(genuine(), "bob") + not_even_tokens()]
    assert len(set(names)) == len(names) >= 14


def test_a_naive_verifier_would_take_the_victims_name_from_them() -> None:
    subjects = [json.loads(decode(f.token.split(".")[1]))["sub"] for f in forgeries(genuine(), "bob")]
    assert subjects.count("bob") >= 5


def test_the_token_is_not_in_the_repr() -> None:
    for forgery in forgeries(genuine(), "bob"):
        assert forgery.token not in repr(forgery)


def test_something_that_is_no_token_cannot_be_forged_from() -> None:
    with pytest.raises(ValueError, match="three parts"):
        forgeries("password", "bob")
