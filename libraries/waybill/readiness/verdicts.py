"""The rules: from scenarios to a verdict per guarantee, and from those to READY.

Per guarantee, the first that applies:

1. A valid waiver covers it and not all of its scenarios passed: WAIVED.
2. A scenario of it failed, other than for want of evidence or for infrastructure: BROKEN.
3. A scenario of it has no verdict, failed for infrastructure, carries too little evidence or was skipped, or
   there is none at all: UNPROVEN.
4. Every scenario of it passed: PROVEN.

For the run, the first that applies decides NOT READY: Robot could not do its work; a waiver has expired; a
scenario has no verdict; a P0 guarantee is BROKEN, then a P1 one; a P0 guarantee is UNPROVEN, then a P1 one.
Otherwise: READY.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence

from waybill.readiness.catalogue import Guarantee, at_least, at_most
from waybill.readiness.evidence import ACCEPTED_LOST, Figure, counted, shortfalls
from waybill.readiness.model import (
    NOT_READY,
    READY,
    EvidenceLine,
    GuaranteeResult,
    ScenarioResult,
    Verdict,
)
from waybill.readiness.waivers import Waiver

DECISIVE = ("P0", "P1")


def judge(
    guarantee: Guarantee, scenarios: Sequence[ScenarioResult], waiver: Waiver | None, expired: bool
) -> GuaranteeResult:
    """The verdict on one guarantee.

    Args:
        guarantee: What was promised.
        scenarios: The selected scenarios that have it among their tags.
        waiver: What the target's owner wrote about it.
        expired: The waiver no longer counts.
    """
    verdict, reason = _verdict(guarantee, scenarios)
    result = GuaranteeResult(
        id=guarantee.id,
        title=guarantee.title,
        family=guarantee.family,
        priority=guarantee.priority,
        security=guarantee.security,
        statement=guarantee.statement,
        verdict=verdict,
        reason=reason,
        evidence=_evidence(guarantee, scenarios),
        scenarios=[scenario.name for scenario in scenarios],
        waiver=waiver,
    )
    if waiver is None:
        return result
    if expired:
        result.waiver_state = "expired"
        result.reason = f"its waiver ({waiver.owner}) expired on {waiver.expires.isoformat()}; {reason}"
    elif verdict == "PROVEN" and not any(shortfalls(guarantee, one.evidence) for one in scenarios):
        # The gate does not demand what a waiver covers, so a scenario may pass with too little of it.
        result.waiver_state = "not needed"
        result.reason = f"{reason}; its waiver is not needed"
    else:
        result.waiver_state = "valid"
        result.verdict, result.reason = "WAIVED", waiver.sentence()
    return result


def _verdict(guarantee: Guarantee, scenarios: Sequence[ScenarioResult]) -> tuple[Verdict, str]:
    if not scenarios:
        return "UNPROVEN", "no scenario selected"
    scenarios = [one for one in scenarios if one.cause != "inapplicable"]
    if not scenarios:
        return "UNPROVEN", "its scenarios are about several nodes, and the server has one"
    broken = [one for one in scenarios if one.outcome == "failed" and not _undecided(one)]
    if broken:
        return "BROKEN", _because(broken, _breaking)
    lost = [one for one in scenarios if one.outcome == "no verdict"]
    if lost:
        return "UNPROVEN", _because(lost, lambda one: f"no verdict: {one.message}")
    undecided = [one for one in scenarios if one.outcome != "passed"]
    if undecided:
        return "UNPROVEN", _because(undecided, lambda one: in_short(one.message) or one.outcome)
    count = len(scenarios)
    return "PROVEN", f"{count} scenario{'s' * (count != 1)} passed with the demanded evidence"


def _undecided(scenario: ScenarioResult) -> bool:
    return scenario.cause in {"no-evidence", "infrastructure", "waived"}


def _breaking(scenario: ScenarioResult) -> str:
    return scenario.findings[0].words() if scenario.findings else in_short(scenario.message)


def _because(scenarios: Sequence[ScenarioResult], words: Callable[[ScenarioResult], str]) -> str:
    first = scenarios[0]
    more = f" (and {len(scenarios) - 1} more)" if len(scenarios) > 1 else ""
    return f"'{first.scenario}': {words(first)}{more}"


def in_short(message: str, longest: int = 240) -> str:
    """A message in one line of bounded length, without Robot's marker for HTML."""
    return textwrap.shorten(message.removeprefix("*HTML*"), longest, placeholder=" ...")


def _evidence(guarantee: Guarantee, scenarios: Sequence[ScenarioResult]) -> list[EvidenceLine]:
    ended = [one for one in scenarios if one.outcome == "passed"] or scenarios
    missed = {miss.figure for one in ended for miss in shortfalls(guarantee, one.evidence)}

    figures = [counted(guarantee, one.evidence) for one in ended]

    def line(figure: str, words: str, pick: Callable[[list[float]], float]) -> EvidenceLine:
        return EvidenceLine(figure, words, _weakest(figures, figure, pick), figure not in missed)

    wordless = [ACCEPTED_LOST] if any(ACCEPTED_LOST in one for one in figures) else []

    return [
        *(line(name, at_least(name, bound), min) for name, bound in guarantee.at_least.items()),
        *(line(name, at_most(name, bound), max) for name, bound in guarantee.at_most.items()),
        *(line(name, f"all {name}", min) for name in guarantee.complete),
        *(line(name, f"{name} reported", max) for name in guarantee.reported),
        *(line(name, at_most(name, 0), max) for name in wordless),
    ]


def _weakest(
    evidence: Iterable[Mapping[str, Figure]], figure: str, pick: Callable[[list[float]], float]
) -> Figure | None:
    values = [figures[figure] for figures in evidence if figure in figures]
    numbers = [value for value in values if not isinstance(value, str)]
    if len(numbers) == len(values) and numbers:
        return pick(list(numbers))
    return values[0] if values else None


def conclude(
    guarantees: Sequence[GuaranteeResult], scenarios: Sequence[ScenarioResult], problem: str = ""
) -> tuple[str, str]:
    """READY or NOT READY, and the rule that decided.

    Args:
        guarantees: The verdicts.
        scenarios: The selected scenarios.
        problem: Why Robot could not do its work; empty if it could.
    """
    if problem:
        return NOT_READY, f"the run itself did not work: {problem}"
    expired = [one.id for one in guarantees if one.waiver_state == "expired"]
    if expired:
        return NOT_READY, f"{_are(len(expired), 'waiver')} expired: {_some(expired)}"
    lost = [one.scenario for one in scenarios if one.outcome == "no verdict"]
    if lost:
        return NOT_READY, f"{_are(len(lost), 'scenario')} without a verdict: {_some(lost)}"
    verdicts: tuple[Verdict, ...] = ("BROKEN", "UNPROVEN")
    for verdict in verdicts:
        for priority in DECISIVE:
            all_of_it = [one for one in guarantees if one.priority == priority]
            hit = [one.id for one in all_of_it if one.verdict == verdict]
            if hit:
                are = "is" if len(hit) == 1 else "are"
                return (
                    NOT_READY,
                    f"{len(hit)} of {len(all_of_it)} {priority} guarantees {are} {verdict}: {_some(hit)}",
                )
    return READY, _ready(guarantees)


def _ready(guarantees: Sequence[GuaranteeResult]) -> str:
    waived = [one.id for one in guarantees if one.priority in DECISIVE and one.verdict == "WAIVED"]
    later = [one.id for one in guarantees if one.verdict in {"BROKEN", "UNPROVEN"}]
    rule = "every P0 and P1 guarantee is PROVEN"
    if waived:
        rule += f" or validly WAIVED ({_some(waived)})"
    return rule + (f"; still open at lower priority: {_some(later)}" if later else "")


def redness(
    guarantees: Sequence[GuaranteeResult], scenarios: Sequence[ScenarioResult], problem: str = ""
) -> list[str]:
    """Everything that keeps a run from being green, one sentence each; empty for a green run.

    A guarantee for which no scenario was selected does not make the run red: it was not asked for.
    """
    red = [f"the run itself did not work: {problem}"] if problem else []
    red += [f"{one.id}: {one.reason}" for one in guarantees if one.waiver_state == "expired"]
    red += [f"{one.id} is BROKEN: {one.reason}" for one in guarantees if one.verdict == "BROKEN"]
    told = {name for one in guarantees if one.verdict == "BROKEN" for name in one.scenarios}
    for one in scenarios:
        if one.outcome == "no verdict":
            red.append(f"'{one.scenario}' has no verdict: {one.message}")
        elif one.outcome == "failed" and (one.name not in told or _undecided(one)):
            red.append(f"'{one.scenario}': {in_short(one.message)}")
    return red


def by_guarantee(
    scenarios: Iterable[ScenarioResult], catalogue: Mapping[str, Guarantee]
) -> dict[str, list[ScenarioResult]]:
    """The scenarios of every guarantee of the catalogue, with empty lists for those that have none."""
    found: dict[str, list[ScenarioResult]] = {id_: [] for id_ in catalogue}
    for scenario in scenarios:
        for id_ in scenario.guarantees:
            if id_ in found:
                found[id_].append(scenario)
    return found


def _are(count: int, noun: str) -> str:
    return f"1 {noun} is" if count == 1 else f"{count} {noun}s are"


def _some(names: Sequence[str], most: int = 6) -> str:
    listed = ", ".join(names[:most])
    return listed if len(names) <= most else f"{listed} and {len(names) - most} more"
