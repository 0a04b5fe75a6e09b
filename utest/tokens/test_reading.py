"""What a token says is read without any key, and nothing is made up."""

from __future__ import annotations

import pytest

from waybill.tokens import forge
from waybill.tokens.reading import key_id, token_id


def token(header: bytes, claims: bytes = b"{}") -> str:
    return forge.join(header, claims, forge.unsigned)


def test_the_ids_of_a_token_and_of_its_key() -> None:
    made = token(b'{"alg":"ES256","kid":"k1"}', b'{"jti":"t1"}')
    assert (key_id(made), token_id(made)) == ("k1", "t1")


@pytest.mark.parametrize(
    "made", ["", "a word", "a.b.c", token(b"{}"), token(b"[]", b"[]"), token(b"\xff", b"\xff")]
)
def test_what_names_none_has_none(made: str) -> None:
    assert (key_id(made), token_id(made)) == ("", "")
