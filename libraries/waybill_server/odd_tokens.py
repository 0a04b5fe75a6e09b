"""Tokens that are genuinely signed and say what no token should: for tests of who checks claims.

A forged claim under a forged signature is refused for its signature and shows nothing about the claim. An issuer that
was started with `--odd-tokens` therefore signs odd claims on request. Real issuers do not do that. An account gets such
a token for itself or for nobody: never one that is in order but for naming another account, or a role that it has not.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from waybill_server.roles import ROLES

PARAMETERS = (
    "audience",
    "lifetime",
    "not_before",
    "issued_at",
    "omit",
    "claim",
    "header",
    "claim_before",
    "claim_after",
    "header_before",
    "header_after",
)

FURTHEST = 2**31
"""The most seconds that a time may be away from now."""

Members = dict[str, Any]


class OddRefused(Exception):
    """There is no such odd token; the text says why."""


@dataclass(frozen=True, slots=True)
class Oddities:
    """What is odd about a token; docs/reference-server.md has the parameters.

    Attributes:
        claims: Claims to set.
        omitted: Claims to leave out; `header.NAME` for a member of the header.
        header: Header members to set.
        repeated: Members written once more, by the part and the place: `("claim", "before")`.
    """

    claims: Members = field(default_factory=dict)
    omitted: Collection[str] = ()
    header: Members = field(default_factory=dict)
    repeated: Mapping[tuple[str, str], Members] = field(default_factory=dict)

    def header_text(self, header: Members) -> str:
        """The header of a token, given that of an ordinary one."""
        changed = header | self.header
        return self._text(
            "header", {name: changed[name] for name in changed if f"header.{name}" not in self.omitted}
        )

    def claims_text(self, claims: Members) -> str:
        """The claims of a token, given those of an ordinary one."""
        changed = claims | self.claims
        return self._text("claim", {name: changed[name] for name in changed if name not in self.omitted})

    def _text(self, part: str, members: Members) -> str:
        """A JSON object in which names may occur twice."""
        before, after = (self.repeated.get((part, place), {}) for place in ("before", "after"))
        texts = [json.dumps(one)[1:-1] for one in (before, members, after) if one]
        return "{" + ", ".join(texts) + "}"


def oddities(
    form: Mapping[str, str], user: str, now: int, others: Callable[[str], bool], roles: Collection[str]
) -> Oddities | None:
    """What is odd about the token that is asked for; None if nothing is.

    Args:
        form: The token request.
        user: The account that asks.
        now: Seconds since 1970.
        others: Whether there is an account of this name.
        roles: What the account may do.

    Raises:
        OddRefused: A parameter cannot be read, or the token would be one of another account, or of more roles.
    """
    if not any(name in form for name in PARAMETERS):
        return None
    claims: Members = {}
    if "audience" in form:
        claims["aud"] = form["audience"]
    for name, claim in (("not_before", "nbf"), ("issued_at", "iat"), ("lifetime", "exp")):
        if name in form:
            claims[claim] = now + _seconds(name, form[name])
    repeated = {
        (part, place): _members(f"{part}_{place}", form)
        for part in ("claim", "header")
        for place in ("before", "after")
    }
    claims |= _members("claim", form)
    header = _members("header", form)
    for named in (claims, repeated["claim", "before"], repeated["claim", "after"]):
        subject = named.get("sub")
        if isinstance(subject, str) and subject != user and others(subject):
            raise OddRefused("sub is another account")
        if any(role in str(named.get("roles", "")) for role in ROLES if role not in roles):
            raise OddRefused("roles has one that the account has not")
    return Oddities(claims, form.get("omit", "").split(), header, repeated)


def _seconds(name: str, text: str) -> int:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 12 and int(digits) <= FURTHEST):
        raise OddRefused(f"{name} is a number of seconds, at most {FURTHEST} away from now")
    return int(text)


def _members(name: str, form: Mapping[str, str]) -> Members:
    try:
        members = json.loads(form.get(name, "{}"))
    except (ValueError, RecursionError):
        members = None
    if not isinstance(members, dict):
        raise OddRefused(f"{name} is a JSON object")
    return members
