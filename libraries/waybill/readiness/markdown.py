"""`readiness.md`: the verdict for the summary page of a CI service."""

from __future__ import annotations

from waybill.readiness.catalogue import PRIORITIES
from waybill.readiness.model import GuaranteeResult, Readiness, RunResult, ScenarioResult
from waybill.readiness.words import (
    OUTCOME_SYMBOL,
    PRIORITY_MEANING,
    SYMBOL,
    closing_line,
    duration,
    number,
    tally,
)


def draw(readiness: Readiness) -> str:
    """Draws the page."""
    lines = [f"# {readiness.verdict}", "", _cell(readiness.rule[:1].upper() + readiness.rule[1:]) + ".", ""]
    for run in readiness.runs:
        lines += _run(run)
    return "\n".join(lines) + "\n"


def _run(run: RunResult) -> list[str]:
    lines = [
        f"Target **{_cell(run.target or 'unnamed')}**, seed `{run.seed or 'unknown'}`, "
        f"{duration(run.seconds)}: {closing_line(run.counts)}. Guarantees: {tally(run)}.",
        "",
    ]
    if run.red:
        lines += ["## Red", "", *(f"- {_cell(sentence)}" for sentence in run.red), ""]
    for priority in PRIORITIES:
        tried = [one for one in run.guarantees if one.priority == priority and _tried(one)]
        idle = [one.id for one in run.guarantees if one.priority == priority and not _tried(one)]
        lines += [f"## {priority} ({PRIORITY_MEANING[priority]})", ""]
        if tried:
            lines += ["| | Guarantee | Verdict | Evidence | Why |", "|---|---|---|---|---|"]
            lines += [_row(one) for one in tried]
            lines.append("")
        if idle:
            lines += [f"UNPROVEN, no scenario selected: {', '.join(idle)}.", ""]
    lines += _findings(run.scenarios)
    if run.command:
        lines += ["Run again with:", "", "```sh", run.command, "```"]
    return lines


def _tried(guarantee: GuaranteeResult) -> bool:
    return bool(guarantee.scenarios or guarantee.waiver)


def _row(one: GuaranteeResult) -> str:
    evidence = ", ".join(f"{line.figure} {number(line.found)}" for line in one.evidence)
    return (
        f"| {SYMBOL[one.verdict]} | {one.id} {_cell(one.title)} | {one.verdict} "
        f"| {_cell(evidence)} | {_cell(one.reason)} |"
    )


def _findings(scenarios: list[ScenarioResult]) -> list[str]:
    lines: list[str] = []
    for one in scenarios:
        if not (one.red or one.findings):
            continue
        lines += [f"### {OUTCOME_SYMBOL[one.outcome]} {_cell(one.scenario)}", ""]
        if one.findings:
            lines += [f"- {_cell(finding.words())}" for finding in one.findings]
        else:
            lines.append(f"- {one.outcome}: {_cell(one.message)}")
        lines += ["", "```sh", one.replay, "```", ""]
    return ["## Findings", "", *lines] if lines else []


def _cell(text: str) -> str:
    """Text that cannot leave its table cell nor become markup."""
    flat = " ".join(text.removeprefix("*HTML*").split())
    for letter in "\\`*_[]<>|":
        flat = flat.replace(letter, f"\\{letter}")
    return flat
