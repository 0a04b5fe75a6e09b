"""The list of attacks: every false token that a server must refuse (docs/attacks.md shows it)."""

from __future__ import annotations

import difflib
from functools import cache

from waybill.tokens import (
    attack_ambiguities,
    attack_claims,
    attack_edits,
    attack_forms,
    attack_keys,
    attack_signatures,
    attack_subjects,
)
from waybill.tokens.attack import Attack, Falsehood, Materials, NotTried

__all__ = ["Attack", "Falsehood", "Materials", "NotTried", "every", "find", "markdown"]

_TITLES = {
    Falsehood.SIGNATURE: "The issuer never signed it",
    Falsehood.KEY: "It brings its own key, or is written in another way",
    Falsehood.CLAIMS: "The issuer signed it, and its claims are false",
}


@cache
def every() -> tuple[Attack, ...]:
    """All attacks, in the order of the page."""
    return (
        *attack_signatures.attacks(),
        *attack_edits.attacks(),
        *attack_keys.attacks(),
        *attack_forms.attacks(),
        *attack_claims.attacks(),
        *attack_subjects.attacks(),
        *attack_ambiguities.attacks(),
    )


def find(id_: str) -> Attack:
    """The attack of this name.

    Raises:
        ValueError: There is none.
    """
    known = {one.id: one for one in every()}
    if id_ not in known:
        near = difflib.get_close_matches(id_, known, n=1)
        hint = f", did you mean '{near[0]}'?" if near else "."
        raise ValueError(f"There is no attack '{id_}'{hint} docs/attacks.md lists all {len(known)}.")
    return known[id_]


def markdown() -> str:
    """The list as tables for people."""
    lines: list[str] = []
    for falsehood, title in _TITLES.items():
        attacks = [one for one in every() if one.falsehood is falsehood]
        lines += [
            "",
            f"## {title} ({len(attacks)})",
            "",
            "| attack | family | what is false | why |",
            "|---|---|---|---|",
        ]
        lines += [f"| `{one.id}` | {one.family} | {one.what} | {one.why} |" for one in attacks]
    return "\n".join(lines[1:]) + "\n"
