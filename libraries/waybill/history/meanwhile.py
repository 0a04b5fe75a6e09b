"""What was done to the server while a finding happened: the faults in or next to which its events lie, in words.

An event lies in a fault from the fault's start to its end, and next to it within `NEAR` before its start or after its
end. What is further away is not mentioned: it would only suggest a cause. The final reads, which judge the
scenario, are not looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from .bands import moment
from .marks import Finder, Mark
from .membership import NEVER
from .model import History
from .report import Anomaly, Example
from .shapes import span
from .tables import Fault
from .windows import named, window

NEAR = 250_000
"""Microseconds before or after a fault that are next to it: what a server had not made durable, or had not taken up
again, is rarely older."""
NEAR_EVENTS = 12
"""The same in events, where a history has no times."""
FAULTS = 2
"""The most faults that are told of one finding."""
EFFECT = 110
"""The most characters of what a fault did."""


@dataclass(frozen=True, slots=True)
class _Relation:
    """How the events of a finding lie to a fault: `gap` is 0 for those in it, negative before it, positive after it."""

    fault: Fault
    gap: int
    marks: tuple[Mark, ...]


def with_circumstances(history: History, anomalies: Sequence[Anomaly]) -> list[Anomaly]:
    """The same anomalies; each example tells its faults, and where its devices were if there is more than one place."""
    if not history.faults:
        return list(anomalies)
    finder = Finder(history)
    return [
        replace(anomaly, examples=tuple(_placed(history, finder, one) for one in anomaly.examples))
        for anomaly in anomalies
    ]


def _placed(history: History, finder: Finder, example: Example) -> Example:
    judged_from = min(history.final_begin.values(), default=NEVER)
    marks = [mark for event in example.events if event < judged_from for mark in finder.at(event)]
    found = [relation for fault in history.faults if (relation := _relation(history, fault, marks))]
    if not found:
        return example
    # What struck while the events were under way, or soon after them, is told before what was over already.
    found.sort(key=lambda one: (one.gap != 0, one.gap > 0, abs(one.gap), one.fault.event))
    clauses = [_clause(history, finder, relation) for relation in found[:FAULTS]]
    more = len(found) - FAULTS
    clauses += [f"{more} more fault{'s are' if more > 1 else ' is'} near by"] if more > 0 else []
    told = "; ".join(clauses)
    sentences = [f"{told[:1].upper()}{told[1:]}.", _places(history, finder, example)]
    return replace(example, meanwhile=" ".join(filter(None, sentences)))


def _relation(history: History, fault: Fault, marks: Sequence[Mark]) -> _Relation | None:
    """How the nearest of these events lie to a fault; None if all are away from it."""
    inside = tuple(mark for mark in marks if fault.event <= mark.event <= fault.end)
    if inside:
        return _Relation(fault, 0, inside)
    timed = fault.time >= 0 and all(mark.at >= 0 for mark in marks)
    begin = fault.time if timed else fault.event
    end = fault.end_time if timed and fault.end_time >= 0 else moment(history, fault.end, timed)
    near = NEAR if timed else NEAR_EVENTS
    gaps = []
    for mark in marks:
        at = mark.at if timed else mark.event
        gap = at - begin if mark.event < fault.event else at - end
        if abs(gap) <= near:
            gaps.append((abs(gap), mark.event < fault.event, mark))
    if not gaps:
        return None
    gap, before, mark = min(gaps, key=lambda one: (one[0], one[2].event))
    # Two events of one microsecond still have an order, and a gap of 0 would say that one lies in the other.
    return _Relation(fault, -max(gap, 1) if before else max(gap, 1), (mark,))


def _clause(history: History, finder: Finder, relation: _Relation) -> str:
    """`the acknowledgement of alice/phone#19 came 13.0 ms before power-loss on node (1,040 to 1,412 ms: ...)`."""
    fault = relation.fault
    effect = fault.effect if len(fault.effect) <= EFFECT else f"{fault.effect[: EFFECT - 2]} …"
    called = f"the fault {named(fault)} ({window(fault)}{f': {effect}' if effect else ''})"
    grouped: dict[str, list[str]] = {}
    for mark in relation.marks:
        word, about = _word(finder, mark)
        grouped.setdefault(about, []).append(f"the {word}")
    what = " and ".join(" and ".join(dict.fromkeys(words)) + about for about, words in grouped.items())
    several = sum(map(len, grouped.values())) > 1
    if not relation.gap:
        return f"{what} {'lie' if several else 'lies'} in {called}"
    gap = abs(relation.gap)
    timed = fault.time >= 0 and relation.marks[0].at >= 0
    far = span(gap) if timed else f"{gap} event{'s' if gap > 1 else ''}"
    return f"{what} came {far} {'before' if relation.gap < 0 else 'after the end of'} {called}"


_COMPLETIONS = {"ok": "acknowledgement", "fail": "refusal", "info": "unknown outcome"}
_TURNINGS = {"connects": "beginning of the session", "leaves": "end of the session"}


def _word(finder: Finder, mark: Mark) -> tuple[str, str]:
    """What an event is, and whose or of what."""
    device = finder.prose.device(mark.device)
    about = next(map(finder.prose.message, finder.messages([mark.event])), "")
    if mark.kind in _COMPLETIONS:
        return (_COMPLETIONS[mark.kind], f" of {about}") if about else ("answer", f" to {device}")
    if mark.kind in ("deliver", "read"):
        return "delivery", f" of {about or 'an unknown message'} to {device}"
    if mark.kind == "send":
        return "send", f" of {about}"
    return _TURNINGS.get(mark.text, mark.text), f" {'at' if mark.kind == 'told' else 'of'} {device}"


def _places(history: History, finder: Finder, example: Example) -> str:
    """On which node and in which version the devices of the finding were; nothing where there is only one place."""
    sessions = history.sessions
    nodes = len({node for node in sessions.node if node}) > 1
    versions = len({int(version) for version in sessions.version if version > 0}) > 1
    told = []
    for session in dict.fromkeys(one for event in example.events for one in finder.sessions(event)):
        parts = [f"on {sessions.node[session]}"] if nodes and sessions.node[session] else []
        version = int(sessions.version[session])
        parts += [f"in version {version}"] if versions and version > 0 else []
        if parts:
            told.append(f"{finder.prose.device_of(session)} was {' '.join(parts)}")
    told = list(dict.fromkeys(told))
    return f"{', '.join(told[:4])}." if told else ""
