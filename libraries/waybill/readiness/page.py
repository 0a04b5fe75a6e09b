"""`readiness.html`: one file that opens anywhere, without network and without scripts.

Verdict first, then why, the guarantees by priority, the findings, the waivers, and how it was run.
"""

from __future__ import annotations

import re
from html import escape
from pathlib import Path

from waybill.readiness.catalogue import PRIORITIES
from waybill.readiness.evidence import Figure
from waybill.readiness.model import READY, GuaranteeResult, Readiness, RunResult, ScenarioResult
from waybill.readiness.page_findings import draw_findings, tells
from waybill.readiness.words import (
    OUTCOME_SYMBOL,
    PRIORITY_MEANING,
    SYMBOL,
    VERDICTS,
    closing_line,
    demand,
    duration,
    moment,
    number,
    tally,
)
from waybill.version import __version__


def draw(readiness: Readiness, folder: Path) -> str:
    """Draws the page.

    Args:
        readiness: What to show.
        folder: The run folder, whose timelines go into the page.
    """
    css = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
    targets = ", ".join(run.target or "unnamed" for run in readiness.runs)
    body = "".join(_run(run, folder) for run in readiness.runs)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<link rel="icon" href="data:,">\n'
        f"<title>{escape(readiness.verdict)}: {escape(targets)} - Waybill</title>\n"
        f"<style>\n{css}</style>\n</head>\n<body>\n<main>\n"
        f"{_verdict(readiness, targets)}{body}"
        f"<footer>Waybill {__version__} - every message accounted for. Data: "
        f'<a href="readiness.json">readiness.json</a></footer>\n</main>\n</body>\n</html>\n'
    )


def _verdict(readiness: Readiness, targets: str) -> str:
    first = readiness.runs[0]
    kind = "ready" if readiness.verdict == READY else "not-ready" if _is_red(readiness) else "open"
    rule = readiness.rule[:1].upper() + readiness.rule[1:]
    return (
        f'<header class="brand"><span><b>Waybill</b> readiness of <b>{escape(targets)}</b></span>'
        f"<span>{escape(moment(first.started))}</span></header>\n"
        f'<section class="verdict {kind}" id="verdict"><h1>{escape(readiness.verdict)}</h1>\n'
        f'<p class="rule">{_whole_ids(rule)}.</p>\n'
        + "".join(
            f'<p class="counts">{escape(closing_line(run.counts))} in {duration(run.seconds)} - '
            f"guarantees: {escape(tally(run))}</p>\n"
            for run in readiness.runs
        )
        + f"{_contents(readiness)}</section>\n"
    )


def _is_red(readiness: Readiness) -> bool:
    return any(run.red for run in readiness.runs)


def _whole_ids(text: str) -> str:
    """Text in which no line breaks within an id."""
    return re.sub(r"\b[A-Z]{2,3}-\d+\b", r'<span class="id">\g<0></span>', escape(text))


def _contents(readiness: Readiness) -> str:
    run = readiness.runs[0]
    places = [("guarantees", "Guarantees", True), ("findings", "Findings", any(map(tells, run.scenarios)))]
    places += [("waivers", "Waivers", bool(run.waivers)), ("how", "How it was run", True)]
    links = "".join(f'<a href="#{place}">{name}</a>' for place, name, there in places if there)
    if any(one.log for one in run.scenarios):
        links += '<a href="log.html">Robot log</a>'
    return f"<nav>{links}</nav>\n"


def _run(run: RunResult, folder: Path) -> str:
    return (
        _meters(run)
        + _red(run)
        + '<h2 id="guarantees">Guarantees</h2>\n'
        + "".join(_priority(run, priority) for priority in PRIORITIES)
        + draw_findings(run, folder)
        + _waivers(run)
        + _how(run)
    )


def _meters(run: RunResult) -> str:
    meters = []
    for priority in PRIORITIES:
        of_it = [one for one in run.guarantees if one.priority == priority]
        if not of_it:
            continue
        parts = [(verdict, len(run.of(verdict, priority))) for verdict in VERDICTS]
        bar = "".join(
            f'<i class="{verdict.lower()}" style="flex:{count}"></i>' for verdict, count in parts if count
        )
        foot = ", ".join(f"{count} {verdict.lower()}" for verdict, count in parts if count)
        meters.append(
            f'<div class="meter"><p class="head"><b>{priority}</b>'
            f"<span>{PRIORITY_MEANING[priority]}</span></p>"
            f'<div class="bar" aria-hidden="true">{bar}</div><p class="foot">{foot}</p></div>'
        )
    return f'<section class="meters">{"".join(meters)}</section>\n'


def _red(run: RunResult) -> str:
    if not run.red:
        return ""
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in run.red)
    return f'<h2>Why the run is red</h2>\n<ul class="red">{items}</ul>\n'


def _priority(run: RunResult, priority: str) -> str:
    of_it = [one for one in run.guarantees if one.priority == priority]
    if not of_it:
        return ""
    by_name = {scenario.name: scenario for scenario in run.scenarios}
    of_it.sort(key=_idle)
    rows = "".join(_row(one, [by_name[name] for name in one.scenarios]) for one in of_it)
    return (
        f"<h3>{priority}<small>{PRIORITY_MEANING[priority]}</small></h3>\n"
        f'<table class="matrix"><thead><tr><th>Id</th><th>Guarantee</th><th>Verdict</th><th>Evidence</th>'
        f"<th>Scenarios</th></tr></thead>\n<tbody>{rows}</tbody></table>\n"
    )


def _idle(one: GuaranteeResult) -> bool:
    """Nobody asked for it and nobody wrote about it: its row is small, below those that tell something."""
    return not one.scenarios and one.waiver is None


def _row(one: GuaranteeResult, scenarios: list[ScenarioResult]) -> str:
    idle = _idle(one)
    security = '<span class="tag">security</span>' if one.security else ""
    statement = "" if idle else f'<div class="statement">{escape(one.statement)}</div>'
    last = _scenario_links(scenarios)
    if one.verdict != "PROVEN" or one.waiver_state:
        last += f'<div class="why">{escape(one.reason)}</div>'
    return (
        f'<tr id="{escape(one.id)}"{" class=idle" if idle else ""}><td>{escape(one.id)}</td>'
        f'<td title="{escape(one.statement)}"><div class="title">{escape(one.title)}{security}</div>'
        f"{statement}</td>"
        f'<td><span class="pill {one.verdict.lower()}">{SYMBOL[one.verdict]} {one.verdict}</span></td>'
        f"<td>{'' if idle else _figures(one)}</td><td>{last}</td></tr>\n"
    )


def _figures(one: GuaranteeResult) -> str:
    if not any(line.found is not None for line in one.evidence):
        return f'<span class="why">{escape("; ".join(demand(line.demand) for line in one.evidence))}</span>'
    items = "".join(
        f"<li{'' if line.enough else ' class=short'}>"
        f'<span class="demand">{escape(demand(line.demand))}</span>'
        f'<span class="value">{escape(_value(line.found))}</span></li>'
        for line in one.evidence
    )
    return f'<ul class="figures">{items}</ul>'


def _value(found: Figure | None) -> str:
    return "not counted" if found is None else number(found)


def _scenario_links(scenarios: list[ScenarioResult]) -> str:
    items = []
    for one in scenarios:
        kind = one.outcome.replace(" ", "-")
        name = escape(one.scenario)
        linked = f'<a href="{escape(one.log)}">{name}</a>' if one.log else name
        items.append(
            f'<li><span class="mark {kind}" title="{one.outcome}">{OUTCOME_SYMBOL[one.outcome]}</span>'
            f"{linked}</li>"
        )
    return f'<ul class="scenarios">{"".join(items)}</ul>' if items else ""


def _waivers(run: RunResult) -> str:
    if not run.waivers:
        return ""
    states = {one.id: one.waiver_state for one in run.guarantees}
    rows = "".join(
        f'<tr><td><a href="#{escape(waiver.guarantee)}">{escape(waiver.guarantee)}</a></td>'
        f"<td>{escape(waiver.reason)}</td><td>{escape(waiver.owner)}</td>"
        f"<td>{waiver.expires.isoformat()}</td><td>{_state(states.get(waiver.guarantee, ''))}</td></tr>\n"
        for waiver in run.waivers
    )
    return (
        f'<h2 id="waivers">Waivers<small>what {escape(run.target)} does not promise</small></h2>\n'
        '<table class="plain"><thead><tr><th>Guarantee</th><th>Reason</th><th>Owner</th><th>Expires</th>'
        f"<th>State</th></tr></thead>\n<tbody>{rows}</tbody></table>\n"
    )


def _state(state: str) -> str:
    if state == "expired":
        return '<span class="pill failed">✕ expired</span>'
    return escape(state)


def _how(run: RunResult) -> str:
    facts = [
        ("Target", run.target),
        ("Driver", run.driver),
        ("Promises", ", ".join(f"{name} = {value}" for name, value in run.promises.items())),
        ("Seed", run.seed),
        ("Started", moment(run.started)),
        ("Took", duration(run.seconds)),
        ("Workers", str(run.processes)),
        (
            "Selected",
            f"{run.counts.total} scenarios" + (f", by {' '.join(run.filters)}" if run.filters else ""),
        ),
        ("Versions", ", ".join(f"{name} {version}" for name, version in run.versions.items())),
        ("Command", run.command),
    ]
    items = "".join(
        f"<dt>{name}</dt><dd{' class=mono' if name == 'Command' else ''}>{escape(value)}</dd>"
        for name, value in facts
        if value
    )
    return f'<h2 id="how">How it was run</h2>\n<dl class="facts">{items}</dl>\n'
