"""Evidence: whether the figures of one scenario reach what a guarantee demands."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from waybill.readiness.catalogue import Bound, Guarantee, at_least, at_most

Figure = int | float | bool | str

SENDER_ACK = "sender-ack"
"""The need of a guarantee that is about the answer to a send."""
ACCEPTED, ACCEPTED_LOST = "accepted_sends", "accepted_sends_lost"
"""Figures of sends that a server answers with nothing: how many, and how many of them reached nobody."""


def inexpressible(guarantees: Sequence[Guarantee], capabilities: Collection[str]) -> str | None:
    """What a protocol has no words for although a scenario of these guarantees is about it.

    A missing answer to sends alone is no reason to stop: the scenario goes on, so that the report can tell what became
    of the sends that nobody answered.

    Args:
        guarantees: The guarantees among the scenario's tags.
        capabilities: What the driver can express, by the names of the driver contract.

    Returns:
        The first capability that is missing; None where the scenario can go on.
    """
    has = {*capabilities, SENDER_ACK}
    return next((need for guarantee in guarantees for need in guarantee.needs if need not in has), None)


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
    given, figures = figures, counted(guarantee, figures)

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
    accepted, lost = _number(given.get(ACCEPTED)), _number(given.get(ACCEPTED_LOST))
    if accepted and SENDER_ACK in guarantee.needs:
        miss(ACCEPTED, "an answer to every send", f"{accepted} sends were accepted without a word", over=True)
    if accepted and lost:
        share = f"found {lost} of {accepted} accepted sends that reached nobody ({lost / accepted:.1%})"
        miss(ACCEPTED_LOST, at_most(ACCEPTED_LOST, 0), share, over=True)
    return missed


def counted(guarantee: Guarantee, figures: Mapping[str, Figure]) -> Mapping[str, Figure]:
    """The figures that count for a guarantee.

    A server that answers a send with nothing acknowledges nothing. For a guarantee that is not about the answer, what
    it accepted counts in place of what another server acknowledges, and must get there just the same. Where some kinds
    of clients are answered and others are not, only what was acknowledged counts.
    """
    accepted = _number(figures.get(ACCEPTED))
    if not accepted or SENDER_ACK in guarantee.needs or _number(figures.get("acknowledged")):
        return figures
    return {**figures, "acknowledged": accepted}


def _number(value: Figure | None) -> Bound | None:
    return None if isinstance(value, str) else value


def _words(value: Figure | None) -> str:
    if value is None:
        return "not counted"
    return f"found {str(value).lower() if isinstance(value, bool) else value}"
