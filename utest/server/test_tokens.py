"""What the issuer gives, and what a node takes."""

from __future__ import annotations

import asyncio
import base64
import json
import math
import stat
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from server_harness import PASSWORD, World, account_line, refused_start

from waybill_server.accounts import Accounts, AccountsFaulty
from waybill_server.issuer import GrantRefused, TokenMaker
from waybill_server.jwk_set import IssuerFailed, JwkSource
from waybill_server.signing_key import KeyRefused, SigningKey, load_or_make
from waybill_server.token_check import (
    LARGEST_TOKEN,
    Identity,
    IssuerTokenCheck,
    KeyCache,
    KeySet,
    PublishedKeys,
    TokenRefused,
)
from waybill_server.token_claims import identity_of
from waybill_server.token_form import decoded

ISSUER = "https://issuer.example"
KEY = SigningKey(ec.generate_private_key(ec.SECP256R1()))
OTHER = SigningKey(ec.generate_private_key(ec.SECP256R1()))
NOW = int(time.time())
CLAIMS = {
    "iss": ISSUER, "sub": "alice", "aud": "waybill", "iat": NOW, "exp": NOW + 3600, "jti": "1", "client_id": "c",
}  # fmt: skip
HEADER = {"typ": "at+jwt", "kid": KEY.kid}


def keys(*pairs: SigningKey) -> KeySet:
    return {pair.kid: jwt.PyJWK(pair.public) for pair in pairs}


def signed(claims: dict[str, Any], header: dict[str, Any] | None = None, key: SigningKey = KEY) -> str:
    return jwt.encode(claims, key.private, "ES256", {**HEADER, **(header or {})})


def unsigned(claims: dict[str, Any], header: dict[str, Any], signature: bytes = b"") -> str:
    parts = (json.dumps(header).encode(), json.dumps(claims).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def check(token: str, known: KeySet | None = None) -> Identity:
    def never() -> PublishedKeys:
        raise IssuerFailed("not in this test")

    async def story() -> Identity:
        published = PublishedKeys(known or keys(KEY), math.inf)
        return await IssuerTokenCheck(ISSUER, KeyCache(published, never)).check(token)

    return asyncio.run(story())


def test_a_good_token_says_who() -> None:
    assert check(signed(CLAIMS)) == Identity("alice", NOW + 3600, None, token_id="1", issued_at=NOW)
    assert check(signed({**CLAIMS, "device": "phone"})).device == "phone"


@pytest.mark.parametrize("over", [0, 1])
def test_a_token_is_looked_at_up_to_its_largest_size(over: int) -> None:
    # Base64url without padding has no part of one character more than a multiple of four, so both parts are tried.
    token = next(
        made
        for length in range(5700, 6000)
        for more in ("", "x", "xx")
        if len(made := signed({**CLAIMS, "more": "x" * length}, {"x5t": more})) == LARGEST_TOKEN + over
    )
    if over:
        with pytest.raises(TokenRefused, match="token has 8193 characters, at most 8192 are looked at"):
            check(token)
    else:
        assert check(token).user == "alice"


def _public_pem() -> bytes:
    return KEY.private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _confused() -> str:
    """Signed with HMAC, the public key as its secret."""
    import hashlib
    import hmac

    token = unsigned(CLAIMS, {**HEADER, "alg": "HS256"}).rstrip(".")
    signature = hmac.new(_public_pem(), token.encode(), hashlib.sha256).digest()
    return token + "." + base64.urlsafe_b64encode(signature).rstrip(b"=").decode()


BAD = {
    "expired": signed({**CLAIMS, "exp": NOW - 1}),
    "issued later": signed({**CLAIMS, "iat": NOW + 36000}),
    "not yet valid": signed({**CLAIMS, "nbf": NOW + 36000}),
    "other audience": signed({**CLAIMS, "aud": "elsewhere"}),
    "audience among others": signed({**CLAIMS, "aud": ["waybill", "elsewhere"]}),
    "other issuer": signed({**CLAIMS, "iss": "https://evil.example"}),
    "subject is a number": signed({**CLAIMS, "sub": 7}),
    "device is a list": signed({**CLAIMS, "device": ["phone"]}),
    "other key": signed(CLAIMS, key=OTHER),
    "no such key": signed(CLAIMS, {"kid": "0"}, key=OTHER),
    "kid is a path": signed(CLAIMS, {"kid": "../../etc/passwd"}),
    "embedded key": signed(CLAIMS, {"kid": OTHER.kid, "jwk": OTHER.public}, key=OTHER),
    "other type": signed(CLAIMS, {"typ": "JWT"}),
    "critical extension": signed(CLAIMS, {"crit": ["b64"], "b64": True}),
    "alg none": unsigned(CLAIMS, {**HEADER, "alg": "none"}),
    "alg None": unsigned(CLAIMS, {**HEADER, "alg": "None"}),
    "alg list": unsigned(CLAIMS, {**HEADER, "alg": ["ES256"]}),
    "no alg": unsigned(CLAIMS, HEADER),
    "HMAC with the public key": _confused(),
    "no signature": signed(CLAIMS).rpartition(".")[0] + ".",
    "zero signature": unsigned(CLAIMS, {**HEADER, "alg": "ES256"}, bytes(64)),
    "short signature": signed(CLAIMS)[:-4],
    "two parts": signed(CLAIMS).rpartition(".")[0],
    "not base64": "%%%.%%%.%%%",
    "header no object": unsigned(CLAIMS, [1]),  # type: ignore[arg-type]
    "nested": base64.urlsafe_b64encode(b"[" * 5000).decode() + ".e30.e30",
    "oversize": signed({**CLAIMS, "padding": "x" * 9000}),
    "empty": "",
    **{f"no {claim}": signed({k: v for k, v in CLAIMS.items() if k != claim}) for claim in CLAIMS},
}


@pytest.mark.parametrize("kind", BAD)
def test_every_bad_token_is_refused(kind: str) -> None:
    with pytest.raises(TokenRefused):
        check(BAD[kind])


def test_the_issuer_follows_the_standards(world: World) -> None:
    (alice,) = world.users(1)
    discovery = world.get("/.well-known/openid-configuration")
    assert discovery == world.get("/.well-known/oauth-authorization-server")
    assert (discovery["issuer"], discovery["token_endpoint"]) == (world.url, world.url + "/token")
    (key,) = world.get("/jwks.json")["keys"]
    assert "d" not in key
    status, document, headers = world.post(
        {"grant_type": "password", "username": alice, "password": PASSWORD, "scope": "chat"}
    )
    assert (status, document["token_type"], document["expires_in"], document["scope"]) == (
        200,
        "Bearer",
        3600,
        "chat",
    )
    assert headers["Cache-Control"] == "no-store"
    token = document["access_token"]
    assert jwt.get_unverified_header(token) == {"alg": "ES256", "typ": "at+jwt", "kid": key["kid"]}
    claims = jwt.decode(token, jwt.PyJWK(key), ["ES256"], audience="waybill", issuer=world.url)
    assert (claims["sub"], claims["exp"] - claims["iat"]) == (alice, 3600)
    assert {"jti", "client_id"} <= claims.keys()
    status, document, _ = world.post({"grant_type": "client_credentials"}, (alice, PASSWORD))
    assert status == 200
    assert jwt.decode(document["access_token"], options={"verify_signature": False})["sub"] == alice


@pytest.mark.parametrize(
    ("form", "basic", "status", "error"),
    [
        ({}, None, 400, "invalid_request"),
        ({"x": "y"}, None, 400, "invalid_request"),
        ({"grant_type": "password"}, None, 400, "invalid_request"),
        ({"grant_type": "password", "username": "user0", "password": "x"}, None, 400, "invalid_grant"),
        ({"grant_type": "password", "username": "nobody", "password": ""}, None, 400, "invalid_grant"),
        ({"grant_type": "client_credentials"}, None, 401, "invalid_client"),
        ({"grant_type": "client_credentials"}, ("user0", "x"), 401, "invalid_client"),
        ({"grant_type": "implicit"}, None, 400, "unsupported_grant_type"),
        ({"grant_type": "password", "username": "u" * 20_000}, None, 400, "invalid_request"),
    ],
)
def test_token_requests_are_refused_as_the_standard_says(
    world: World, form: dict[str, str], basic: tuple[str, str] | None, status: int, error: str
) -> None:
    found, document, headers = world.post(form, basic)
    assert (found, document["error"]) == (status, error)
    assert ("WWW-Authenticate" in headers) == (status == 401)


def test_the_key_is_private_and_kept(tmp_path: Path) -> None:
    first = load_or_make(tmp_path / "issuer")
    file = tmp_path / "issuer" / "signing-key.pem"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert load_or_make(tmp_path / "issuer").kid == first.kid
    file.write_text("garbage")
    with pytest.raises(KeyRefused, match=r"signing-key\.pem"):
        load_or_make(tmp_path / "issuer")


def test_keys_come_over_verified_tls_only(world: World) -> None:
    assert JwkSource(world.url, world.authority).fetch().keys.keys() == {
        key["kid"] for key in world.get("/jwks.json")["keys"]
    }
    with pytest.raises(IssuerFailed, match="CERTIFICATE_VERIFY_FAILED"):
        JwkSource(world.url, None).fetch()
    with pytest.raises(IssuerFailed, match="calls itself"):
        JwkSource(world.url.replace("127.0.0.1", "localhost"), world.authority).fetch()


@pytest.mark.parametrize("line", ["nonsense", "{}", "[]", '{"user": 1, "salt": "", "password_sha256": ""}'])
def test_a_wrong_account_is_named_by_its_line(tmp_path: Path, line: str) -> None:
    accounts = tmp_path / "accounts.jsonl"
    accounts.write_text(account_line("alice") + "\n" + line)
    with pytest.raises(AccountsFaulty, match=r"accounts\.jsonl:3"):
        Accounts(accounts)
    code, text = refused_start("issuer", "--data", tmp_path / "data", "--accounts", accounts)
    assert code == 2
    assert "Traceback" not in text


def test_an_issuer_without_a_certificate_makes_its_own(world: World, tmp_path: Path) -> None:
    from server_harness import Process

    issuer = Process("issuer", "--data", tmp_path, "--accounts", world.folder / "accounts.jsonl")
    try:
        own = JwkSource(issuer.ready["issuer"], Path(issuer.ready["certificate"]))
        assert len(own.fetch().keys) == 1
    finally:
        assert issuer.end() == 0


# One spelling, one meaning.


def _raw(header: bytes, claims: bytes, key: SigningKey = KEY) -> str:
    """A token of these very texts, signed by the issuer."""
    body = ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (header, claims))
    return f"{body}.{base64.urlsafe_b64encode(key.sign(body.encode())).rstrip(b'=').decode()}"


HEADER_TEXT = json.dumps({**HEADER, "alg": "ES256"}).encode()
CLAIMS_TEXT = json.dumps(CLAIMS).encode()

AMBIGUOUS = {
    "two subjects": _raw(HEADER_TEXT, CLAIMS_TEXT[:-1] + b', "sub": "alice"}'),
    "two names inside a claim": _raw(HEADER_TEXT, CLAIMS_TEXT[:-1] + b', "x": {"y": 1, "y": 2}}'),
    "two key ids": _raw(HEADER_TEXT[:-1] + b', "kid": "other"}', CLAIMS_TEXT),
    "NaN": _raw(HEADER_TEXT, CLAIMS_TEXT[:-1] + b', "x": NaN}'),
    "not UTF-8": _raw(HEADER_TEXT, CLAIMS_TEXT[:-1] + b', "x": "\xff"}'),
    "padded": f"{_raw(HEADER_TEXT, CLAIMS_TEXT)}==",
    "line break": f"{_raw(HEADER_TEXT, CLAIMS_TEXT)}\n",
    "space": _raw(HEADER_TEXT, CLAIMS_TEXT).replace(".", " .", 1),
    "letter of another alphabet": _raw(HEADER_TEXT, CLAIMS_TEXT) + "\u0430",
}


@pytest.mark.parametrize("kind", AMBIGUOUS)
def test_what_could_be_read_in_two_ways_is_refused(kind: str) -> None:
    assert check(_raw(HEADER_TEXT, CLAIMS_TEXT)).user == "alice"
    with pytest.raises(TokenRefused):
        check(AMBIGUOUS[kind])


@given(st.binary(min_size=1, max_size=100))
def test_bytes_have_one_spelling(content: bytes) -> None:
    spelling = base64.urlsafe_b64encode(content).rstrip(b"=").decode()
    assert decoded(spelling) == content
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    others = [spelling[:-1] + letter for letter in letters if letter != spelling[-1]]
    for other in others:
        try:
            assert decoded(other) != content
        except TokenRefused:
            continue


# Claims and their bounds.


def judged(now: float = NOW, **claims: Any) -> Identity:
    return identity_of({**CLAIMS, **claims}, ISSUER, "waybill", now)


@pytest.mark.parametrize(
    "claims",
    [
        {"iat": NOW, "exp": NOW + 1},
        {"iat": NOW, "exp": NOW + 0.5},
        {"iat": NOW - 86_399, "exp": NOW + 1},
        {"nbf": NOW},
        {"nbf": 0},
        {"unknown": [[[[]]]]},
    ],
)
def test_claims_just_inside_are_taken(claims: dict[str, Any]) -> None:
    assert judged(**claims).user == "alice"


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": NOW},
        {"iat": NOW - 86_400, "exp": NOW + 1},
        {"nbf": NOW + 1},
        {"iat": NOW + 1},
        {"exp": str(NOW + 60)},
        {"exp": True},
        {"exp": 1e308},
        {"exp": 10**400},
        {"exp": float("nan")},
        {"iat": -1},
        {"sub": "alice\0"},
        {"sub": "\u0430lice"},
        {"sub": ""},
        {"jti": ""},
        {"client_id": 7},
        {"iss": [ISSUER]},
        {"aud": ["waybill"]},
    ],
)
def test_claims_just_outside_are_refused(claims: dict[str, Any]) -> None:
    with pytest.raises(TokenRefused):
        judged(**claims)


# Odd tokens, for tests of others.


def test_odd_tokens_are_signed_only_where_the_issuer_was_started_so(world: World) -> None:
    (alice,) = world.users(1)
    form = {"grant_type": "password", "username": alice, "password": PASSWORD, "audience": "elsewhere"}
    _, plain, _ = world.post(form)
    assert jwt.decode(plain["access_token"], options={"verify_signature": False})["aud"] == "waybill"


@pytest.fixture
def odd(tmp_path: Path) -> TokenMaker:
    path = tmp_path / "accounts.jsonl"
    path.write_text(account_line("alice") + account_line("bob"))
    return TokenMaker(ISSUER, lambda: KEY, Accounts(path), 3600, odd=True)


def asked(maker: TokenMaker, **more: str) -> str:
    form = {"grant_type": "password", "username": "alice", "password": PASSWORD, **more}
    return str(maker.grant(form, None)["access_token"])


def test_odd_tokens_are_genuinely_signed_and_say_what_was_asked(odd: TokenMaker) -> None:
    token = asked(odd, lifetime="-5", not_before="60", issued_at="-9", audience="x", omit="jti header.typ")
    claims = jwt.decode(
        token, jwt.PyJWK(KEY.public), ["ES256"], audience="x",
        options={"verify_exp": False, "verify_nbf": False, "verify_iat": False},
    )  # fmt: skip
    assert (claims["exp"] - claims["iat"], claims["nbf"] - claims["exp"], claims["aud"]) == (4, 65, "x")
    assert "jti" not in claims
    assert "typ" not in jwt.get_unverified_header(token)
    twice = asked(odd, claim='{"exp": NaN}', claim_after='{"sub": "nobody"}', header='{"crit": []}')
    text = base64.urlsafe_b64decode(twice.split(".")[1] + "==")
    assert b'"exp": NaN' in text
    assert text.count(b'"sub"') == 2
    assert text.endswith(b'"sub": "nobody"}')
    assert check(asked(odd)).user == "alice"


@pytest.mark.parametrize(
    "more",
    [
        {"claim": '{"sub": "bob"}'},
        {"claim_before": '{"sub": "bob"}'},
        {"claim_after": '{"sub": "bob"}'},
        {"claim": "[]"},
        {"header": "{"},
        {"lifetime": "soon"},
        {"lifetime": "--1"},
        {"not_before": "99999999999"},
    ],
)
def test_an_odd_token_is_never_one_of_another_account(odd: TokenMaker, more: dict[str, str]) -> None:
    with pytest.raises(GrantRefused) as refused:
        asked(odd, **more)
    assert refused.value.code == "invalid_request"
