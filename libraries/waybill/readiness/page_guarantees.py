"""The guarantees of one run in `readiness.html`: verdict, evidence and scenarios, by priority."""

from __future__ import annotations

from collections.abc import Container
from html import escape

from waybill.readiness.catalogue import PRIORITIES
from waybill.readiness.evidence import Figure
from waybill.readiness.matrix import tells
from waybill.readiness.model import GuaranteeResult, RunResult, ScenarioResult
from waybill.readiness.place import Place
from waybill.readiness.words import OUTCOME_SYMBOL, PRIORITY_MEANING, demand, number, pill


def draw_guarantees(run: RunResult, place: Place, shown: Container[str] | None = None) -> str:
    """Draws one table per priority.

    Args:
        run: The run.
        place: Where it is.
        shown: The ids to show; None for all.
    """
    return "".join(_priority(run, priority, place, shown) for priority in PRIORITIES)


def _priority(run: RunResult, priority: str, place: Place, shown: Container[str] | None) -> str:
    of_it = [one for one in run.guarantees if one.priority == priority and (shown is None or one.id in shown)]
    if not of_it:
        return ""
    by_name = {scenario.name: scenario for scenario in run.scenarios}
    of_it.sort(key=lambda one: not tells(one))
    rows = "".join(_row(one, [by_name[name] for name in one.scenarios], place) for one in of_it)
    heads = "".join(
        f'<th scope="col">{head}</th>' for head in ("Id", "Guarantee", "Verdict", "Evidence", "Scenarios")
    )
    return (
        f"<h3>{priority}<small>{PRIORITY_MEANING[priority]}</small></h3>\n"
        f'<table class="matrix"><thead><tr>{heads}</tr></thead>\n<tbody>{rows}</tbody></table>\n'
    )


def _row(one: GuaranteeResult, scenarios: list[ScenarioResult], place: Place) -> str:
    idle = not tells(one)
    security = '<span class="tag">security</span>' if one.security else ""
    statement = "" if idle else f'<div class="statement">{escape(one.statement)}</div>'
    last = _scenario_links(scenarios, place)
    if one.verdict != "PROVEN" or one.waiver_state:
        last += f'<div class="why">{escape(one.reason)}</div>'
    return (
        f'<tr id="{place.anchor(one.id)}"{" class=idle" if idle else ""}><td>{escape(one.id)}</td>'
        f'<td title="{escape(one.statement)}"><div class="title">{escape(one.title)}{security}</div>'
        f"{statement}</td><td>{pill(one.verdict)}</td>"
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


def _scenario_links(scenarios: list[ScenarioResult], place: Place) -> str:
    items = []
    for one in scenarios:
        kind = one.outcome.replace(" ", "-")
        name, log = escape(one.scenario), place.link(one.log)
        linked = f'<a href="{log}">{name}</a>' if log else name
        items.append(
            f'<li><span class="mark {kind}" title="{one.outcome}">{OUTCOME_SYMBOL[one.outcome]}</span>'
            f"{linked}</li>"
        )
    return f'<ul class="scenarios">{"".join(items)}</ul>' if items else ""
