"""What a token says can be read without a key; what is no token says nothing."""

from __future__ import annotations

import base64
import json

import pytest

from waybill.tokens.reading import end_of, key_id, token_id


def written(header: object, claims: object) -> str:
    """A token with a signature that nobody looks at."""
    parts = (json.dumps(part).encode() for part in (header, claims))
    return ".".join([*(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts), "AA"])


def test_what_a_token_names_is_read() -> None:
    token = written({"kid": "k1"}, {"jti": "t1", "exp": 12})
    assert (key_id(token), token_id(token), end_of(token)) == ("k1", "t1", 12.0)


@pytest.mark.parametrize("token", ["", "a word", written([], []), written({}, {})])
def test_what_names_nothing_is_empty(token: str) -> None:
    assert (key_id(token), token_id(token)) == ("", "")
    with pytest.raises(ValueError, match="with an end"):
        end_of(token)
