"""The findings of `readiness.html`: what went wrong, in prose, with its picture and the line that replays
it.
"""

from __future__ import annotations

import base64
import re
from html import escape
from pathlib import Path

from waybill.readiness.cases import Finding
from waybill.readiness.model import RunResult, ScenarioResult
from waybill.readiness.place import Place
from waybill.readiness.words import OUTCOME_SYMBOL

LARGEST_PICTURE = 60_000
"""Bytes; a timeline is half as large. A larger file stays a link, so that the page stays light."""

_SHARED_NAMES = re.compile(rb"<script|<style|\sid=|\son\w+=|<foreignObject|href=", re.IGNORECASE)
"""What would reach beyond a picture that is part of the page's own document."""


def draw_findings(run: RunResult, place: Place) -> str:
    """Draws one card per scenario that did not pass or found something, the worst first; empty if none did."""
    shown = [one for one in run.scenarios if tells(one)]
    shown.sort(key=lambda one: (not one.red, not one.findings, one.outcome != "no verdict"))
    return "".join(_card(one, place) for one in shown)


def tells(one: ScenarioResult) -> bool:
    """Whether there is something to say about a scenario beyond its outcome."""
    return one.red or bool(one.findings)


def _card(one: ScenarioResult, place: Place) -> str:
    guarantees = ", ".join(f'<a href="#{place.anchor(id_)}">{escape(id_)}</a>' for id_ in one.guarantees)
    prose = "".join(_prose(finding) for finding in one.findings)
    return (
        f'<article class="finding"><h3>{escape(one.scenario)}{outcome(one)}</h3>'
        f'<p class="where">{escape(one.suite)}{" - " if guarantees else ""}{guarantees}</p>'
        + (f'<ul class="prose">{prose}</ul>' if prose else "")
        + _message(one)
        + _picture(one, place)
        + f'<code class="replay">{escape(one.replay)}</code>{_files(one, place)}</article>\n'
    )


def outcome(one: ScenarioResult) -> str:
    """A scenario's outcome as a coloured word; the symbol carries it where colour does not."""
    kind = one.outcome.replace(" ", "-")
    return f'<span class="pill {kind}">{OUTCOME_SYMBOL[one.outcome]} {one.outcome}</span>'


def _prose(finding: Finding) -> str:
    times = f" {finding.count} times" if finding.count > 1 else ""
    events = ", ".join(map(str, finding.events))
    proof = f' <span class="events">(events {events})</span>' if events else ""
    meanwhile = f'<br><span class="meanwhile">{escape(finding.meanwhile)}</span>' if finding.meanwhile else ""
    return f"<li><b>{escape(finding.anomaly)}</b>{times}<br>{escape(finding.sentence)}{proof}{meanwhile}</li>"


def _message(one: ScenarioResult) -> str:
    text = plain(one.message)
    box = f'<div class="message">{escape(text)}</div>' if text else ""
    return f"<details><summary>The whole message</summary>{box}</details>" if box and one.findings else box


def plain(message: str) -> str:
    """A Robot message as text; one in HTML loses its markup."""
    if not message.startswith("*HTML*"):
        return message.strip()
    lines = re.sub(r"<(br|/p|/tr|/div|/li)[^>]*>", "\n", message.removeprefix("*HTML*"), flags=re.IGNORECASE)
    text = re.sub(r"<svg.*?</svg>|<style.*?</style>|<[^>]+>", "", lines, flags=re.DOTALL | re.IGNORECASE)
    for entity, letter in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&#x27;", "'"), ("&amp;", "&")):
        text = text.replace(entity, letter)
    return text.strip()


def _picture(one: ScenarioResult, place: Place) -> str:
    path = place.folder / one.timeline
    if not one.timeline or not path.is_file():
        return ""
    content = path.read_bytes()
    start = content.find(b"<svg")
    if start < 0 or len(content) > LARGEST_PICTURE:
        return ""
    if _SHARED_NAMES.search(content):
        data = base64.b64encode(content).decode()
        drawn = f'<img alt="Timeline of the finding" src="data:image/svg+xml;base64,{data}">'
    else:
        drawn = content[start:].decode("utf-8", errors="replace")
    if b"max-width:none" in content[start : start + 400]:
        return (
            '<label class="whole"><input type="checkbox"> the whole picture at once, in small</label>'
            f'<div class="timeline" tabindex="0">{drawn}</div>'
        )
    return f'<div class="timeline">{drawn}</div>'


def _files(one: ScenarioResult, place: Place) -> str:
    links = [("Robot's log", one.log), ("history", one.history), ("timeline", one.timeline)]
    if one.folder:
        links.append(("case", f"{one.folder}/case.json"))
    links += [(f"log {Path(log).name.removesuffix('.txt')}", log) for log in one.logs]
    alive = [f'<a href="{link}">{escape(name)}</a>' for name, file in links if (link := place.link(file))]
    return f'<p class="files">{" - ".join(alive)}</p>' if alive else ""
