"""`readiness.md`: the verdict for the summary page of a CI service."""

from __future__ import annotations

from collections.abc import Sequence

from waybill.readiness.catalogue import PRIORITIES
from waybill.readiness.matrix import (
    DEMAND,
    Column,
    columns,
    facts,
    families,
    headline,
    tells,
    untried,
    variant,
)
from waybill.readiness.means import Means
from waybill.readiness.model import GuaranteeResult, Readiness, RunResult, ScenarioResult
from waybill.readiness.server_logs import summary
from waybill.readiness.words import (
    MEANING,
    NOTHING,
    OUTCOME_SYMBOL,
    PRIORITY_MEANING,
    SYMBOL,
    closing_line,
    duration,
    number,
    sentence,
    state,
    tally,
)


def draw(readiness: Readiness) -> str:
    """Draws the page."""
    lines = [f"# {headline(readiness)}", ""]
    if len(readiness.runs) == 1:
        lines += [*_why(readiness.runs[0]), *_run(readiness.runs[0], "##")]
    else:
        across = columns(readiness)
        lines += [f"{DEMAND}.", "", *_servers(across), *_matrix(readiness, across)]
        for column in across:
            lines += [f"## {_cell(column.label)}: {state(column.run)[0]}", "", *_why(column.run)]
            lines += [] if column.run.not_run else _run(column.run, "###")
    return "\n".join(lines) + "\n"


def _why(run: RunResult) -> list[str]:
    said = dict.fromkeys((run.why or run.rule, run.rule, variant(run)))
    return [line for text in said if text for line in (_cell(sentence(text)), "")]


def _servers(across: Sequence[Column]) -> list[str]:
    lines = ["| Server | Verdict | Why | Run |", "|---|---|---|---|"]
    for column in across:
        why = sentence(column.run.why or column.run.rule)
        changed = variant(column.run)
        if changed:
            why += f" {sentence(changed)}"
        lines.append(
            f"| **{_cell(column.label)}** | {state(column.run)[0]} | {_cell(why)} "
            f"| {_cell(', '.join(facts(column.run)))} |"
        )
    return [*lines, ""]


def _matrix(readiness: Readiness, across: Sequence[Column]) -> list[str]:
    lines: list[str] = []
    groups = families(readiness)
    if groups:
        heads = " | ".join(f"{_cell(column.label)}<br>{state(column.run)[0]}" for column in across)
        lines += [f"| Guarantee | | {heads} |", f"|---|---|{'---|' * len(across)}"]
    for family, rows in groups:
        lines.append(f"| **{_cell(family)}** | {'| ' * len(across)}|")
        for row in rows:
            cells = " | ".join(
                f"{NOTHING} not run" if cell is None else f"{SYMBOL[cell.verdict]} {cell.verdict}"
                for cell in row.cells
            )
            lines.append(f"| {row.id} {_cell(row.title)} | {row.priority} | {cells} |")
    if groups:
        lines += ["", f"{'; '.join(f'{SYMBOL[one]} {one}: {words}' for one, words in MEANING.items())}."]
    left = [row.id for row in untried(readiness)]
    if left:
        lines += ["", f"UNPROVEN on every server, no scenario selected: {', '.join(left)}."]
    return ["## Guarantees", "", *lines, ""]


def _run(run: RunResult, level: str) -> list[str]:
    lines = [
        f"Target **{_cell(run.target or 'unnamed')}**, seed `{run.seed or 'unknown'}`, "
        f"{duration(run.seconds)}: {closing_line(run.counts)}. Guarantees: {tally(run)}.",
        "",
    ]
    if run.red:
        lines += [f"{level} Red", "", *(f"- {_cell(sentence)}" for sentence in run.red), ""]
    for priority in PRIORITIES:
        tried = [one for one in run.guarantees if one.priority == priority and tells(one)]
        idle = [one.id for one in run.guarantees if one.priority == priority and not tells(one)]
        if not (tried or idle):
            continue
        lines += [f"{level} {priority} ({PRIORITY_MEANING[priority]})", ""]
        if tried:
            lines += ["| | Guarantee | Verdict | Evidence | Why |", "|---|---|---|---|---|"]
            lines += [_row(one) for one in tried]
            lines.append("")
        if idle:
            lines += [f"UNPROVEN, no scenario selected: {', '.join(idle)}.", ""]
    lines += _findings(run.scenarios, level)
    logs = summary(run)
    if logs.sentence:
        lines += [f"Server logs: {_cell(logs.sentence)}.", ""]
        lines += [f"- {_cell(one.scenario)}: {_cell(line)}" for one, line in logs.lines]
        lines += [""] if logs.lines else []
    if run.means:
        lines += [f"{level} What the machine lets be done to a server", "", *map(_means, run.means), ""]
    if run.command:
        lines += ["Run again with:", "", "```sh", run.command, "```", ""]
    return lines


def _means(one: Means) -> str:
    state = f"impossible: {one.missing}" if one.missing else "possible"
    return f"- {_cell(one.name)} ({_cell(one.used_for)}): {_cell(state)}"


def _row(one: GuaranteeResult) -> str:
    evidence = ", ".join(f"{line.figure} {number(line.found)}" for line in one.evidence)
    return (
        f"| {SYMBOL[one.verdict]} | {one.id} {_cell(one.title)} | {one.verdict} "
        f"| {_cell(evidence)} | {_cell(one.reason)} |"
    )


def _findings(scenarios: list[ScenarioResult], level: str) -> list[str]:
    lines: list[str] = []
    for one in scenarios:
        if not (one.red or one.findings):
            continue
        lines += [f"{level}# {OUTCOME_SYMBOL[one.outcome]} {_cell(one.scenario)}", ""]
        if one.findings:
            lines += [
                f"- {_cell(f'{finding.words()}. {finding.meanwhile}' if finding.meanwhile else finding.words())}"
                for finding in one.findings
            ]
        else:
            lines.append(f"- {one.outcome}: {_cell(one.message)}")
        lines += ["", "```sh", one.replay, "```", ""]
    return [f"{level} Findings", "", *lines] if lines else []


def _cell(text: str) -> str:
    """Text that cannot leave its table cell nor become markup."""
    flat = " ".join(text.removeprefix("*HTML*").split())
    for letter in "\\`*_[]<>|":
        flat = flat.replace(letter, f"\\{letter}")
    return flat
