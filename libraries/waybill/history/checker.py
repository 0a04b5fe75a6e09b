"""Checks one history: every family of anomalies, the figures, and the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from .checks import CHECKS
from .checks.versions import attribute
from .figures import count_figures
from .meanwhile import with_circumstances
from .membership import NEVER
from .model import History
from .prose import Prose
from .reader import read
from .report import EXAMPLES, SEVERITY, Anomaly, Check, Report


def check(path: Path | str) -> Report:
    """The report on the history in a file.

    Raises:
        HistoryUnreadable: The file is no history, or is damaged before its last line.
    """
    return check_history(read(path))


def check_history(history: History, checks: Mapping[str, Check] = CHECKS) -> Report:
    """The report on a history.

    A check that breaks makes the verdict unknown, never clean: what it would have found nobody knows.

    Args:
        history: The history.
        checks: The checks to make, by their names; fewer than all only to see what the others are there for.
    """
    anomalies: list[Anomaly] = []
    reasons = unknown_reasons(history)
    for family, one in checks.items():
        try:
            anomalies += one(history)
        except Exception as error:
            reasons.append(f"the check {family!r} broke: {type(error).__name__}: {error}")
    try:
        anomalies += attribute(history, anomalies)
    except Exception as error:
        reasons.append(f"the check 'versions' broke: {type(error).__name__}: {error}")
    anomalies = _merged(anomalies)
    anomalies.sort(key=lambda anomaly: SEVERITY.index(anomaly.name))
    try:
        anomalies = with_circumstances(history, anomalies)
    except Exception as error:
        reasons.append(f"the faults of the findings could not be told: {type(error).__name__}: {error}")
    figures: dict[str, int] = {}
    try:
        figures = count_figures(history, anomalies)
    except Exception as error:
        reasons.append(f"the figures could not be counted: {type(error).__name__}: {error}")
    verdict = "anomalies" if anomalies else "unknown" if reasons else "clean"
    return Report(
        verdict=verdict,
        anomalies=tuple(anomalies),
        figures=figures,
        unknown_reasons=tuple(reasons),
        scenario=history.header.scenario,
        target=history.header.target,
        seed=history.header.seed,
        events=history.count,
    )


def _merged(anomalies: list[Anomaly]) -> list[Anomaly]:
    """One anomaly for each name: two families may find different forms of it."""
    merged: dict[str, Anomaly] = {}
    for one in anomalies:
        other = merged.get(one.name)
        if other is not None:
            kinds = {
                kind: other.sub_kinds.get(kind, 0) + one.sub_kinds.get(kind, 0)
                for kind in {**other.sub_kinds, **one.sub_kinds}
            }
            examples = (*other.examples, *one.examples)[:EXAMPLES]
            merged[one.name] = Anomaly(one.name, other.count + one.count, examples, kinds)
        else:
            merged[one.name] = one
    return list(merged.values())


def unknown_reasons(history: History) -> list[str]:
    """What of a history cannot be judged: loss where a device has no complete final read, or where nobody knows who
    the members are; and everything after the point where the history breaks off."""
    prose, messages = Prose(history), history.messages
    reasons = []
    if history.torn:
        reasons.append("the last line of the history is torn: what it said is lost")
    if not history.closed:
        reasons.append("the history was not closed: it may break off before the end of the scenario")
    for conversation in range(len(history.conversations)):
        if not (messages.effect[messages.of_conversation(conversation)] < NEVER).any():
            continue
        members = history.memberships.get(conversation)
        if members is None:
            name = prose.conversation(conversation)
            reasons.append(f"loss in {name} is unknown: the history does not say who its members are")
            continue
        for user in sorted(members):
            for device in history.devices_of_user.get(user, []):
                if device not in history.final_begin:
                    reasons.append(
                        f"loss at {prose.device(device)} is unknown: it has no complete final read"
                    )
    return list(dict.fromkeys(reasons))
