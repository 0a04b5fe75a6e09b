"""The content of `readiness.json`: plain data that the pages are drawn from.

A page shows runs side by side, one per target, so the model is a list of runs even where there is one.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from waybill.readiness.cases import Cause, Finding
from waybill.readiness.evidence import Figure
from waybill.readiness.means import Means
from waybill.readiness.waivers import Waiver

Verdict = Literal["PROVEN", "BROKEN", "WAIVED", "UNPROVEN"]
Outcome = Literal["passed", "failed", "skipped", "no verdict"]

READY, NOT_READY = "READY", "NOT READY"


class ScenarioResult(msgspec.Struct, kw_only=True):
    """What came of one scenario.

    Attributes:
        suite: Full name of its suite.
        scenario: Its name.
        outcome: `passed`, `failed`, `skipped`, or `no verdict` when its worker never said.
        cause: Why it did not pass.
        message: The reason in words.
        guarantees: What it puts to the proof.
        evidence: Its figures.
        findings: What the check of its history found.
        seconds: How long it took.
        log: Where Robot's log shows it; empty if the log does not know it.
        folder: Its files, relative to the run folder.
        history: Its history, relative to the run folder.
        timeline: The picture of the worst finding, relative to the run folder.
        logs: The parts of the server's logs that belong to it, relative to the run folder.
        log_errors: Unexpected errors in them; None if nobody judged.
        log_lines: The first few of these.
        replay: The command that runs it alone.
    """

    suite: str
    scenario: str
    outcome: Outcome
    cause: Cause = ""
    message: str = ""
    guarantees: list[str] = []
    evidence: dict[str, Figure] = {}
    findings: list[Finding] = []
    seconds: float | None = None
    log: str = ""
    folder: str = ""
    history: str = ""
    timeline: str = ""
    logs: list[str] = []
    log_errors: int | None = None
    log_lines: list[str] = []
    replay: str = ""

    @property
    def name(self) -> str:
        """Suite and scenario together, unique in a run."""
        return f"{self.suite}.{self.scenario}"

    @property
    def red(self) -> bool:
        """Whether it keeps the run from being green."""
        return self.outcome in {"failed", "no verdict"}


class EvidenceLine(msgspec.Struct):
    """One demanded figure, and the weakest value that a scenario of the guarantee carries.

    Attributes:
        figure: Its name.
        demand: What is demanded, in words.
        found: The weakest value; None if no scenario counted it.
        enough: Every scenario meets the demand.
    """

    figure: str
    demand: str
    found: Figure | None
    enough: bool = True


class GuaranteeResult(msgspec.Struct, kw_only=True):
    """The verdict on one guarantee.

    Attributes:
        id: Its name.
        title: A few words.
        family: What it is about.
        priority: `P0`, `P1` or `P2`.
        security: Only a waiver takes it out.
        statement: The promise.
        verdict: What came out.
        reason: Why, in one sentence.
        evidence: Demands beside what was found.
        scenarios: Full names of the scenarios that were selected for it.
        waiver: What the target's owner wrote about it.
        waiver_state: What became of that waiver.
    """

    id: str
    title: str
    family: str
    priority: str
    security: bool
    statement: str
    verdict: Verdict
    reason: str
    evidence: list[EvidenceLine] = []
    scenarios: list[str] = []
    waiver: Waiver | None = None
    waiver_state: Literal["", "valid", "expired", "not needed"] = ""


class Counts(msgspec.Struct):
    """Scenarios by outcome."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    no_verdict: int = 0

    @property
    def total(self) -> int:
        """All selected scenarios."""
        return self.passed + self.failed + self.skipped + self.no_verdict


class RunResult(msgspec.Struct, kw_only=True):
    """What one run against one target proves.

    Attributes:
        verdict: `READY` or `NOT READY`.
        rule: The rule that decided, in one sentence.
        why: The deciding guarantee and its cause, in one sentence for people who read no further.
        red: Why the run is not green; empty when it is.
        folder: The folder of the run, relative to the page; None where no relative way leads there.
        not_run: Why the run never began; empty if it did.
        detector: What the detector check tried; empty without one.
        detector_failure: What of it was not reported; empty if all was.
        target: The target's name.
        driver: Its driver.
        server_version: The version of the server, where the run knew it.
        variant: What was changed about the target on purpose; empty for the target as it is.
        breaks: The guarantees that this change must break.
        promises: What it promises.
        seed: The seed.
        started: When the run started.
        finished: When it ended.
        seconds: How long it took.
        command: The command line.
        filters: How the scenarios were selected.
        versions: What took part.
        means: The means of faults, and which of them the machine had.
        processes: How many workers.
        counts: Scenarios by outcome.
        guarantees: All guarantees of the catalogue.
        scenarios: All selected scenarios.
        waivers: All waivers of the target.
    """

    verdict: str
    rule: str
    why: str = ""
    red: list[str] = []
    folder: str | None = "."
    not_run: str = ""
    detector: str = ""
    detector_failure: str = ""
    target: str = ""
    driver: str = ""
    server_version: str = ""
    variant: str = ""
    breaks: list[str] = []
    promises: dict[str, str] = {}
    seed: str = ""
    started: str = ""
    finished: str = ""
    seconds: float | None = None
    command: str = ""
    filters: list[str] = []
    versions: dict[str, str] = {}
    means: list[Means] = []
    processes: int = 1
    counts: Counts
    guarantees: list[GuaranteeResult]
    scenarios: list[ScenarioResult]
    waivers: list[Waiver] = []

    def guarantee(self, id_: str) -> GuaranteeResult | None:
        """The verdict on one guarantee; None if the catalogue has none of that name."""
        return next((one for one in self.guarantees if one.id == id_), None)

    def of(self, verdict: Verdict, priority: str | None = None) -> list[GuaranteeResult]:
        """The guarantees with a verdict, of one priority or all."""
        return [
            result
            for result in self.guarantees
            if result.verdict == verdict and priority in {None, result.priority}
        ]


class Readiness(msgspec.Struct, kw_only=True):
    """The content of `readiness.json`.

    Attributes:
        schema: Version of this format.
        verdict: `READY` if every run is.
        rule: The rule that decided, in one sentence.
        runs: One per target.
    """

    schema: int = 1
    verdict: str
    rule: str
    runs: list[RunResult]
