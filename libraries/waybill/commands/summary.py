"""What a run says at its end, on a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path

from waybill.readiness.matrix import columns, headline, variant
from waybill.readiness.model import Readiness, RunResult
from waybill.readiness.words import NOT_RUN, closing_line, detector_words, duration, sentence, sum_of, tally

_PAGES = (
    ("readiness.html", "verdict, guarantees and findings"),
    ("readiness.md", "the same for a CI summary"),
    ("readiness.json", "the same for programs"),
    ("report.html", "Robot's report"),
    ("log.html", "Robot's log"),
)
_WIDTH = 110
_LONGEST = 200


def conclusion(readiness: Readiness, folder: Path) -> Iterator[str]:
    """The lines: verdict and rule, what is not proven and why, where the pages are, the closing count.

    Args:
        readiness: One run, or several side by side; then each is named.
        folder: The folder of the pages.
    """
    runs = readiness.runs
    yield ""
    if len(runs) == 1:
        yield f"{runs[0].verdict}: {runs[0].rule}"
        yield from _verdicts(runs[0])
        yield from _idle(runs)
    else:
        yield f"{headline(readiness)}:"
        for column in columns(readiness):
            yield f"{column.label} {_word(column.run)}: {column.run.why or column.run.rule}"
            if not column.run.not_run:
                yield from _verdicts(column.run)
        yield from _idle([run for run in runs if not run.not_run])
    for words in dict.fromkeys(detector_words(run) for run in runs):
        if words:
            yield f"Detector check: {words}"
    yield ""
    seconds = [run.seconds for run in runs if run.seconds is not None]
    yield f"Reports ({duration(sum(seconds) if seconds else None)}):"
    for name, meaning in _PAGES:
        if (folder / name).is_file():
            yield f"  {folder / name}  {meaning}"
    yield closing_line(sum_of(run.counts for run in runs))


def in_between(run: RunResult) -> str:
    """The line that ends one of several targets."""
    return f"{run.target} {_word(run)}: {closing_line(run.counts)} in {duration(run.seconds)}"


def _word(run: RunResult) -> str:
    return NOT_RUN if run.not_run else run.verdict


def _verdicts(run: RunResult) -> Iterator[str]:
    yield f"  {tally(run)}"
    if changed := variant(run):
        yield _short(f"  {sentence(changed)}")
    for verdict in ("BROKEN", "WAIVED", "UNPROVEN"):
        for one in run.guarantees:
            if one.verdict == verdict and (one.scenarios or one.waiver):
                yield _short(f"  {verdict:<9}{one.id} {one.title}: {_flat(one.reason)}")
    told = {name for one in run.guarantees if one.verdict in {"BROKEN", "UNPROVEN"} for name in one.scenarios}
    for scenario in run.scenarios:
        if scenario.red and scenario.name not in told:
            yield _short(f"  {scenario.outcome.upper():<9}'{scenario.scenario}': {_flat(scenario.message)}")


def _idle(runs: list[RunResult]) -> Iterator[str]:
    """The guarantees that no run had a scenario or a waiver for, which no run says of itself."""
    open_in = [
        [one.id for one in run.guarantees if one.verdict == "UNPROVEN" and not (one.scenarios or one.waiver)]
        for run in runs
    ]
    idle = [id_ for id_ in open_in[0] if all(id_ in of_it for of_it in open_in)] if open_in else []
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
