"""Signed tokens of another type, that demand extensions, or that say a thing twice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from waybill.tokens.attack import Attack, Materials, NotTried
from waybill.tokens.odd_request import Odd, Odds, family_of, omit


def attacks() -> list[Attack]:
    """All of them, family by family."""
    return [
        *family_of("type", "RFC 8725, 3.11; RFC 9068, 4", _TYPES),
        *family_of("extensions", "RFC 7515, 4.1.11; RFC 7797, 6", _EXTENSIONS),
        *family_of("duplicates", "RFC 7519, 4; RFC 7515, 4; RFC 8725, 2.4", _DUPLICATES),
    ]


def _type(value: object) -> Odd:
    """Another type than the issuer's tokens have."""

    def make(it: Materials) -> Mapping[str, object]:
        if it.header.get("typ") == value:
            raise NotTried(f"the issuer's own tokens have the type {value} too")
        return {"header": {"typ": value}}

    return make


_TYPES: Final[Odds] = {
    "type-jwt": ("Its type is JWT, as that of an ID token.", _type("JWT")),
    "type-dpop": ("Its type is that of a proof of possession.", _type("dpop+jwt")),
    "type-logout": ("Its type is that of a logout token.", _type("logout+jwt")),
    "type-missing": ("It has no type.", omit("header.typ")),
    "type-a-list": ("Its type is a list.", _type(["at+jwt"])),
}


_EXTENSIONS: Final[Odds] = {
    "crit-unknown": (
        "It demands an extension that nobody knows.",
        lambda _: {"header": {"crit": ["x-waybill"], "x-waybill": 1}},
    ),
    "crit-empty": ("It demands an empty list of extensions.", lambda _: {"header": {"crit": []}}),
    "crit-unencoded": (
        "It demands that its claims are not encoded (b64).",
        lambda _: {"header": {"crit": ["b64"], "b64": False}},
    ),
    "crit-not-there": (
        "It demands an extension that its header does not have.",
        lambda _: {"header": {"crit": ["x-waybill"]}},
    ),
    "crit-of-the-standard": (
        "It demands as an extension what the standard has.",
        lambda _: {"header": {"crit": ["alg"]}},
    ),
    "crit-as-text": ("The extensions that it demands are a text.", lambda _: {"header": {"crit": "exp"}}),
}


_DUPLICATES: Final[Odds] = {
    "subject-twice-victim-last": (
        "It has two subjects, the victim last.",
        lambda _: {"claim_before": {"sub": "nobody"}},
    ),
    "subject-twice-victim-first": (
        "It has two subjects, the victim first.",
        lambda _: {"claim_after": {"sub": "nobody"}},
    ),
    "end-twice-later-last": (
        "It has two ends, one in the past and then one to come.",
        lambda _: {"claim_before": {"exp": 1}},
    ),
    "end-twice-later-first": (
        "It has two ends, one to come and then one in the past.",
        lambda _: {"claim_after": {"exp": 1}},
    ),
    "audience-twice-genuine-last": (
        "It has two audiences, this server last.",
        lambda _: {"claim_before": {"aud": "elsewhere"}},
    ),
    "audience-twice-genuine-first": (
        "It has two audiences, this server first.",
        lambda _: {"claim_after": {"aud": "elsewhere"}},
    ),
    "algorithm-twice-genuine-last": (
        "Its header has two algorithms, none and then the genuine one.",
        lambda _: {"header_before": {"alg": "none"}},
    ),
    "algorithm-twice-genuine-first": (
        "Its header has two algorithms, the genuine one and then none.",
        lambda _: {"header_after": {"alg": "none"}},
    ),
    "type-twice-genuine-last": (
        "Its header has two types, the genuine one last.",
        lambda _: {"header_before": {"typ": "JWT"}},
    ),
    "key-id-twice-genuine-first": (
        "Its header has two key ids, the genuine one first.",
        lambda _: {"header_after": {"kid": "own"}},
    ),
    "key-id-twice-genuine-last": (
        "Its header has two key ids, the genuine one last.",
        lambda _: {"header_before": {"kid": "own"}},
    ),
}
