"""What an attack asks of an issuer that signs odd claims, and the attack that comes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from waybill.tokens.attack import Attack, Falsehood, Materials, NotTried

Odd = Callable[[Materials], Mapping[str, object]]
"""The further parameters of a token request (docs/reference-server.md)."""

Odds = dict[str, tuple[str, Odd]]
"""By the attack's name: what is false, and what is asked."""


def family_of(family: str, why: str, odds: Odds) -> list[Attack]:
    """The attacks of one family."""
    return [
        Attack(name, family, Falsehood.CLAIMS, what, why, _signed(odd), odd=True)
        for name, (what, odd) in odds.items()
    ]


def claim(**claims: Any) -> Odd:
    """Sets claims."""
    return lambda _: {"claim": claims}


def omit(name: str) -> Odd:
    """Leaves out a claim, or `header.NAME`, that the issuer's tokens have."""

    def make(it: Materials) -> Mapping[str, object]:
        member = name.removeprefix("header.")
        if member not in (it.claims if member == name else it.header):
            raise NotTried(f"the issuer's own tokens have no {member} either")
        return {"omit": name}

    return make


def swapped(name: str) -> str:
    """The same name with its letters in the other case.

    Raises:
        NotTried: It has no letters.
    """
    if name.swapcase() == name:
        raise NotTried(f"'{name}' has no letters of another case")
    return name.swapcase()


def _signed(odd: Odd) -> Callable[[Materials], str]:
    return lambda it: it.signed(**odd(it))
