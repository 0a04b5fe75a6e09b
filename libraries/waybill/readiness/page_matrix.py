"""The top of a `readiness.html` that shows several servers: why each is not ready, then all of them side by
side.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from waybill.readiness.matrix import Column, Row, facts, families, untried, variant
from waybill.readiness.model import GuaranteeResult, Readiness, RunResult
from waybill.readiness.words import (
    MEANING,
    NOTHING,
    PRIORITY_MEANING,
    closing_line,
    moment,
    pill,
    sentence,
    state,
    tally,
    whole_ids,
)


def draw_servers(columns: Sequence[Column]) -> str:
    """Draws one line per server: its verdict, and why."""
    return f'<ul class="servers">{"".join(_server(column) for column in columns)}</ul>\n'


def _server(column: Column) -> str:
    run = column.run
    changed = variant(run)
    counts = "" if run.not_run else f"{closing_line(run.counts)} - guarantees: {tally(run)}"
    return (
        f'<li><p class="who"><a href="#{column.anchor}">{escape(column.label)}</a> {run_pill(run)}</p>'
        f'<p class="cause">{whole_ids(sentence(run.why or run.rule))}</p>'
        + (f'<p class="variant">{whole_ids(sentence(changed))}</p>' if changed else "")
        + f'<p class="with">{escape(" - ".join(part for part in (", ".join(facts(run)), counts) if part))}</p>'
        "</li>\n"
    )


def run_pill(run: RunResult) -> str:
    """The verdict on a run as a coloured word with a symbol."""
    words, kind = state(run)
    return f'<span class="pill {kind.lower()}">{words}</span>'


def draw_matrix(readiness: Readiness, columns: Sequence[Column]) -> str:
    """Draws the table of verdicts: one row per guarantee, one column per server."""
    groups = families(readiness)
    heads = "".join(_head(column, _differ(columns)) for column in columns)
    bodies = "".join(
        f'<tbody><tr class="family"><th scope="rowgroup" colspan="{len(columns) + 1}"><span>{escape(family)}'
        f"</span></th></tr>\n{''.join(_row(row, columns) for row in rows)}</tbody>\n"
        for family, rows in groups
    )
    table = (
        '<div class="scroll" role="region" aria-label="Verdicts by guarantee and server" tabindex="0">\n'
        f'<table class="compare"><thead><tr><th scope="col">Guarantee</th>{heads}</tr></thead>\n'
        f"{bodies}</table></div>\n"
    )
    return f'<h2 id="guarantees">Guarantees</h2>\n{table + _legend() if groups else ""}{_untried(readiness)}'


def _differ(columns: Sequence[Column]) -> bool:
    """Whether the runs are of different days, seeds or versions, so that each column has to say of which."""
    return (
        len(
            {(one.run.started[:10], one.run.seed, tuple(sorted(one.run.versions.items()))) for one in columns}
        )
        > 1
    )


def _head(column: Column, dated: bool) -> str:
    run = column.run
    name = run.target or "unnamed"
    lines = [run.driver, run.server_version and f"version {run.server_version}"]
    if dated or column.label != name:
        kit = run.versions.get("Waybill", "")
        lines += [
            run.started and moment(run.started),
            run.seed and f"seed {run.seed}",
            kit and f"Waybill {kit}",
        ]
    small = "".join(f"<small>{escape(line)}</small>" for line in lines if line)
    name = escape(name).replace("+", "+<wbr>")
    return f'<th scope="col"><a href="#{column.anchor}">{name}</a>{small}{run_pill(run)}</th>'


def _row(row: Row, columns: Sequence[Column]) -> str:
    cells = "".join(_cell(cell, row, column) for cell, column in zip(row.cells, columns, strict=True))
    return (
        f'<tr><th scope="row"><span class="id">{escape(row.id)}</span> '
        f'<span class="tag">{row.priority}</span><br>{escape(row.title)}</th>{cells}</tr>\n'
    )


def _cell(cell: GuaranteeResult | None, row: Row, column: Column) -> str:
    if cell is None:
        return f'<td><a href="#{column.anchor}"><span class="pill unproven">{NOTHING} not run</span></a></td>'
    return (
        f'<td><a href="#{column.anchor}-{escape(row.id)}" title="{escape(cell.reason)}">'
        f"{pill(cell.verdict)}</a></td>"
    )


def _legend() -> str:
    verdicts = "".join(f"<li>{pill(verdict)} {escape(words)}</li>" for verdict, words in MEANING.items())
    priorities = ", ".join(f"{priority} {words}" for priority, words in PRIORITY_MEANING.items())
    return f'<ul class="legend">{verdicts}<li>{priorities}</li></ul>\n'


def _untried(readiness: Readiness) -> str:
    rows = untried(readiness)
    if not rows:
        return ""
    ids = whole_ids(", ".join(f"{row.id}" for row in rows))
    noun = "guarantee" if len(rows) == 1 else "guarantees"
    return (
        f'<p class="lead untried">No scenario was selected for {len(rows)} more {noun}, UNPROVEN on every '
        f"server: {ids}.</p>\n"
    )
