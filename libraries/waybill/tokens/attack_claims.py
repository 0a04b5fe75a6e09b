"""Tokens that the issuer signed, and that must not be accepted here and now: only the claims are false.

A wrong claim under a forged signature shows nothing, since the signature is refused. These need an issuer that signs
odd claims on request (`[tokens] odd`), as the reference issuer does for tests.
"""

from __future__ import annotations

import math
import time
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, Final

from waybill.tokens.attack import Attack, Falsehood, Materials, NotTried

AWAY: Final = 60
"""Seconds beyond the leeway at which a begin is far enough away."""

Odd = Callable[[Materials], Mapping[str, object]]

_LOOKALIKES: Final = dict(
    zip("aceijopsxy", "\u0430\u0441\u0435\u0456\u0458\u043e\u0440\u0455\u0445\u0443", strict=True)
)
"""Cyrillic letters that look like these Latin ones."""


def attacks() -> list[Attack]:
    """All of them, family by family."""
    made: list[Attack] = []
    for family, why, odd in (
        ("time", "RFC 7519, 4.1.4 to 4.1.6 and 2 (NumericDate)", _TIMES),
        ("audience", "RFC 7519, 4.1.3; RFC 8725, 3.9; RFC 9068, 4", _AUDIENCES),
        ("issuer", "RFC 7519, 4.1.1; RFC 8725, 3.8; RFC 9068, 4", _ISSUERS),
        ("subject", "RFC 7519, 4.1.2; RFC 8725, 3.8; RFC 8265, 3", _SUBJECTS),
        ("required claims", "RFC 9068, 2.2", _REQUIRED),
        ("type", "RFC 8725, 3.11; RFC 9068, 4", _TYPES),
        ("extensions", "RFC 7515, 4.1.11; RFC 7797, 6", _EXTENSIONS),
        ("duplicates", "RFC 7519, 4; RFC 7515, 4; RFC 8725, 2.4", _DUPLICATES),
    ):
        made += [
            Attack(name, family, Falsehood.CLAIMS, what, why, _signed(make), odd=True)
            for name, (what, make) in odd.items()
        ]
    return made


def _signed(odd: Odd) -> Callable[[Materials], str]:
    return lambda it: it.signed(**odd(it))


def just_inside(leeway: float) -> dict[str, dict[str, object]]:
    """What must still be accepted: tokens of the issuer whose times are barely in order."""
    return {
        "ends in five seconds": {"lifetime": 5 - math.floor(leeway)},
        "is valid from this second on": {"not_before": math.floor(leeway)},
    }


def _claim(**claims: Any) -> Odd:
    return lambda _: {"claim": claims}


def _omit(name: str) -> Odd:
    """Leaves out a claim, or `header.NAME`, that the issuer's tokens have."""

    def make(it: Materials) -> Mapping[str, object]:
        member = name.removeprefix("header.")
        if member not in (it.claims if member == name else it.header):
            raise NotTried(f"the issuer's own tokens have no {member} either")
        return {"omit": name}

    return make


def _type(value: object) -> Odd:
    """Another type than the issuer's tokens have."""

    def make(it: Materials) -> Mapping[str, object]:
        if it.header.get("typ") == value:
            raise NotTried(f"the issuer's own tokens have the type {value} too")
        return {"header": {"typ": value}}

    return make


def _swapped(name: str) -> str:
    """The same name with its letters in the other case.

    Raises:
        NotTried: It has no letters.
    """
    if name.swapcase() == name:
        raise NotTried(f"'{name}' has no letters of another case")
    return name.swapcase()


def other_case(it: Materials) -> Mapping[str, object]:
    """A token in order for somebody whose name is the victim's in other letters: no attack, since such a user may
    exist, but not the victim."""
    return {"claim": {"sub": _swapped(it.victim)}}


def _past(leeway: float, seconds: int) -> int:
    return -math.ceil(leeway) - seconds


def _nested(depth: int) -> Any:
    return 4_000_000_000 if depth == 0 else [_nested(depth - 1)]


_TIMES: Final[dict[str, tuple[str, Odd]]] = {
    "expired-one-second-ago": (
        "It expired a second ago, beyond the leeway that is promised.",
        lambda it: {"lifetime": _past(it.leeway, 1), "issued_at": _past(it.leeway, 100)},
    ),
    "expired-an-hour-ago": (
        "It expired an hour ago.",
        lambda it: {"lifetime": _past(it.leeway, 3600), "issued_at": _past(it.leeway, 7200)},
    ),
    "end-missing": ("It has no end.", _omit("exp")),
    "end-null": ("Its end is null.", _claim(exp=None)),
    "end-as-text": ("Its end is a text.", lambda _: {"claim": {"exp": str(int(time.time()) + 600)}}),
    "end-true": ("Its end is true.", _claim(exp=True)),
    "end-a-list": ("Its end is a list, 50 deep.", lambda _: {"claim": {"exp": _nested(50)}}),
    "end-an-object": ("Its end is an object.", _claim(exp={})),
    "end-zero": ("Its end is 1970.", _claim(exp=0)),
    "end-negative": ("Its end is before 1970.", _claim(exp=-4_000_000_000)),
    "end-beyond-any-clock": ("Its end is 1e308.", _claim(exp=1e308)),
    "end-of-64-bits": ("Its end is the largest number of 64 bits.", _claim(exp=2**63 - 1)),
    "end-of-400-digits": ("Its end has 400 digits.", lambda _: {"claim": {"exp": 10**399}}),
    "end-not-a-number": ("Its end is NaN, which is never reached.", _claim(exp=math.nan)),
    "end-infinite": ("Its end is Infinity.", _claim(exp=math.inf)),
    "lifetime-of-ten-years": (
        "It is good for ten years, longer than any access token (RFC 6750, 5.3).",
        lambda _: {"lifetime": 315_360_000},
    ),
    "not-yet-valid": (
        "It is valid from a minute after the leeway on.",
        lambda it: {"not_before": math.ceil(it.leeway) + AWAY},
    ),
    "begin-as-text": ("Its begin is a text.", lambda _: {"claim": {"nbf": str(int(time.time()) - 60)}}),
    "begin-beyond-any-clock": ("Its begin is 1e308.", _claim(nbf=1e308)),
    "issued-in-the-future": (
        "It was issued a minute after now and the leeway.",
        lambda it: {"issued_at": math.ceil(it.leeway) + AWAY},
    ),
    "issued-missing": ("It does not say when it was issued.", _omit("iat")),
    "issued-as-text": (
        "The moment of its issue is a text.",
        lambda _: {"claim": {"iat": str(int(time.time()))}},
    ),
}


def _audience(it: Materials) -> str:
    found = it.claims.get("aud")
    return str(found[0] if isinstance(found, list) and found else found)


_AUDIENCES: Final[dict[str, tuple[str, Odd]]] = {
    "audience-missing": ("It is for nobody.", _omit("aud")),
    "audience-other": ("It is for another server.", lambda _: {"audience": "elsewhere"}),
    "audience-others": ("It is for several other servers.", _claim(aud=["elsewhere", "nowhere"])),
    "audience-empty": ("Its audience is empty.", _claim(aud="")),
    "audience-empty-list": ("Its audience is an empty list.", _claim(aud=[])),
    "audience-null": ("Its audience is null.", _claim(aud=None)),
    "audience-a-number": ("Its audience is a number.", _claim(aud=0)),
    "audience-an-object": (
        "Its audience is an object that has this server's name as a key.",
        lambda it: {"claim": {"aud": {_audience(it): True}}},
    ),
    "audience-longer": (
        "Its audience begins with this server's name.",
        lambda it: {"audience": f"{_audience(it)}.example"},
    ),
    "audience-shorter": (
        "Its audience is the beginning of this server's name.",
        lambda it: {"audience": _audience(it)[:-1]},
    ),
    "audience-in-other-case": (
        "Its audience is this server's name in other letters.",
        lambda it: {"audience": _swapped(_audience(it))},
    ),
}


def _issuer(change: Callable[[str], object]) -> Odd:
    return lambda it: {"claim": {"iss": change(str(it.claims.get("iss")))}}


_ISSUERS: Final[dict[str, tuple[str, Odd]]] = {
    "issuer-missing": ("It names no issuer.", _omit("iss")),
    "issuer-other": ("It names another issuer.", _issuer(lambda _: "https://issuer.example")),
    "issuer-with-slash": (
        "It names the issuer with a slash more or less at the end.",
        _issuer(lambda one: one[:-1] if one.endswith("/") else f"{one}/"),
    ),
    "issuer-in-other-case": ("It names the issuer in other letters.", _issuer(_swapped)),
    "issuer-longer": ("It names the issuer with a path.", _issuer(lambda one: f"{one}/elsewhere")),
    "issuer-without-tls": (
        "It names the issuer with http.",
        _issuer(lambda one: one.replace("https:", "http:", 1)),
    ),
    "issuer-a-list": ("Its issuer is a list with the genuine one.", _issuer(lambda one: [one])),
    "issuer-null": ("Its issuer is null.", _issuer(lambda _: None)),
}


def _subject(change: Callable[[str], object]) -> Odd:
    return lambda it: {"claim": {"sub": change(it.victim)}}


def lookalike(name: str) -> str:
    """Another name that looks the same."""
    changed = "".join(_LOOKALIKES.get(letter, letter) for letter in name)
    return changed if changed != name else f"{name}\u200b"


def wide(name: str) -> str:
    """Another name that becomes the same when Unicode's compatible forms are made equal (NFKC)."""
    changed = "".join(chr(ord(one) + 0xFEE0) if "!" <= one <= "~" else one for one in name)
    assert changed == name or unicodedata.normalize("NFKC", changed) == name
    return changed if changed != name else f"{name}\u200b"


_SUBJECTS: Final[dict[str, tuple[str, Odd]]] = {
    "subject-missing": ("It speaks for nobody.", _omit("sub")),
    "subject-empty": ("Its subject is empty.", _claim(sub="")),
    "subject-null": ("Its subject is null.", _claim(sub=None)),
    "subject-a-number": ("Its subject is a number.", _claim(sub=1)),
    "subject-true": ("Its subject is true.", _claim(sub=True)),
    "subject-a-list": ("Its subject is a list with the victim.", _subject(lambda one: [one])),
    "subject-an-object": ("Its subject is an object with the victim.", _subject(lambda one: {"sub": one})),
    "subject-with-nul-inside": (
        "Its subject is the victim's name, a NUL and more.",
        _subject(lambda one: f"{one}\0.example"),
    ),
    "subject-with-nul-after": (
        "Its subject is the victim's name and a NUL.",
        _subject(lambda one: f"{one}\0"),
    ),
    "subject-with-space-after": (
        "Its subject is the victim's name and a space.",
        _subject(lambda one: f"{one} "),
    ),
    "subject-with-line-break": (
        "Its subject is the victim's name and a line break.",
        _subject(lambda one: f"{one}\n"),
    ),
    "subject-invisible-letter": (
        "An invisible character stands in the victim's name.",
        _subject(lambda one: f"{one[:1]}\u200b{one[1:]}"),
    ),
    "subject-lookalike": (
        "Its subject looks like the victim's name in Cyrillic letters.",
        _subject(lookalike),
    ),
    "subject-in-wide-letters": (
        "Its subject is the victim's name in wide letters, the same in Unicode's compatible form.",
        _subject(wide),
    ),
    "subject-decomposed": (
        "Its subject is the victim's name with an accent as a character of its own (NFD).",
        _subject(lambda one: unicodedata.normalize("NFD", f"{one[:1]}\u0301{one[1:]}")),
    ),
    "subject-a-path": ("Its subject is a path to the victim.", _subject(lambda one: f"../{one}")),
    "subject-a-pattern": ("Its subject is a pattern that fits everybody.", _claim(sub="*")),
    "subject-of-3000-characters": ("Its subject has 3000 characters.", _claim(sub="a" * 3000)),
}

_REQUIRED: Final[dict[str, tuple[str, Odd]]] = {
    "id-missing": ("It has no id (jti).", _omit("jti")),
    "id-a-number": ("Its id (jti) is a number.", _claim(jti=1)),
    "client-missing": ("It names no client (client_id).", _omit("client_id")),
}

_TYPES: Final[dict[str, tuple[str, Odd]]] = {
    "type-jwt": ("Its type is JWT, as that of an ID token.", _type("JWT")),
    "type-dpop": ("Its type is that of a proof of possession.", _type("dpop+jwt")),
    "type-logout": ("Its type is that of a logout token.", _type("logout+jwt")),
    "type-missing": ("It has no type.", _omit("header.typ")),
    "type-a-list": ("Its type is a list.", _type(["at+jwt"])),
}

_EXTENSIONS: Final[dict[str, tuple[str, Odd]]] = {
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

_DUPLICATES: Final[dict[str, tuple[str, Odd]]] = {
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
