"""The checker's own proof: it finds every planted anomaly, leaves every near miss alone, and raises no false alarm."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from waybill.history.checker import check
from waybill.history.planted.simulation import simulate
from waybill.history.planted.stories import Labelled, corpus, story
from waybill.history.report import SEVERITY, Report

LEGAL = 60
"""Legal histories that are tried, each of a tape of its own; the unit tests try many more."""

TAPE = 700
"""Bytes of a tape: some 200 steps of a server and its clients."""

LEAST = 2
"""Stories of each kind that an anomaly must have: what has none of its own proves nothing."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of one part of the self-test.

    Attributes:
        subject: The anomaly, or what else was tried.
        sentence: What was tried, with its figures.
        misses: What went wrong, a sentence each; empty if all is well.
    """

    subject: str
    sentence: str
    misses: tuple[str, ...] = ()


def self_test(checked: Callable[[Path], Report] = check, legal: int = LEGAL) -> Iterator[Tried]:
    """Tries the checker with every anomaly, worst first, then with legal histories.

    Args:
        checked: The checker; another one than the kit's own shows that the self-test notices a broken one.
        legal: How many legal histories are tried.

    Yields:
        One part after the other, as it is done.
    """
    stories = corpus()
    with TemporaryDirectory(prefix="waybill-self-test-") as folder:
        path = Path(folder) / "history.jsonl"
        for anomaly in SEVERITY:
            yield _anomaly(anomaly, [one for one in stories if one.anomaly == anomaly], checked, path)
        yield _legal(checked, legal, path)


def _anomaly(anomaly: str, stories: list[Labelled], checked: Callable[[Path], Report], path: Path) -> Tried:
    planted = [one for one in stories if one.planted]
    near = [one for one in stories if not one.planted]
    misses = [
        f"expected at least {LEAST} {kind}, found {len(those)}"
        for kind, those in (("planted histories", planted), ("near misses", near))
        if len(those) < LEAST
    ]
    for one in planted:
        report = checked(story(one.text, path))
        found = [other.name for other in report.anomalies]
        if anomaly not in found:
            misses.append(f"planted and not found: {one.title} (found {', '.join(found) or 'nothing'})")
    for one in near:
        report = checked(story(one.text, path))
        if report.verdict != "clean":
            misses.append(f"a near miss is not clean: {one.title} ({_said(report)})")
    sentence = f"{len(planted)} planted, {len(near)} near misses"
    return Tried(anomaly, sentence, tuple(misses))


def _legal(checked: Callable[[Path], Report], count: int, path: Path) -> Tried:
    misses = []
    events = 0
    for seed in range(count):
        report = checked(simulate(random.Random(seed).randbytes(TAPE), path))
        events += report.events
        if report.verdict != "clean":
            misses.append(f"a legal history is not clean: tape {seed} ({_said(report)})")
    return Tried("legal histories", f"{count} of them, {events} events", tuple(misses))


def _said(report: Report) -> str:
    named = [one.name for one in report.anomalies]
    return ", ".join((report.verdict, *named, *report.unknown_reasons))
