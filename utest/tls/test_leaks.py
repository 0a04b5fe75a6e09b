from __future__ import annotations

import json
import os
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from itertools import cycle
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waybill.tls.leaks import CHANCE, leaked_bytes

TOKEN = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1c2VyLTAwMSJ9.q8Yk+Z/7vNw_3-Rt"


def masked(content: bytes) -> bytes:
    """As a client of WebSocket says it."""
    return bytes(one ^ mask for one, mask in zip(content, cycle(os.urandom(4)), strict=False))


FORMS: dict[str, Callable[[str], bytes]] = {
    "as it is": str.encode,
    "JSON": lambda secret: json.dumps({"token": secret}).encode(),
    "address": lambda secret: quote(secret, safe="").encode(),
    "base64": lambda secret: b64encode(secret.encode()),
    "base64 for addresses": lambda secret: urlsafe_b64encode(secret.encode()),
    "SASL PLAIN": lambda secret: b64encode(f"\0user-001\0{secret}".encode()),
    "base64 one further": lambda secret: b64encode(b"x" + secret.encode() + b"yy"),
    "base64 two further": lambda secret: b64encode(b"xx" + secret.encode()),
    "masked": lambda secret: masked(b'{"token": "' + secret.encode() + b'"}'),
    "base64 and masked": lambda secret: masked(b64encode(secret.encode())),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("secret", [TOKEN, "IIHU82Nt6P07zT7DQJH6lLCn", 'quo"te and/slash & more'])
def test_a_secret_is_found_in_every_form(form: str, secret: str) -> None:
    found = leaked_bytes(os.urandom(500) + FORMS[form](secret) + os.urandom(500), [secret])
    assert len(secret) - 3 <= found <= len(secret) + 3


@given(st.binary(max_size=2000))
def test_noise_is_no_secret(noise: bytes) -> None:
    assert leaked_bytes(noise, [TOKEN]) == 0


def test_a_long_conversation_in_secret_is_no_secret() -> None:
    assert leaked_bytes(os.urandom(200_000), [TOKEN, "IIHU82Nt6P07zT7DQJH6lLCn"]) == 0


def test_a_piece_counts_from_what_is_no_chance() -> None:
    assert leaked_bytes(TOKEN[20 : 20 + CHANCE - 1].encode(), [TOKEN]) == 0
    assert leaked_bytes(TOKEN[20 : 20 + CHANCE].encode(), [TOKEN]) == CHANCE
    assert leaked_bytes(TOKEN[5:40].encode() + b"#" + TOKEN[40:].encode(), [TOKEN]) == 35


def test_of_a_short_secret_all_of_it_counts() -> None:
    assert leaked_bytes(b"the word is abc", ["abc"]) == 3
    assert leaked_bytes(b"the word is ab", ["abc"]) == 0


def test_the_longest_piece_of_any_secret_counts_and_none_is_no_secret() -> None:
    assert leaked_bytes(b"hunter2hunter2 and " + TOKEN.encode(), ["hunter2hunter2", TOKEN]) == len(TOKEN)
    assert leaked_bytes(b"anything", ["", ""]) == 0
