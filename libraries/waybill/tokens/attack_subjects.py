"""Signed tokens about nobody, about several people, or about somebody whose name looks like the victim's."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from typing import Final

from waybill.tokens.attack import Attack, Materials
from waybill.tokens.odd_request import Odd, Odds, claim, family_of, omit, swapped

_LOOKALIKES: Final = dict(
    zip("aceijopsxy", "\u0430\u0441\u0435\u0456\u0458\u043e\u0440\u0455\u0445\u0443", strict=True)
)
"""Cyrillic letters that look like these Latin ones."""


def attacks() -> list[Attack]:
    """All of them."""
    return family_of("subject", "RFC 7519, 4.1.2; RFC 8725, 3.8; RFC 8265, 3", _SUBJECTS)


def other_case(it: Materials) -> Mapping[str, object]:
    """A token in order for somebody whose name is the victim's in other letters: no attack, since such a user may
    exist, but not the victim."""
    return {"claim": {"sub": swapped(it.victim)}}


def lookalike(name: str) -> str:
    """Another name that looks the same."""
    changed = "".join(_LOOKALIKES.get(letter, letter) for letter in name)
    return changed if changed != name else f"{name}\u200b"


def wide(name: str) -> str:
    """Another name that becomes the same when Unicode's compatible forms are made equal (NFKC)."""
    changed = "".join(chr(ord(one) + 0xFEE0) if "!" <= one <= "~" else one for one in name)
    assert changed == name or unicodedata.normalize("NFKC", changed) == name
    return changed if changed != name else f"{name}\u200b"


def _subject(change: Callable[[str], object]) -> Odd:
    return lambda it: {"claim": {"sub": change(it.victim)}}


_SUBJECTS: Final[Odds] = {
    "subject-missing": ("It speaks for nobody.", omit("sub")),
    "subject-empty": ("Its subject is empty.", claim(sub="")),
    "subject-null": ("Its subject is null.", claim(sub=None)),
    "subject-a-number": ("Its subject is a number.", claim(sub=1)),
    "subject-true": ("Its subject is true.", claim(sub=True)),
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
    "subject-a-pattern": ("Its subject is a pattern that fits everybody.", claim(sub="*")),
    "subject-of-3000-characters": ("Its subject has 3000 characters.", claim(sub="a" * 3000)),
}
