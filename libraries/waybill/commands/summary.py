"""What a run says at its end, on a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path

from waybill.readiness.model import GuaranteeResult, RunResult
from waybill.readiness.words import closing_line, duration, tally

_PAGES = (
    ("readiness.html", "verdict, guarantees and findings"),
    ("readiness.md", "the same for a CI summary"),
    ("readiness.json", "the same for programs"),
    ("report.html", "Robot's report"),
    ("log.html", "Robot's log"),
)
_WIDTH = 110
_LONGEST = 200


def conclusion(run: RunResult, folder: Path) -> Iterator[str]:
    """The lines: verdict and rule, what is not proven and why, where the pages are, the closing count."""
    yield ""
    yield f"{run.verdict}: {run.rule}"
    yield f"  {tally(run)}"
    yield from _not_proven(run.guarantees)
    told = {name for one in run.guarantees if one.verdict in {"BROKEN", "UNPROVEN"} for name in one.scenarios}
    for scenario in run.scenarios:
        if scenario.red and scenario.name not in told:
            yield _short(f"  {scenario.outcome.upper():<9}'{scenario.scenario}': {_flat(scenario.message)}")
    yield ""
    yield f"Reports ({duration(run.seconds)}):"
    for name, meaning in _PAGES:
        if (folder / name).is_file():
            yield f"  {folder / name}  {meaning}"
    yield closing_line(run.counts)


def _not_proven(guarantees: list[GuaranteeResult]) -> Iterator[str]:
    for verdict in ("BROKEN", "WAIVED", "UNPROVEN"):
        for one in guarantees:
            if one.verdict == verdict and (one.scenarios or one.waiver):
                yield _short(f"  {verdict:<9}{one.id} {one.title}: {_flat(one.reason)}")
    idle = [one.id for one in guarantees if one.verdict == "UNPROVEN" and not (one.scenarios or one.waiver)]
    if idle:
        yield from textwrap.wrap(
            f"UNPROVEN for want of a selected scenario: {', '.join(idle)}",
            _WIDTH,
            initial_indent="  ",
            subsequent_indent=" " * 11,
            break_on_hyphens=False,
        )


def _flat(text: str) -> str:
    return " ".join(text.removeprefix("*HTML*").split())


def _short(line: str) -> str:
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 4]} ..."
