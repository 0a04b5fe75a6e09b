"""Tokens by other grants, from programs and from files: what is got, and what is said where there is none."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_obtain import Issuer

from waybill.tokens import forge
from waybill.tokens.from_command import CommandTokens
from waybill.tokens.from_file import IssuedTokens
from waybill.tokens.obtain import Token, TokenError, TokenRefused
from waybill.tokens.reading import claims, seconds_left, token_id
from waybill.tokens.sources import ClientCredentials


def token(**said: object) -> str:
    """A token that claims something, signed by nobody."""
    return forge.join(b'{"alg":"ES256"}', json.dumps(said).encode(), lambda _: b"no signature")


@pytest.fixture
def issuer(tmp_path: Path) -> Iterator[Issuer]:
    issuer = Issuer(tmp_path)
    yield issuer
    issuer.close()


# What a token says.


def test_what_a_token_says_is_read_without_a_key() -> None:
    assert token_id(token(jti="t-1")) == "t-1"
    assert seconds_left(token(exp=time.time() + 100)) == pytest.approx(100, abs=5)
    assert claims(token(sub="alice")) == {"sub": "alice"}


@pytest.mark.parametrize(
    "text", ["", "a.b.c", "no token", token(), "e30.W10.e30", token(exp="soon"), token(exp=True)]
)
def test_what_is_no_token_says_nothing(text: str) -> None:
    assert (token_id(text), seconds_left(text)) == ("", None)


# Refresh tokens.


def test_a_token_is_refreshed_and_the_next_refresh_token_kept(issuer: Issuer) -> None:
    good = {"access_token": "a.b.c", "token_type": "Bearer", "expires_in": 5}
    issuer.answer = (200, {**good, "refresh_token": "r-1"})
    client = issuer.client(client="kit")
    first = client.obtain("alice", "x")
    assert first == Token("a.b.c", 5.0, "r-1")
    assert "r-1" not in repr(first)
    issuer.answer = (200, {**good, "refresh_token": "r-2"})
    assert client.refresh("r-1").refresh == "r-2"
    assert issuer.forms[-1] == {
        "grant_type": ["refresh_token"],
        "refresh_token": ["r-1"],
        "client_id": ["kit"],
    }
    issuer.answer = (200, good)
    assert client.refresh("r-2").refresh == "r-2", (
        "where the issuer gives no other one along, the old one stays good"
    )


def test_a_refused_refresh_token_is_not_shown(issuer: Issuer) -> None:
    issuer.answer = (400, {"error": "invalid_grant"})
    with pytest.raises(TokenRefused, match="refused a token for a refresh token: invalid_grant") as refused:
        issuer.client().refresh("r-secret")
    assert "r-secret" not in str(refused.value)


# Client credentials.


def test_a_client_gets_a_token_by_itself(issuer: Issuer) -> None:
    client = issuer.client(scope="chat", parameters={"audience": "chat", "login": "{user}/{device}"})
    source = ClientCredentials(client, "kit:{user}", "{password} &=")
    assert source.client is client
    assert source.obtain("alice", "se:cret", device="phone", more={"more": "1"}) == Token("a.b.c", 300.0)
    assert issuer.forms == [
        {
            "grant_type": ["client_credentials"],
            "scope": ["chat"],
            "audience": ["chat"],
            "login": ["alice/phone"],
            "more": ["1"],
        }
    ]
    (header,) = issuer.headers
    pair = base64.b64decode(header["Authorization"].removeprefix("Basic ")).decode()
    assert pair == "kit%3Aalice:se%3Acret+%26%3D"


def test_a_client_that_is_refused_is_told_without_its_secret(issuer: Issuer) -> None:
    issuer.answer = (401, {"error": "invalid_client"})
    with pytest.raises(TokenRefused, match="refused a token for 'alice': invalid_client") as refused:
        ClientCredentials(issuer.client(), "kit", "top-secret").obtain("alice", "x")
    assert "top-secret" not in str(refused.value)


# A program.


def program(script: str, *arguments: str, folder: Path, deadline: float = 10.0) -> CommandTokens:
    return CommandTokens(["sh", "-c", script, "sh", *arguments], folder, deadline, "mine.toml: tokens")


def test_a_program_prints_a_token_alone(tmp_path: Path) -> None:
    (tmp_path / "prefix").write_text("of-")
    source = program(
        'echo; echo "$(cat prefix)$1-$2-$WAYBILL_PASSWORD"', "{user}", "{device}", folder=tmp_path
    )
    assert source.client is None
    assert source.obtain("alice", "secret", device="phone") == Token("of-alice-phone-secret", 0.0)


def test_a_program_prints_the_answer_of_a_token_endpoint(tmp_path: Path) -> None:
    answer = json.dumps({"access_token": "a.b.c", "expires_in": 60, "token_type": "Bearer"})
    assert program('echo "$1"', answer, folder=tmp_path).obtain("alice", "") == Token("a.b.c", 60.0)


def test_how_long_a_printed_token_is_good_stands_in_it(tmp_path: Path) -> None:
    printed = token(exp=time.time() + 300)
    found = program('echo "$1"', printed, folder=tmp_path).obtain("alice", "")
    assert found.lifetime == pytest.approx(300, abs=5)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo one >&2; echo two >&2; exit 3", r"ended with status 3; its standard error begins: one\.\n"),
        ("exit 4", r"ended with status 4; its standard error begins: \(nothing\)"),
        (
            'echo "no: $1" >&2; exit 1',
            r"ended with status 1; its standard error begins: no: \(password\)\.\n",
        ),
        ("true", "printed 0 lines; expected a token alone on one line"),
        ("echo a; echo b", "printed 2 lines; expected a token alone"),
        ("echo '{no'", "printed an object that is no JSON"),
        ("echo '{}'", r"printed an object without an access_token; found the keys \[\]"),
        ("echo '{\"access_token\": 7}'", r"printed .* without an access_token; found the keys \['acc"),
        ("exec sleep 60", "still ran after 0.5 s"),
    ],
)
def test_a_program_that_prints_no_token_is_named_with_its_reason(
    script: str, said: str, tmp_path: Path
) -> None:
    source = program(script, "{password}", folder=tmp_path, deadline=0.5 if "sleep" in script else 10.0)
    with pytest.raises(
        TokenError, match=f"No token for 'alice': the command of mine.toml: tokens {said}"
    ) as error:
        source.obtain("alice", "top-secret")
    assert "Command: sh -c" in str(error.value)
    assert "top-secret" not in str(error.value)


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    source = CommandTokens(["/nowhere/get-token"], tmp_path, 1.0, "mine.toml: tokens")
    with pytest.raises(TokenError, match=r"cannot be run: No such file.*\nCommand: /nowhere/get-token"):
        source.obtain("alice", "x")


def test_a_program_is_no_token_endpoint(tmp_path: Path) -> None:
    with pytest.raises(TokenError, match=r"takes no parameters of a token request \(once\)"):
        program("echo a", folder=tmp_path).obtain("alice", "x", more={"once": "true"})


# A file.


def tokens_of(folder: Path, *lines: object, name: str = "tokens.jsonl") -> IssuedTokens:
    path = folder / name
    path.write_text("".join(f"{one if isinstance(one, str) else json.dumps(one)}\n" for one in lines))
    return IssuedTokens(path)


def test_tokens_that_were_given_out_before_are_found_by_user_and_device(tmp_path: Path) -> None:
    source = tokens_of(
        tmp_path,
        {"user": "alice", "device": "phone", "token": "p"},
        "",
        {"user": "alice", "token": "any"},
        {"user": "bob", "device": "desk", "token": token(exp=time.time() + 100)},
    )
    assert source.client is None
    assert source.users == ["alice", "bob"]
    assert source.obtain("alice", "", device="phone").text == "p"
    assert source.obtain("alice", "", device="tablet").text == "any"
    assert source.obtain("bob", "", device="desk").lifetime == pytest.approx(100, abs=5)
    with pytest.raises(TokenError, match="no token for 'bob/phone'; it has some for the devices desk"):
        source.obtain("bob", "", device="phone")
    with pytest.raises(TokenError, match="no token for 'carol', nor any other of this account"):
        source.obtain("carol", "")


def test_the_same_in_toml(tmp_path: Path) -> None:
    text = '[[token]]\nuser = "alice"\ndevice = "phone"\ntoken = "p"\n'
    assert tokens_of(tmp_path, text, name="tokens.toml").obtain("alice", "", device="phone").text == "p"


def test_tokens_that_are_over_are_told_before_anything_runs(tmp_path: Path) -> None:
    old = [{"user": f"u{n}", "device": "phone", "token": token(exp=time.time() - 90, n=n)} for n in range(7)]
    good = {"user": "alice", "token": token(exp=time.time() + 100)}
    wanted = r"7 of 8 tokens in .*tokens.jsonl are over: u0/phone for 9\d s, .*, and 2 more\. Get new ones\."
    with pytest.raises(TokenError, match=wanted) as error:
        tokens_of(tmp_path, *old, good)
    assert not [1 for one in old if str(one["token"]) in str(error.value)]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("secret", "line 1: expected objects with"),
        ('["secret"]', "line 1: expected objects with"),
        ('{"user": "alice"}', r"line 1: expected .*; found the keys \['user'\]"),
        ('{"user": "", "token": "secret"}', "line 1: expected"),
        ('{"user": "a", "token": "secret"}\n{"user": "a", "token": "secret2"}', "line 2: 'a' has two tokens"),
        ("", "has no token; expected objects"),
    ],
)
def test_a_file_of_another_form_is_refused_and_nothing_of_it_shown(
    line: str, said: str, tmp_path: Path
) -> None:
    with pytest.raises(TokenError, match=said) as error:
        tokens_of(tmp_path, line)
    assert "secret" not in str(error.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(TokenError, match=r"cannot be read from .*nothing\.jsonl"):
        IssuedTokens(tmp_path / "nothing.jsonl")
    with pytest.raises(TokenError, match="is not valid TOML"):
        tokens_of(tmp_path, "[[token", name="tokens.toml")
