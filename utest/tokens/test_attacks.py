"""Every attack builds, is false in the way that it says and in no other, and tells a lax verifier from a strict one."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from issuer_of_tests import ISSUER, KEY

from waybill.tokens import attacks, forge
from waybill.tokens.attack import Attack, Falsehood, Materials, NotTried
from waybill.tokens.attack_claims import just_inside
from waybill.tokens.attack_subjects import lookalike, other_case, wide
from waybill_server.defects import find
from waybill_server.limits import Limits
from waybill_server.token_check import AUDIENCE, IssuerTokenCheck, TokenRefused

PAGE = Path(__file__).parent.parent.parent / "docs" / "attacks.md"
EVERY = attacks.every()
BY_ID = {one.id: one for one in EVERY}


def every(falsehood: Falsehood) -> list[Attack]:
    return [one for one in EVERY if one.falsehood is falsehood]


def part(token: str, number: int) -> dict[str, Any]:
    members: dict[str, Any] = json.loads(forge.decode(token.split(".")[number]))
    return members


def accepted(check: Any, token: str) -> str | None:
    """As whom a token check lets its bearer in; None if it does not."""

    async def ask() -> str | None:
        try:
            user = str((await check.check(token)).user)
        except TokenRefused:
            return None
        # The node bounds the length of names at login, whoever vouches for them.
        return user if len(user) <= Limits().name else None

    return asyncio.run(ask())


def signed_by_the_issuer(token: str) -> bool:
    body, _, signature = token.rpartition(".")
    algorithm = jwt.get_algorithm_by_name("ES256")
    return bool(algorithm.verify(body.encode(), KEY.private.public_key(), forge.decode(signature)))


# The list.


def test_the_page_shows_the_list_as_it_is() -> None:
    head, _, shown = PAGE.read_text(encoding="utf-8").partition("-->\n\n")
    assert shown == attacks.markdown()
    assert f"**{len(EVERY)} attacks**" in head


def test_every_attack_has_a_name_of_its_own_that_a_device_can_have() -> None:
    assert len(BY_ID) == len(EVERY) >= 45
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", one) and len(one) <= 64 for one in BY_ID)


def test_every_scenario_has_the_attacks_that_the_catalogue_asks_for() -> None:
    assert all(len(every(falsehood)) >= 30 for falsehood in Falsehood)


def test_every_attack_says_what_is_false_and_which_standard_says_so() -> None:
    for one in EVERY:
        assert one.what.endswith("."), one.id
        assert re.search(r"RFC \d{4}", one.why), one.id
        assert one.odd == (one.falsehood is Falsehood.CLAIMS)


def test_an_unknown_attack_is_answered_with_the_nearest_name() -> None:
    assert attacks.find("jwk-embedded") is BY_ID["jwk-embedded"]
    with pytest.raises(ValueError, match="did you mean 'jwk-embedded'"):
        attacks.find("jwk-embeded")


# What the tokens are.


@pytest.mark.parametrize("one", EVERY, ids=lambda one: one.id)
def test_it_is_made_and_is_no_genuine_token_and_a_strict_verifier_refuses_it(
    one: Attack, materials: Materials, reference_check: IssuerTokenCheck
) -> None:
    token = one.make(materials)
    assert token not in {materials.genuine, materials.stolen, materials.stolen_too}
    assert accepted(reference_check, token) is None


def test_the_strict_verifier_takes_what_they_are_made_from(
    materials: Materials, reference_check: IssuerTokenCheck
) -> None:
    assert accepted(reference_check, materials.genuine) == "mallory"
    assert accepted(reference_check, materials.stolen) == "bob-the-victim"
    for oddities in just_inside(0.0).values():
        assert accepted(reference_check, materials.signed(**oddities)) == "bob-the-victim"
    assert accepted(reference_check, materials.signed(**other_case(materials))) == "BOB-THE-VICTIM"


@pytest.mark.parametrize("one", every(Falsehood.CLAIMS), ids=lambda one: one.id)
def test_false_claims_are_under_a_genuine_signature(one: Attack, materials: Materials) -> None:
    assert signed_by_the_issuer(one.make(materials))


@pytest.mark.parametrize("one", every(Falsehood.SIGNATURE), ids=lambda one: one.id)
def test_a_false_signature_is_none_of_the_issuers_and_the_claims_are_the_victims(
    one: Attack, materials: Materials
) -> None:
    token = one.make(materials)
    if one.id != "signature-missing":
        header, _, signature = token.split(".")
        assert not signature or not signed_by_the_issuer(token)
        assert json.loads(forge.decode(header))
    assert part(token, 1)["sub"] == "bob-the-victim"


NONE = {
    "none-without-signature": "none",
    "none-capitalised-with-a-signature": "None",
    "none-in-capitals-without-signature": "NONE",
    "none-in-mixed-letters-with-a-signature": "nOnE",
}


@pytest.mark.parametrize("name", NONE)
def test_without_an_algorithm(name: str, materials: Materials) -> None:
    token = BY_ID[name].make(materials)
    assert part(token, 0)["alg"] == NONE[name]
    assert token.endswith(".") == name.endswith("without-signature")


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_confused_algorithms_verify_with_the_public_key_as_the_secret(
    algorithm: str, materials: Materials
) -> None:
    jwk = {"x": forge.decode(KEY.public["x"]), "y": forge.decode(KEY.public["y"])}
    point = b"\x04" + jwk["x"] + jwk["y"]
    pem = forge.pem(KEY.private.public_key())
    secrets = {
        "the-pem": pem,
        "the-pem-without-line-end": pem.rstrip(),
        "the-coordinate": jwk["x"],
        "the-point": point,
    }
    for name, secret in secrets.items():
        token = BY_ID[f"{algorithm.lower()}-of-{name}"].make(materials)
        body, _, signature = token.rpartition(".")
        assert part(token, 0)["alg"] == algorithm
        assert forge.shared_secret(algorithm, secret)(body.encode()) == forge.decode(signature)


def test_edited_signatures_are_as_they_say(materials: Materials) -> None:
    def signature(name: str) -> bytes:
        token = BY_ID[name].make(materials)
        assert token.rpartition(".")[0] == materials.stolen.rpartition(".")[0]
        return forge.decode(token.rpartition(".")[2])

    genuine = forge.decode(materials.stolen.rpartition(".")[2])
    assert signature("signature-stripped") == b""
    assert signature("signature-cut-in-half") == genuine[:32]
    assert signature("signature-with-a-byte-more")[:-1] == genuine
    assert signature("signature-of-zeros") == bytes(64)
    assert signature("signature-of-the-order") == forge.ORDER.to_bytes(32, "big") * 2
    assert forge.raw_signature(signature("signature-in-der")) == genuine
    assert signature("signature-of-another-token") == forge.decode(materials.stolen_too.rpartition(".")[2])
    (flipped,) = [a ^ b for a, b in zip(signature("signature-bit-flipped"), genuine, strict=True) if a != b]
    assert flipped == 1


def test_edited_claims_keep_the_old_signature(materials: Materials) -> None:
    for name, source in (("subject-edited", materials.genuine), ("end-edited", materials.stolen)):
        token = BY_ID[name].make(materials)
        assert token.rpartition(".")[2] == source.rpartition(".")[2]
        assert token.split(".")[1] != source.split(".")[1]


def test_keys_of_its_own_verify_the_token_that_brings_them(materials: Materials) -> None:
    token = BY_ID["jwk-embedded"].make(materials)
    key = jwt.PyJWK(part(token, 0)["jwk"], "ES256")
    assert jwt.decode(token, key, ["ES256"], audience=AUDIENCE)["sub"] == "bob-the-victim"
    secret = BY_ID["jwk-embedded-secret"].make(materials)
    body, _, signature = secret.rpartition(".")
    assert forge.shared_secret("HS256", b"secret")(body.encode()) == forge.decode(signature)
    for name, member in (("jku-to-the-attacker", "jku"), ("x5u-to-the-attacker-over-tls", "x5u")):
        assert materials.listener in part(BY_ID[name].make(materials), 0)[member]


@pytest.mark.parametrize("one", [one for one in EVERY if one.family == "spelling"], ids=lambda one: one.id)
def test_a_token_in_another_spelling_is_still_one_that_somebody_may_read(
    one: Attack, materials: Materials
) -> None:
    token = one.make(materials)
    kept = re.sub(r"[^A-Za-z0-9_.-]", "", token.replace("+", "-").replace("/", "_"))
    assert token != materials.stolen
    if one.id in {
        "padded-signature",
        "padded-everywhere",
        "standard-alphabet",
        "line-break-inside",
        "tab-after",
    }:
        assert kept == materials.stolen
    if one.id == "trailing-bits":
        assert forge.decode(token.rpartition(".")[2]) == forge.decode(materials.stolen.rpartition(".")[2])


def test_names_occur_twice(materials: Materials) -> None:
    def pairs(token: str, number: int) -> list[tuple[str, Any]]:
        found: list[tuple[str, Any]] = json.loads(
            forge.decode(token.split(".")[number]), object_pairs_hook=lambda pairs: pairs
        )
        return found

    last = [one for one in pairs(BY_ID["subject-twice-victim-last"].make(materials), 1) if one[0] == "sub"]
    assert last == [("sub", "nobody"), ("sub", "bob-the-victim")]
    first = [
        one for one in pairs(BY_ID["algorithm-twice-genuine-first"].make(materials), 0) if one[0] == "alg"
    ]
    assert first == [("alg", "ES256"), ("alg", "none")]


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20))
def test_other_names_that_look_the_same_are_other_names(name: str) -> None:
    assert lookalike(name) != name
    assert wide(name) != name


# Lax verifiers, each of which must be found out.


class Lenient:
    """A verifier as many are: a library, told the algorithm, the issuer and the audience, and nothing more."""

    async def check(self, token: str) -> Any:
        try:
            claims = jwt.decode(
                token, KEY.private.public_key(), ["ES256"], audience=AUDIENCE, issuer=ISSUER,
                options={"require": ["exp", "sub"], "verify_sub": False},
            )  # fmt: skip
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError) as error:
            raise TokenRefused(str(error)) from None
        return type("Somebody", (), {"user": claims["sub"]})


def test_a_verifier_that_leaves_all_to_its_library_is_found_out(materials: Materials) -> None:
    lax = {one.id for one in EVERY if accepted(Lenient(), one.make(materials)) is not None}
    assert lax >= {
        "end-as-text",
        "end-beyond-any-clock",
        "lifetime-of-ten-years",
        "subject-with-nul-inside",
        "subject-lookalike",
        "subject-twice-victim-last",
        "end-twice-later-last",
        "type-jwt",
    }
    assert {BY_ID[name].family for name in lax} <= {
        *("time", "subject", "required claims", "type", "extensions", "duplicates", "spelling"),
    }


class LaxBase64:
    """A verifier that decodes base64 as most decoders do: what does not belong there is skipped."""

    async def check(self, token: str) -> Any:
        header, claims, signature = token.strip().split(".", 2)
        raw = base64.urlsafe_b64decode(signature + "==")
        algorithm = jwt.get_algorithm_by_name("ES256")
        if not algorithm.verify(f"{header}.{claims}".encode(), KEY.private.public_key(), raw):
            raise TokenRefused("another signature")
        return type("Somebody", (), {"user": json.loads(forge.decode(claims))["sub"]})


def test_a_verifier_with_a_lax_decoder_is_found_out(materials: Materials) -> None:
    lax = {
        one.id
        for one in EVERY
        if one.family == "spelling" and one.id not in {"dot-before", "escaped-dots"}
        if accepted(LaxBase64(), one.make(materials)) is not None
    }
    assert lax >= {
        *(
            "padded-signature",
            "trailing-bits",
            "line-break-inside",
            "foreign-character-inside",
            "space-before",
        ),
    }


def _starts(*prefixes: str) -> Callable[[str], bool]:
    return lambda name: name.startswith(prefixes)


LAX: dict[str, tuple[Callable[[str], bool], set[str]]] = {
    "accepts-alg-none": (_starts("none-", "algorithm-missing", "algorithm-null"), {"none-without-signature"}),
    "accepts-hs-with-public-key": (
        _starts("hs256-", "hs384-", "hs512-"),
        {"hs256-of-the-pem", "hs512-of-the-pem"},
    ),
    "trusts-embedded-jwk": (_starts("jwk-embedded"), {"jwk-embedded"}),
    "ignores-expiry": (
        _starts("expired-", "end-", "lifetime-", "issued-"),
        {"expired-one-second-ago", "end-as-text", "end-missing"},
    ),
    "ignores-audience": (_starts("audience-"), {"audience-other", "audience-missing"}),
}


@pytest.mark.parametrize("defect", LAX)
def test_a_seeded_verifier_is_found_out_by_its_own_attacks_alone(
    defect: str, materials: Materials, reference_check: IssuerTokenCheck
) -> None:
    may, must = LAX[defect]
    check = find(defect).part(reference_check)
    lax = {one.id for one in EVERY if accepted(check, one.make(materials)) is not None}
    assert must <= lax
    assert [name for name in lax if not may(name)] == []


def test_a_verifier_that_ignores_signatures_takes_every_edited_claim(
    materials: Materials, reference_check: IssuerTokenCheck
) -> None:
    check = find("ignores-signature").part(reference_check)
    for name in ("signature-bit-flipped", "subject-edited", "own-key-on-p-256", "hs256-of-the-der"):
        assert accepted(check, BY_ID[name].make(materials)) == "bob-the-victim", name


def test_no_token_is_in_the_repr_of_what_it_is_made_of(materials: Materials) -> None:
    for token in (materials.genuine, materials.stolen, materials.stolen_too):
        assert token.rpartition(".")[2] not in repr(materials)


# What cannot be made.


def test_without_an_odd_issuer_false_claims_are_not_tried(materials: Materials) -> None:
    plain = dataclasses.replace(materials, sign_odd=None)
    for one in EVERY:
        if one.odd:
            with pytest.raises(NotTried, match="no such token"):
                one.make(plain)
        else:
            one.make(plain)


def test_what_would_be_in_order_is_not_tried(materials: Materials) -> None:
    """A server that names itself without letters has no name in other letters."""
    claims = {**materials.claims, "aud": "4711"}
    header = {**materials.header, "typ": "JWT"}
    token = forge.join(json.dumps(header).encode(), json.dumps(claims).encode(), forge.unsigned)
    numbered = dataclasses.replace(materials, stolen=token, genuine=token)
    for name in ("audience-in-other-case", "type-jwt"):
        with pytest.raises(NotTried):
            BY_ID[name].make(numbered)


def test_an_issuer_that_hides_its_key_leaves_no_key_to_confuse(materials: Materials) -> None:
    hidden = dataclasses.replace(materials, keys=[])
    with pytest.raises(NotTried, match="does not publish"):
        BY_ID["hs256-of-the-pem"].make(hidden)
