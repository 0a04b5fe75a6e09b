"""The server logs of `readiness.html`: how many lines nobody expected, and the first of them."""

from __future__ import annotations

from html import escape
from pathlib import Path

from waybill.readiness.model import RunResult
from waybill.readiness.place import Place
from waybill.readiness.server_logs import summary
from waybill.readiness.words import sentence


def draw_logs(run: RunResult, place: Place, level: str) -> str:
    """Draws what was found in the logs, with a link to each scenario's part; empty if the run kept no logs."""
    found = summary(run)
    if not found.sentence:
        return ""
    head = (
        f'<{level} id="{place.anchor("logs")}">Server logs</{level}>\n'
        f'<p class="lead">{escape(sentence(found.sentence))}</p>\n'
    )
    if not found.lines:
        return head
    items = "".join(
        f'<li><code>{escape(line)}</code><br><span class="events">{escape(one.scenario)}'
        f"{_links(one.logs, place)}</span></li>"
        for one, line in found.lines
    )
    left = found.errors - len(found.lines)
    more = f'<p class="events">And {left:,} more in the logs of these scenarios.</p>' if left else ""
    return f'{head}<ul class="loglines">{items}</ul>\n{more}'


def _links(logs: list[str], place: Place) -> str:
    """The links to the kept parts, as far as they lead somewhere."""
    named = [(Path(log).name.removesuffix(".txt"), place.link(log)) for log in logs]
    alive = [f'<a href="{link}">{escape(name)}</a>' for name, link in named if link]
    return f" - {' - '.join(alive)}" if alive else ""
