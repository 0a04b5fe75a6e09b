"""`readiness.html`: one file that opens anywhere, without network and without scripts.

Verdict first, then why, the findings, the guarantees by priority, the server logs, the waivers, and how it was run.
Several runs stand side by side first, and each of them follows with its own part.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from waybill.readiness.catalogue import PRIORITIES
from waybill.readiness.matrix import DEMAND, Column, columns, families, headline, variant
from waybill.readiness.model import READY, Readiness, RunResult
from waybill.readiness.page_findings import draw_findings, tells
from waybill.readiness.page_guarantees import draw_guarantees
from waybill.readiness.page_logs import draw_logs
from waybill.readiness.page_matrix import draw_matrix, draw_servers, run_pill
from waybill.readiness.place import Place
from waybill.readiness.server_logs import summary
from waybill.readiness.words import (
    PRIORITY_MEANING,
    VERDICTS,
    closing_line,
    detector_words,
    duration,
    moment,
    sentence,
    tally,
    whole_ids,
)
from waybill.version import __version__


def draw(readiness: Readiness, folders: Sequence[Path]) -> str:
    """Draws the page.

    Args:
        readiness: What to show.
        folders: The folder of each run, whose timelines go into the page.
    """
    css = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
    targets = ", ".join(dict.fromkeys(run.target or "unnamed" for run in readiness.runs))
    body = _one(readiness, folders[0]) if len(readiness.runs) == 1 else _several(readiness, folders)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<link rel="icon" href="data:,">\n'
        f"<title>{escape(headline(readiness))}: {escape(targets)} - Waybill</title>\n"
        f"<style>\n{css}</style>\n</head>\n<body>\n<main>\n"
        f'<header class="brand"><span><b>Waybill</b> readiness of <b>{escape(targets)}</b></span>'
        f"<span>{escape(_when(readiness))}</span></header>\n{body}"
        f"<footer>Waybill {__version__} - every message accounted for. Data: "
        f'<a href="readiness.json">readiness.json</a></footer>\n</main>\n</body>\n</html>\n'
    )


def _when(readiness: Readiness) -> str:
    started = sorted(run.started for run in readiness.runs if run.started)
    return moment(started[-1] if started else "")


def _one(readiness: Readiness, folder: Path) -> str:
    run = readiness.runs[0]
    place = Place(folder)
    why = run.why or run.rule
    lines = [f'<p class="rule">{whole_ids(sentence(why))}</p>']
    if why != run.rule:
        lines.append(f'<p class="counts">{whole_ids(sentence(run.rule))}</p>')
    if changed := variant(run):
        lines.append(f'<p class="counts variant">{whole_ids(sentence(changed))}</p>')
    lines.append(
        f'<p class="counts">{escape(closing_line(run.counts))} in {duration(run.seconds)} - '
        f"guarantees: {escape(tally(run))}</p>"
    )
    if found := summary(run).sentence:
        lines.append(f'<p class="counts">Server logs: {escape(found)}.</p>')
    return (
        f'<section class="verdict {_kind(readiness)}" id="verdict"><h1>{escape(headline(readiness))}</h1>\n'
        + "\n".join(lines)
        + f"\n{_contents(run, place)}</section>\n{_meters(run)}{_red(run, 'h2')}"
        + _findings(run, place, "h2")
        + '<h2 id="guarantees">Guarantees</h2>\n'
        + draw_guarantees(run, place)
        + draw_logs(run, place, "h2")
        + _waivers(run, place, "h2")
        + _means(run, place, "h2")
        + _how(run, place, "h2")
    )


def _several(readiness: Readiness, folders: Sequence[Path]) -> str:
    across = columns(readiness)
    shown = {row.id for _, rows in families(readiness) for row in rows}
    links = "".join(f'<a href="#{one.anchor}">{escape(one.label)}</a>' for one in across)
    return (
        f'<section class="verdict {_kind(readiness)}" id="verdict"><h1>{escape(headline(readiness))}</h1>\n'
        f'<p class="counts">{DEMAND}.</p>\n{draw_servers(across)}'
        f'<nav><a href="#guarantees">Guarantees</a>{links}</nav>\n</section>\n'
        + draw_matrix(readiness, across)
        + "".join(_part(one, folder, shown) for one, folder in zip(across, folders, strict=True))
    )


def _part(column: Column, folder: Path, shown: set[str]) -> str:
    """Everything about one of several runs."""
    run, place = column.run, Place.among_others(folder, column.run.folder, column.anchor)
    links = [("Its own page", place.link("readiness.html")), ("Robot log", place.link("log.html"))]
    alive = " - ".join(f'<a href="{link}">{name}</a>' for name, link in links if link)
    head = (
        f'<section class="server" id="{column.anchor}"><h2>{escape(column.label)} {run_pill(run)}</h2>\n'
        f'<p class="lead">{whole_ids(sentence(run.why or run.rule))}</p>\n'
        + (f'<p class="elsewhere">{alive}</p>\n' if alive else "")
    )
    if run.not_run:
        return f"{head}</section>\n"
    return (
        head
        + _meters(run)
        + _red(run, "h3")
        + _findings(run, place, "h3")
        + draw_guarantees(run, place, shown)
        + draw_logs(run, place, "h3")
        + _waivers(run, place, "h3")
        + _means(run, place, "h3")
        + _how(run, place, "h3")
        + "</section>\n"
    )


def _kind(readiness: Readiness) -> str:
    if readiness.verdict == READY:
        return "ready"
    return "not-ready" if any(run.red for run in readiness.runs) else "open"


def _contents(run: RunResult, place: Place) -> str:
    places = [("findings", "Findings", any(map(tells, run.scenarios))), ("guarantees", "Guarantees", True)]
    places += [("logs", "Server logs", bool(summary(run).sentence))]
    places += [("waivers", "Waivers", bool(run.waivers)), ("how", "How it was run", True)]
    links = "".join(f'<a href="#{there}">{name}</a>' for there, name, exists in places if exists)
    if proof := place.link("proof.html"):
        links += f'<a href="{proof}">Proof that the suites find defects</a>'
    if any(one.log for one in run.scenarios):
        links += f'<a href="{place.link("log.html")}">Robot log</a>'
    return f"<nav>{links}</nav>\n"


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
    return f'<div class="meters">{"".join(meters)}</div>\n'


def _red(run: RunResult, level: str) -> str:
    if not run.red:
        return ""
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in run.red)
    return f'<{level}>Why the run is red</{level}>\n<ul class="red">{items}</ul>\n'


def _findings(run: RunResult, place: Place, level: str) -> str:
    cards = draw_findings(run, place)
    return f'<{level} id="{place.anchor("findings")}">Findings</{level}>\n{cards}' if cards else ""


def _waivers(run: RunResult, place: Place, level: str) -> str:
    if not run.waivers:
        return ""
    states = {one.id: one.waiver_state for one in run.guarantees}
    rows = "".join(
        f'<tr><td><a href="#{place.anchor(waiver.guarantee)}">{escape(waiver.guarantee)}</a></td>'
        f"<td>{escape(waiver.reason)}</td><td>{escape(waiver.owner)}</td>"
        f"<td>{waiver.expires.isoformat()}</td><td>{_state(states.get(waiver.guarantee, ''))}</td></tr>\n"
        for waiver in run.waivers
    )
    heads = "".join(
        f'<th scope="col">{head}</th>' for head in ("Guarantee", "Reason", "Owner", "Expires", "State")
    )
    return (
        f'<{level} id="{place.anchor("waivers")}">Waivers<small>what {escape(run.target)} does not promise'
        f'</small></{level}>\n<table class="plain"><thead><tr>{heads}</tr></thead>\n'
        f"<tbody>{rows}</tbody></table>\n"
    )


def _state(state: str) -> str:
    if state == "expired":
        return '<span class="pill failed">✕ expired</span>'
    return escape(state)


def _means(run: RunResult, place: Place, level: str) -> str:
    """Which means of faults the machine of the run had; what needs one that is missing stays UNPROVEN."""
    if not run.means:
        return ""
    items = "".join(
        f"<dt>{escape(one.name)}</dt><dd>"
        f"{escape(f'impossible: {one.missing}' if one.missing else 'possible')} ({escape(one.used_for)})</dd>"
        for one in run.means
    )
    title = "What the machine lets be done to a server"
    return f'<{level} id="{place.anchor("means")}">{title}</{level}>\n<dl class="facts">{items}</dl>\n'


def _how(run: RunResult, place: Place, level: str) -> str:
    facts = [
        ("Target", run.target),
        ("Variant", run.variant),
        ("Driver", run.driver),
        ("Server version", run.server_version),
        ("Promises", ", ".join(f"{name} = {value}" for name, value in run.promises.items())),
        ("Detector check", detector_words(run)),
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
    return f'<{level} id="{place.anchor("how")}">How it was run</{level}>\n<dl class="facts">{items}</dl>\n'
