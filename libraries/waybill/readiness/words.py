"""How the pages write numbers, times and names."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable
from html import escape

from waybill.readiness.evidence import Figure
from waybill.readiness.model import READY, Counts, RunResult, Verdict

SYMBOL: dict[str, str] = {"PROVEN": "✓", "BROKEN": "✕", "WAIVED": "◇", "UNPROVEN": "○"}
OUTCOME_SYMBOL: dict[str, str] = {"passed": "✓", "failed": "✕", "skipped": "◇", "no verdict": "?"}
VERDICTS: tuple[Verdict, ...] = ("PROVEN", "WAIVED", "BROKEN", "UNPROVEN")
NOTHING = "\u2013"
NOT_RUN = "NOT RUN"
"""What stands in place of a verdict for a run that never began."""
MEANING: dict[Verdict, str] = {
    "PROVEN": "every scenario passed with its evidence",
    "BROKEN": "a scenario showed that the server does not keep it",
    "WAIVED": "the server does not promise it, in writing and until a date",
    "UNPROVEN": "not tried, or without enough evidence",
}
PRIORITY_MEANING = {"P0": "must have", "P1": "important", "P2": "needed at the largest scale"}


def number(value: Figure | None) -> str:
    """A figure for people: digits in groups of three, a dash for what nobody counted."""
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.2f}".rstrip("0").rstrip(".").replace(",", "\u202f")
    return f"{value:,}".replace(",", "\u202f") if isinstance(value, int) else value


def demand(words: str) -> str:
    """A demand with the signs that people write."""
    return words.replace(">=", "\u2265").replace("<=", "\u2264")


def duration(seconds: float | None) -> str:
    """A duration for people: `0.4 s`, `41 s`, `3 min 05 s`, `2 h 04 min`."""
    if seconds is None:
        return NOTHING
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def moment(iso: str) -> str:
    """A moment for people, always UTC: `14 March 2027, 09:26 UTC`."""
    if not iso:
        return NOTHING
    at = datetime.datetime.fromisoformat(iso).astimezone(datetime.UTC)
    return f"{at.day} {at:%B %Y, %H:%M} UTC"


def closing_line(counts: Counts) -> str:
    """The last line of a run. A scenario without a verdict counts as failed."""
    return f"{counts.passed} passed, {counts.failed + counts.no_verdict} failed, {counts.skipped} skipped"


def tally(run: RunResult) -> str:
    """How many guarantees have which verdict: `16 PROVEN, 29 UNPROVEN`."""
    parts = [f"{len(found)} {verdict}" for verdict in VERDICTS if (found := run.of(verdict))]
    return ", ".join(parts)


def state(run: RunResult) -> tuple[str, str]:
    """The run's verdict with its symbol, and the verdict of a guarantee whose colour it has."""
    if run.not_run:
        return f"{NOTHING} {NOT_RUN}", "UNPROVEN"
    if run.verdict == READY:
        return f"{SYMBOL['PROVEN']} {run.verdict}", "PROVEN"
    kind = "BROKEN" if run.red else "WAIVED"
    return f"{SYMBOL['BROKEN'] if run.red else SYMBOL['UNPROVEN']} {run.verdict}", kind


def sum_of(counts: Iterable[Counts]) -> Counts:
    """Scenarios by outcome over several runs."""
    total = Counts()
    for one in counts:
        total = Counts(
            total.passed + one.passed,
            total.failed + one.failed,
            total.skipped + one.skipped,
            total.no_verdict + one.no_verdict,
        )
    return total


def sentence(text: str) -> str:
    """A clause as a sentence of its own."""
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def pill(verdict: Verdict) -> str:
    """A verdict as a coloured word in HTML; the symbol and the word carry it where colour does not."""
    return f'<span class="pill {verdict.lower()}">{SYMBOL[verdict]} {verdict}</span>'


def whole_ids(text: str) -> str:
    """Text as HTML in which no line breaks within an id."""
    return re.sub(r"\b[A-Z]{2,3}-\d+\b", r'<span class="id">\g<0></span>', escape(text))


def detector_words(run: RunResult) -> str:
    """What came of the detector check, in words; empty without one."""
    if run.detector_failure:
        return f"FAILED: {run.detector_failure}. Nothing that this run says counts."
    return f"passed: {run.detector}, and all came out" if run.detector else ""
