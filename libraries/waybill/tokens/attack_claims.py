"""Tokens that the issuer signed, and that must not be accepted here and now: only the claims are false.

A wrong claim under a forged signature shows nothing, since the signature is refused. These need an issuer that signs
odd claims on request (`[tokens] odd`), as the reference issuer does for tests.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any, Final

from waybill.tokens.attack import Attack, Materials
from waybill.tokens.odd_request import Odd, Odds, claim, family_of, omit, swapped

AWAY: Final = 60
"""Seconds beyond the leeway at which a begin is far enough away."""


def attacks() -> list[Attack]:
    """All of them, family by family."""
    return [
        *family_of("time", "RFC 7519, 4.1.4 to 4.1.6 and 2 (NumericDate)", _TIMES),
        *family_of("audience", "RFC 7519, 4.1.3; RFC 8725, 3.9; RFC 9068, 4", _AUDIENCES),
        *family_of("issuer", "RFC 7519, 4.1.1; RFC 8725, 3.8; RFC 9068, 4", _ISSUERS),
        *family_of("required claims", "RFC 9068, 2.2", _REQUIRED),
    ]


def just_inside(leeway: float) -> dict[str, dict[str, object]]:
    """What must still be accepted: tokens of the issuer whose times are barely in order."""
    return {
        "ends in ten seconds": {"lifetime": 10 - math.floor(leeway)},
        "is valid from this second on": {"not_before": math.floor(leeway)},
    }


def _past(leeway: float, seconds: int) -> int:
    return -math.ceil(leeway) - seconds


def _nested(depth: int) -> Any:
    return 4_000_000_000 if depth == 0 else [_nested(depth - 1)]


_TIMES: Final[Odds] = {
    "expired-one-second-ago": (
        "It expired a second ago, beyond the leeway that is promised.",
        lambda it: {"lifetime": _past(it.leeway, 1), "issued_at": _past(it.leeway, 100)},
    ),
    "expired-an-hour-ago": (
        "It expired an hour ago.",
        lambda it: {"lifetime": _past(it.leeway, 3600), "issued_at": _past(it.leeway, 7200)},
    ),
    "end-missing": ("It has no end.", omit("exp")),
    "end-null": ("Its end is null.", claim(exp=None)),
    "end-as-text": ("Its end is a text.", lambda _: {"claim": {"exp": str(int(time.time()) + 600)}}),
    "end-true": ("Its end is true.", claim(exp=True)),
    "end-a-list": ("Its end is a list, 50 deep.", lambda _: {"claim": {"exp": _nested(50)}}),
    "end-an-object": ("Its end is an object.", claim(exp={})),
    "end-zero": ("Its end is 1970.", claim(exp=0)),
    "end-negative": ("Its end is before 1970.", claim(exp=-4_000_000_000)),
    "end-beyond-any-clock": ("Its end is 1e308.", claim(exp=1e308)),
    "end-of-64-bits": ("Its end is the largest number of 64 bits.", claim(exp=2**63 - 1)),
    "end-of-400-digits": ("Its end has 400 digits.", lambda _: {"claim": {"exp": 10**399}}),
    "end-not-a-number": ("Its end is NaN, which is never reached.", claim(exp=math.nan)),
    "end-infinite": ("Its end is Infinity.", claim(exp=math.inf)),
    "lifetime-of-ten-years": (
        "It is good for ten years, longer than any access token (RFC 6750, 5.3).",
        lambda _: {"lifetime": 315_360_000},
    ),
    "not-yet-valid": (
        "It is valid from a minute after the leeway on.",
        lambda it: {"not_before": math.ceil(it.leeway) + AWAY},
    ),
    "begin-as-text": ("Its begin is a text.", lambda _: {"claim": {"nbf": str(int(time.time()) - 60)}}),
    "begin-beyond-any-clock": ("Its begin is 1e308.", claim(nbf=1e308)),
    "issued-in-the-future": (
        "It was issued a minute after now and the leeway.",
        lambda it: {"issued_at": math.ceil(it.leeway) + AWAY},
    ),
    "issued-missing": ("It does not say when it was issued.", omit("iat")),
    "issued-as-text": (
        "The moment of its issue is a text.",
        lambda _: {"claim": {"iat": str(int(time.time()))}},
    ),
}


def _audience(it: Materials) -> str:
    found = it.claims.get("aud")
    return str(found[0] if isinstance(found, list) and found else found)


_AUDIENCES: Final[Odds] = {
    "audience-missing": ("It is for nobody.", omit("aud")),
    "audience-other": ("It is for another server.", lambda _: {"audience": "elsewhere"}),
    "audience-others": ("It is for several other servers.", claim(aud=["elsewhere", "nowhere"])),
    "audience-empty": ("Its audience is empty.", claim(aud="")),
    "audience-empty-list": ("Its audience is an empty list.", claim(aud=[])),
    "audience-null": ("Its audience is null.", claim(aud=None)),
    "audience-a-number": ("Its audience is a number.", claim(aud=0)),
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
        lambda it: {"audience": swapped(_audience(it))},
    ),
}


def _issuer(change: Callable[[str], object]) -> Odd:
    return lambda it: {"claim": {"iss": change(str(it.claims.get("iss")))}}


_ISSUERS: Final[Odds] = {
    "issuer-missing": ("It names no issuer.", omit("iss")),
    "issuer-other": ("It names another issuer.", _issuer(lambda _: "https://issuer.example")),
    "issuer-with-slash": (
        "It names the issuer with a slash more or less at the end.",
        _issuer(lambda one: one[:-1] if one.endswith("/") else f"{one}/"),
    ),
    "issuer-in-other-case": ("It names the issuer in other letters.", _issuer(swapped)),
    "issuer-longer": ("It names the issuer with a path.", _issuer(lambda one: f"{one}/elsewhere")),
    "issuer-without-tls": (
        "It names the issuer with http.",
        _issuer(lambda one: one.replace("https:", "http:", 1)),
    ),
    "issuer-a-list": ("Its issuer is a list with the genuine one.", _issuer(lambda one: [one])),
    "issuer-null": ("Its issuer is null.", _issuer(lambda _: None)),
}


_REQUIRED: Final[Odds] = {
    "id-missing": ("It has no id (jti).", omit("jti")),
    "id-a-number": ("Its id (jti) is a number.", claim(jti=1)),
    "client-missing": ("It names no client (client_id).", omit("client_id")),
}
