"""How the pages write numbers, times and names."""

from __future__ import annotations

import datetime

from waybill.readiness.evidence import Figure
from waybill.readiness.model import Counts, RunResult, Verdict

SYMBOL: dict[str, str] = {"PROVEN": "✓", "BROKEN": "✕", "WAIVED": "◇", "UNPROVEN": "○"}
OUTCOME_SYMBOL: dict[str, str] = {"passed": "✓", "failed": "✕", "skipped": "◇", "no verdict": "?"}
VERDICTS: tuple[Verdict, ...] = ("PROVEN", "WAIVED", "BROKEN", "UNPROVEN")
NOTHING = "\u2013"
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
