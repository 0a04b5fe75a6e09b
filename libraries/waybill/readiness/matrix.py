"""Several runs side by side: columns are servers, rows are guarantees. Both forms of the page draw from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from waybill.readiness.combined import distinct_slugs
from waybill.readiness.model import READY, GuaranteeResult, Readiness, RunResult
from waybill.readiness.words import NOT_RUN, moment

DEMAND = "READY takes every P0 and P1 guarantee PROVEN or validly WAIVED"


@dataclass(frozen=True)
class Column:
    """One run.

    Attributes:
        run: What it proves.
        label: The server's name; with the date where another column has the same name.
        anchor: A word of its own for links.
    """

    run: RunResult
    label: str
    anchor: str


@dataclass(frozen=True)
class Row:
    """One guarantee.

    Attributes:
        id: Its name.
        title: A few words.
        priority: `P0`, `P1` or `P2`.
        family: What it is about.
        cells: Its verdict per column; None where the run never began.
    """

    id: str
    title: str
    priority: str
    family: str
    cells: tuple[GuaranteeResult | None, ...]


def columns(readiness: Readiness) -> list[Column]:
    """One column per run, in their order."""
    labels = _labels(readiness.runs)
    return [
        Column(run, label, anchor)
        for run, label, anchor in zip(readiness.runs, labels, distinct_slugs(labels), strict=True)
    ]


def _labels(runs: Sequence[RunResult]) -> list[str]:
    names = [run.target or "unnamed" for run in runs]
    dated = [
        f"{name}, {moment(run.started)}" if names.count(name) > 1 else name
        for name, run in zip(names, runs, strict=True)
    ]
    return [
        f"{label} ({dated[: place + 1].count(label)})" if dated.count(label) > 1 else label
        for place, label in enumerate(dated)
    ]


def families(readiness: Readiness) -> list[tuple[str, list[Row]]]:
    """The rows by family, in the order of the catalogue, without those that no run has anything to say about."""
    rows = [
        row for row in _rows(readiness.runs) if any(cell is not None and tells(cell) for cell in row.cells)
    ]
    order = list(dict.fromkeys(row.family for row in rows))
    rows.sort(key=lambda row: order.index(row.family))
    return [(family, list(of_it)) for family, of_it in groupby(rows, lambda row: row.family)]


def untried(readiness: Readiness) -> list[Row]:
    """The guarantees for which no run selected a scenario and about which nobody wrote a waiver."""
    if all(run.not_run for run in readiness.runs):
        return []
    return [
        row
        for row in _rows(readiness.runs)
        if not any(cell is not None and tells(cell) for cell in row.cells)
    ]


def _rows(runs: Sequence[RunResult]) -> list[Row]:
    by_id = [{} if run.not_run else {one.id: one for one in run.guarantees} for run in runs]
    return [
        Row(one.id, one.title, one.priority, one.family, tuple(known.get(one.id) for known in by_id))
        for one in runs[0].guarantees
    ]


def tells(one: GuaranteeResult) -> bool:
    """Whether there is something to say about a guarantee: it was tried, or somebody wrote about it."""
    return bool(one.scenarios) or one.waiver is not None


def headline(readiness: Readiness) -> str:
    """The verdict in a few words: a run's own, or how many of several servers are ready."""
    if len(readiness.runs) == 1:
        return NOT_RUN if readiness.runs[0].not_run else readiness.verdict
    ready = sum(run.verdict == READY for run in readiness.runs)
    return f"{ready} of {len(readiness.runs)} READY"


def facts(run: RunResult) -> list[str]:
    """What tells one run from another: driver, version of the server, date, seed, version of the kit."""
    kit = run.versions.get("Waybill", "")
    return [
        *([f"driver {run.driver}"] if run.driver else []),
        *([f"server {run.server_version}"] if run.server_version else []),
        *([moment(run.started)] if run.started else []),
        *([f"seed {run.seed}"] if run.seed else []),
        *([f"Waybill {kit}"] if kit else []),
    ]


def variant(run: RunResult) -> str:
    """What was changed about a target on purpose, and whether the run noticed; empty for a target as it is."""
    if not run.variant:
        return ""
    base, plus, _ = run.target.partition("+")
    said = f"Variant of {base}: {run.variant}" if plus else f"Variant: {run.variant}"
    broken = "; ".join(_noticed(run, id_) for id_ in run.breaks)
    return f"{said.rstrip('.')}; must break {broken}" if broken else said


def _noticed(run: RunResult, id_: str) -> str:
    one = run.guarantee(id_)
    if one is None or run.not_run or not one.scenarios:
        return f"{id_} (○ not tried)"
    return (
        f"{id_} (✓ it is BROKEN)"
        if one.verdict == "BROKEN"
        else f"{id_} (✕ not noticed, it is {one.verdict})"
    )
