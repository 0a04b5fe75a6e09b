"""The evidence gate: no green without evidence, no silent skip.

A scenario passes only if its history was checked and is clean, and if its figures reach what every
guarantee among its tags demands. What a valid waiver covers is not demanded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from waybill.readiness.cases import Cause, Finding, Status
from waybill.readiness.catalogue import Guarantee
from waybill.readiness.evidence import Figure, sentences, shortfalls
from waybill.readiness.waivers import Waiver

PASSED, FAILED, SKIPPED = "PASS", "FAIL", "SKIP"
VACUOUS = "vacuous"
"""The anomaly of a history that proves nothing: what was declared did not happen, or nobody read to the end."""

NODES = "nodes"
"""The means that guarantees demand which a server of one node cannot keep."""

_STATUS: dict[str, Status] = {PASSED: "passed", FAILED: "failed", SKIPPED: "skipped"}


@dataclass(frozen=True)
class Shown:
    """What a scenario has to show at its end.

    Attributes:
        robot_status: `PASS`, `FAIL` or `SKIP`, as Robot sees it.
        message: Robot's message.
        report: The report of the history's check as plain data; None if nothing was checked.
        figures: What was counted.
        findings: Findings from the report and from elsewhere.
        infrastructure: It failed for a reason that says nothing about the target.
        misspelt: Tags that look like a guarantee and are none.
        scenario: False for a test that proves nothing about a target and says so.
        log_failure: What in the server's logs fails the scenario, in a sentence; only where the target file says so.
        one_node: It is about several nodes, and the target has one.
    """

    robot_status: str
    message: str = ""
    report: Mapping[str, Any] | None = None
    figures: Mapping[str, Figure] = field(default_factory=dict)
    findings: Sequence[Finding] = ()
    infrastructure: bool = False
    misspelt: Sequence[str] = ()
    scenario: bool = True
    log_failure: str = ""
    one_node: bool = False


@dataclass(frozen=True)
class Decision:
    """What the gate makes of it.

    Attributes:
        robot_status: The status that Robot shall show.
        message: The message that Robot shall show, without the replay line.
        cause: Why it did not pass.
    """

    robot_status: str
    message: str
    cause: Cause

    @property
    def status(self) -> Status:
        """The status in the words of `case.json`."""
        return _STATUS[self.robot_status]


def decide(shown: Shown, guarantees: Sequence[Guarantee], waivers: Mapping[str, Waiver]) -> Decision:
    """Decides about one scenario.

    Args:
        shown: What it has to show.
        guarantees: The guarantees among its tags.
        waivers: The waivers of the target that are valid today, by guarantee.
    """
    demanded = [guarantee for guarantee in guarantees if guarantee.id not in waivers]
    covered = [waivers[guarantee.id] for guarantee in guarantees if guarantee.id in waivers]
    if shown.one_node and guarantees and not any(NODES in guarantee.means for guarantee in guarantees):
        decision = Decision(SKIPPED, shown.message, "inapplicable")
    else:
        decision = _demand(shown, guarantees, demanded)
    if decision.robot_status == PASSED and shown.log_failure:
        decision = Decision(FAILED, _join(shown.log_failure, decision.message), "failed")
    if decision.robot_status != PASSED and covered and not demanded:
        written = "; ".join(f"{waiver.guarantee} is {waiver.sentence()}" for waiver in covered)
        return Decision(SKIPPED, _join(written, decision.message), "waived")
    return decision


def _demand(shown: Shown, guarantees: Sequence[Guarantee], demanded: Sequence[Guarantee]) -> Decision:
    if shown.robot_status == FAILED:
        return _failed(shown)
    if shown.misspelt:
        tags = ", ".join(shown.misspelt)
        return _no_evidence(f"the catalogue has no {tags}; correct the tag or the catalogue", shown.message)
    if shown.robot_status == SKIPPED and demanded:
        ids = ", ".join(guarantee.id for guarantee in demanded)
        return _no_evidence(f"skipped, and no waiver covers {ids}", shown.message)
    if shown.robot_status == SKIPPED:
        return Decision(SKIPPED, shown.message, "waived" if guarantees else "")
    if not shown.scenario and not guarantees:
        return Decision(PASSED, shown.message, "")
    return _demand_history(shown, demanded)


def _failed(shown: Shown) -> Decision:
    if shown.infrastructure:
        return Decision(FAILED, f"infrastructure: {shown.message}", "infrastructure")
    if shown.findings:
        return Decision(FAILED, shown.message, _cause(shown.findings))
    undecided = shown.report is not None and shown.report.get("verdict") == "unknown"
    return Decision(FAILED, shown.message, "no-evidence" if undecided else "failed")


def _cause(findings: Sequence[Finding]) -> Cause:
    """A history in which nothing happened says nothing about the target."""
    return "no-evidence" if {found.anomaly for found in findings} == {VACUOUS} else "anomalies"


def _demand_history(shown: Shown, demanded: Sequence[Guarantee]) -> Decision:
    if shown.report is None:
        return _no_evidence("the history was never checked", shown.message)
    if shown.findings:
        worst = "; ".join(found.words() for found in shown.findings[:3])
        return Decision(
            FAILED, _join(f"the history has anomalies: {worst}", shown.message), _cause(shown.findings)
        )
    verdict = shown.report.get("verdict")
    if verdict != "clean":
        reasons = "; ".join(map(str, shown.report.get("unknown_reasons", ()))) or "it gives no reason"
        return _no_evidence(f"the verdict on the history is {verdict}: {reasons}", shown.message)
    missed = [miss for guarantee in demanded for miss in shortfalls(guarantee, shown.figures)]
    over = [miss for miss in missed if miss.over]
    if over:
        return Decision(FAILED, _join(sentences(over), shown.message), "over-limit")
    if missed:
        return _no_evidence(sentences(missed), shown.message)
    return Decision(PASSED, shown.message, "")


def _no_evidence(why: str, message: str) -> Decision:
    return Decision(FAILED, _join(f"no evidence: {why}", message), "no-evidence")


def _join(first: str, message: str) -> str:
    if not message:
        return first
    if message.startswith("*HTML*"):
        return f"*HTML*{first}<br>{message.removeprefix('*HTML*').lstrip()}"
    return f"{first}\n{message}"


def findings_of(report: Mapping[str, Any] | None, others: Sequence[Mapping[str, Any]] = ()) -> list[Finding]:
    """The findings of a check's report, one per anomaly with its worst example, and others beside them."""
    findings = [_worst(anomaly) for anomaly in (report or {}).get("anomalies", ())]
    return findings + [_finding(other.get("anomaly"), other.get("count"), other) for other in others]


def _worst(anomaly: Mapping[str, Any]) -> Finding:
    examples: Sequence[Mapping[str, Any]] = anomaly.get("examples", ())
    return _finding(anomaly.get("anomaly"), anomaly.get("count"), examples[0] if examples else {})


def _finding(name: object, count: int | None, example: Mapping[str, Any]) -> Finding:
    return Finding(
        str(name or ""),
        count or 1,
        str(example.get("sentence", "")),
        list(map(int, example.get("events", ()))),
        str(example.get("meanwhile", "")),
    )
