"""Why a run is not READY, in one sentence for people who read no further.

The rule says how many guarantees decided; this sentence names the first of them and what went wrong:
`P0 ACK-1 is BROKEN: acknowledged messages were lost (12 times) in 'An acknowledged message survives a kill'`.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from waybill.readiness.anomaly_words import in_words
from waybill.readiness.model import GuaranteeResult, ScenarioResult, Verdict
from waybill.readiness.verdicts import DECISIVE

_LONGEST = 150
_LISTED = 6
_NAMED = 3
_PROVES_NOTHING = frozenset({"no-evidence", "infrastructure", "waived"})


def why(
    guarantees: Sequence[GuaranteeResult], scenarios: Sequence[ScenarioResult], problem: str, rule: str
) -> str:
    """Says what decided, in the order of the rules of `verdicts`.

    Args:
        guarantees: The verdicts.
        scenarios: The selected scenarios.
        problem: Why the run did not come about; empty if it did.
        rule: The rule that decided, which says it all where no single guarantee decided.
    """
    expired = any(one.waiver_state == "expired" for one in guarantees)
    lost = any(one.outcome == "no verdict" for one in scenarios)
    if problem or expired or lost:
        return rule
    verdicts: tuple[Verdict, ...] = ("BROKEN", "UNPROVEN")
    for verdict in verdicts:
        for priority in DECISIVE:
            hit = [one for one in guarantees if one.priority == priority and one.verdict == verdict]
            if hit:
                return _sentence(hit, {one.name: one for one in scenarios})
    return rule


def _sentence(hit: Sequence[GuaranteeResult], scenarios: dict[str, ScenarioResult]) -> str:
    tried = [one for one in hit if one.scenarios]
    if not tried:
        return _untried(hit)
    first = tried[0]
    cause = _cause([scenarios[name] for name in first.scenarios], first)
    sentence = f"{first.priority} {first.id} is {first.verdict}: {cause}"
    others = [one for one in hit if one is not first]
    if not others:
        return sentence
    return f"{sentence}; so {_are(len(others))} {len(others)} more {first.priority}{_named(others)}"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _named(others: Sequence[GuaranteeResult]) -> str:
    return f" ({', '.join(one.id for one in others)})" if len(others) <= _NAMED else ""


def _untried(hit: Sequence[GuaranteeResult]) -> str:
    ids = ", ".join(one.id for one in hit[:_LISTED])
    more = f" and {len(hit) - _LISTED} more" if len(hit) > _LISTED else ""
    noun = "guarantee was" if len(hit) == 1 else "guarantees were"
    return f"{len(hit)} {hit[0].priority} {noun} not put to the proof, no scenario was selected: {ids}{more}"


def _cause(scenarios: Sequence[ScenarioResult], guarantee: GuaranteeResult) -> str:
    bad = [one for one in scenarios if one.outcome != "passed"]
    if guarantee.verdict == "BROKEN":
        bad = [one for one in bad if one.outcome == "failed" and one.cause not in _PROVES_NOTHING]
    if not bad:
        return guarantee.reason
    worst = bad[0]
    if worst.findings and guarantee.verdict == "BROKEN":
        said = in_words(worst.findings[0].anomaly, worst.findings[0].count)
    else:
        said = _first_line(worst.message) or worst.outcome
    return f"{said} in '{worst.scenario}'"


def _first_line(message: str) -> str:
    text = message.removeprefix("*HTML*").strip()
    return textwrap.shorten(text.splitlines()[0], _LONGEST, placeholder=" ...") if text else ""
