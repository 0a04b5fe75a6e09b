"""Evidence: whether the figures of one scenario reach what a guarantee demands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from waybill.readiness.catalogue import Bound, Guarantee, at_least, at_most

Figure = int | float | bool | str


@dataclass(frozen=True)
class Shortfall:
    """One demand that a scenario does not meet.

    Attributes:
        guarantee: Whose demand it is.
        figure: Which figure.
        demand: The demand in words: `acknowledged >= 1000`.
        found: What the scenario carries instead, in words: `found 0`, `not counted`.
        over: The figure was counted and is over its limit, which is worse than no evidence: the guarantee
            is broken.
    """

    guarantee: str
    figure: str
    demand: str
    found: str
    over: bool = False


def sentences(missed: Sequence[Shortfall]) -> str:
    """Shortfalls in one line: `DEL-1 demands acknowledged >= 1000, found 0; lost = 0, not counted`."""
    clauses: list[str] = []
    last = ""
    for miss in missed:
        start = "" if miss.guarantee == last else f"{miss.guarantee} demands "
        clauses.append(f"{start}{miss.demand}, {miss.found}")
        last = miss.guarantee
    return "; ".join(clauses)


def shortfalls(guarantee: Guarantee, figures: Mapping[str, Figure]) -> list[Shortfall]:
    """Compares a scenario's figures with the demands of one guarantee.

    Args:
        guarantee: What is demanded.
        figures: What one scenario counted. Figures of several scenarios are never added up.

    Returns:
        Every demand that is not met; empty when the evidence is enough.
    """
    missed: list[Shortfall] = []

    def miss(figure: str, demand: str, found: str, over: bool = False) -> None:
        missed.append(Shortfall(guarantee.id, figure, demand, found, over))

    for name, least in guarantee.at_least.items():
        value = _number(figures.get(name))
        if value is None or value < least:
            miss(name, at_least(name, least), _words(figures.get(name)))
    for name, most in guarantee.at_most.items():
        value = _number(figures.get(name))
        if value is None or value > most:
            miss(name, at_most(name, most), _words(figures.get(name)), over=value is not None)
    for name in guarantee.complete:
        value, total = _number(figures.get(name)), _number(figures.get(f"{name}_total"))
        if value is None or not total or value < total:
            of = "" if total is None else f" of {total}"
            miss(name, f"all {name}", f"{_words(figures.get(name))}{of}")
    for name in guarantee.reported:
        if name not in figures:
            miss(name, f"{name} reported", _words(None))
    return missed


def _number(value: Figure | None) -> Bound | None:
    return None if isinstance(value, str) else value


def _words(value: Figure | None) -> str:
    if value is None:
        return "not counted"
    return f"found {str(value).lower() if isinstance(value, bool) else value}"
