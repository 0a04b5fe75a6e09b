"""From the files of a run folder to what the run proves."""

from __future__ import annotations

import datetime
from collections import Counter
from pathlib import Path

from waybill.readiness.cases import FILE, CaseRecord, read_cases
from waybill.readiness.catalogue import Catalogue, bundled_catalogue
from waybill.readiness.model import NOT_READY, Counts, Readiness, RunResult, ScenarioResult
from waybill.readiness.robot_output import RobotResult, read_output
from waybill.readiness.run_record import RunRecord, Selected, read_run
from waybill.readiness.verdicts import by_guarantee, conclude, in_short, judge, redness
from waybill.readiness.why import why

NEVER_STARTED = "it never started; its worker died or was stopped before it"
NEVER_ENDED = "it started and never ended; its worker died or was stopped in it"


class NotARunFolder(ValueError):
    """The folder holds nothing of a run; the message says what was looked for."""


def assemble(folder: Path, catalogue: Catalogue | None = None) -> RunResult:
    """Reads a run folder and judges the run.

    Args:
        folder: The run folder.
        catalogue: What to judge by; None for the bundled one.

    Raises:
        NotARunFolder: It has neither a run record nor cases.
        ValueError: Its run record cannot be read.
    """
    catalogue = catalogue or bundled_catalogue()
    record = read_run(folder)
    cases = read_cases(folder)
    if record is None and not cases:
        raise NotARunFolder(
            f"{folder} is not the folder of a run: expected a run.json or cases/*/{FILE} in it, found "
            f"neither. `waybill run` makes such folders below results/."
        )
    record = record or _from_cases(list(cases.values()))
    output = read_output(folder / "output.xml")
    scenarios = _scenarios(folder, record, cases, output, catalogue)
    problem = record.problem or _mute(record) or _missing_results(scenarios, output)
    waivers = {waiver.guarantee: waiver for waiver in record.waivers}
    proving = by_guarantee(scenarios, catalogue.guarantees)
    guarantees = [
        judge(
            guarantee,
            proving[guarantee.id],
            waiver := waivers.get(guarantee.id),
            waiver is not None and waiver.expired(record.day()),
        )
        for guarantee in catalogue.guarantees.values()
    ]
    not_run = "" if cases else record.not_run
    if not_run:
        verdict, rule = NOT_READY, f"it was not run: {not_run}"
    else:
        verdict, rule = conclude(guarantees, scenarios, problem)
    return RunResult(
        verdict=verdict,
        rule=rule,
        why=not_run or why(guarantees, scenarios, problem, rule),
        red=[rule] if not_run else redness(guarantees, scenarios, problem),
        not_run=not_run,
        detector=record.detector,
        detector_failure=record.detector_failure,
        target=record.target,
        driver=record.driver,
        server_version=record.server_version,
        variant=record.variant,
        breaks=record.breaks,
        promises={name: str(value) for name, value in record.promises.items()},
        seed=record.seed,
        started=record.started,
        finished=record.finished,
        seconds=_seconds(record),
        command=record.command,
        filters=record.filters,
        versions=record.versions,
        means=record.means,
        processes=record.processes,
        counts=_counts(scenarios),
        guarantees=guarantees,
        scenarios=scenarios,
        waivers=record.waivers,
    )


def combine(runs: list[RunResult]) -> Readiness:
    """Puts runs against several targets together: READY if every one of them is."""
    deciding = next((run for run in runs if run.verdict != "READY"), runs[0])
    rule = deciding.rule if len(runs) == 1 else f"{deciding.target}: {deciding.rule}"
    return Readiness(verdict=deciding.verdict, rule=rule, runs=runs)


def _scenarios(
    folder: Path,
    record: RunRecord,
    cases: dict[Path, CaseRecord],
    output: dict[tuple[str, str], RobotResult] | None,
    catalogue: Catalogue,
) -> list[ScenarioResult]:
    known = {(case.suite, case.scenario): (place, case) for place, case in cases.items()}
    selection = list(record.selection or ())
    selected = {(one.suite, one.scenario) for one in selection}
    selection += [
        Selected(case.suite, case.scenario, tuple(case.tags), case.source)
        for key, (_, case) in known.items()
        if key not in selected
    ]
    results = []
    for one in selection:
        robot = (output or {}).get((one.suite, one.scenario))
        place, case = known.get((one.suite, one.scenario), (None, None))
        result = ScenarioResult(
            suite=one.suite,
            scenario=one.scenario,
            outcome="no verdict",
            message=NEVER_STARTED,
            guarantees=[guarantee.id for guarantee in catalogue.demanded_by(one.tags)],
            log=f"log.html#{robot.anchor}" if robot and (folder / "log.html").is_file() else "",
            replay=record.replay(one.suite, one.scenario),
        )
        if place is not None and case is not None:
            _take_over(result, case, robot)
            result.folder = str(place.relative_to(folder))
        results.append(result)
    return results


def _take_over(result: ScenarioResult, case: CaseRecord, robot: RobotResult | None) -> None:
    result.guarantees = case.guarantees
    result.evidence = case.evidence
    result.findings = case.findings
    result.history, result.timeline = case.history, case.timeline
    result.logs, result.log_errors, result.log_lines = case.logs, case.log_errors, case.log_lines
    result.seconds = case.seconds()
    result.replay = case.replay or result.replay
    if case.status == "running":
        result.message = NEVER_ENDED
        return
    result.outcome, result.cause, result.message = case.status, case.cause, case.message
    if robot is not None and robot.status == "FAIL" and case.status == "passed":
        result.outcome, result.cause = "failed", "failed"
        result.message = f"Robot failed it after its end: {in_short(robot.message)}"


def _missing_results(
    scenarios: list[ScenarioResult], output: dict[tuple[str, str], RobotResult] | None
) -> str:
    """A worker that dies after its last scenario leaves complete cases, but its suite teardown is unknown."""
    if output is None:
        return (
            ""
            if any(one.outcome == "no verdict" for one in scenarios)
            else "Robot left no readable output.xml"
        )
    missing = [
        one.scenario
        for one in scenarios
        if one.outcome != "no verdict" and (one.suite, one.scenario) not in output
    ]
    if missing and not any(one.outcome == "no verdict" for one in scenarios):
        return f"a worker died after its last scenario; Robot's result lacks {', '.join(missing[:3])}"
    return ""


def _mute(record: RunRecord) -> str:
    """A kit that does not report what was planted may have kept anything to itself."""
    return f"the detector check failed: {record.detector_failure}" if record.detector_failure else ""


def _from_cases(cases: list[CaseRecord]) -> RunRecord:
    """What the cases themselves tell about a run that `waybill run` did not start."""
    return RunRecord(
        target=cases[0].target,
        seed=cases[0].seed,
        started=min(case.started for case in cases),
        finished=max(case.finished for case in cases),
    )


def _seconds(record: RunRecord) -> float | None:
    if not (record.started and record.finished):
        return None
    start, finish = map(datetime.datetime.fromisoformat, (record.started, record.finished))
    return (finish - start).total_seconds()


def _counts(scenarios: list[ScenarioResult]) -> Counts:
    outcomes = Counter(one.outcome for one in scenarios)
    return Counts(outcomes["passed"], outcomes["failed"], outcomes["skipped"], outcomes["no verdict"])
