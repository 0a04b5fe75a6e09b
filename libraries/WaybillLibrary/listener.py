"""The evidence gate as a Robot listener.

`waybill run` attaches it; plain Robot does with `--listener WaybillLibrary.listener.EvidenceGate`. It opens
the scenario's `case.json` when the scenario starts and completes it at its end, and it turns a pass without
evidence into a failure.
"""

from __future__ import annotations

import html
import os
from pathlib import Path
from typing import Any

import msgspec
from robot.libraries.BuiltIn import BuiltIn
from robot.running.context import EXECUTION_CONTEXTS

from waybill.readiness import cases, gate
from waybill.readiness.catalogue import bundled_catalogue
from waybill.readiness.run_record import RunRecord, read_run
from WaybillLibrary import current
from WaybillLibrary.places import run_folder

NOT_A_SCENARIO = "not-a-scenario"
"""Tag of a test that proves nothing about a target, such as a test of a keyword. It needs no history."""

PROGRESS = "progress.jsonl"
"""One line per start and end of a scenario, appended by all workers, for whoever watches the run."""

_NOT_THE_TARGET = (
    "Parent suite setup failed:",
    "Execution terminated by signal",
    "Test execution stopped due to a fatal error.",
    "Failure occurred and exit-on-failure mode is in use.",
    "Error occurred and exit-on-error mode is in use.",
)
"""What Robot says when a scenario did not come to its end for a reason that says nothing about the target."""


_ONE_NODE = "NodesMissing: "
"""How the message of a scenario begins that is about several nodes of a server that has one."""

_NO_MEANS = (_ONE_NODE, "MeansMissing: ", "MeansFailed: ", "AdministrationFailed: ", "FaultWithoutEffect: ")
"""How the message of a scenario begins that could not do to the target what it had to do, by the kind of error."""


class EvidenceGate:
    """Listener: writes the case files, demands evidence, adds the replay line to every failure."""

    ROBOT_LISTENER_API_VERSION = 3
    ROBOT_LIBRARY_SCOPE = "GLOBAL"

    def __init__(self) -> None:
        self._run = RunRecord()
        self._folder: Path | None = None
        self._record: cases.CaseRecord | None = None
        self._done: list[tuple[Path, cases.CaseRecord]] = []

    def start_suite(self, data: Any, result: Any) -> None:
        """Tells the suite's setup which tests there will be: a target that none of them can use is not launched."""
        current.announce([[str(tag) for tag in test.tags] for test in data.all_tests])

    def start_test(self, data: Any, result: Any) -> None:
        """Opens the case file and makes the scenario the current one."""
        self._record = None
        if _dry_run() or current.case.scenario:
            return
        run_folder = self._prepare()
        catalogue = bundled_catalogue()
        suite, scenario = data.parent.full_name, data.name
        self._record = cases.CaseRecord(
            scenario=scenario,
            suite=suite,
            source=str(data.source or ""),
            tags=[str(tag) for tag in result.tags],
            guarantees=[guarantee.id for guarantee in catalogue.demanded_by(map(str, result.tags))],
            target=self._run.target,
            seed=self._run.seed,
            started=cases.utc_now(),
            replay=self._run.replay(suite, scenario),
        )
        folder = cases.folder_for(run_folder, suite, scenario)
        cases.write_json(folder / cases.FILE, self._record)
        current.begin(current.Case(suite=suite, scenario=scenario, folder=folder))
        self._tell("started", self._record)

    def end_test(self, data: Any, result: Any) -> None:
        """Decides about the scenario, completes its case file and its Robot result."""
        record, case = self._record, current.case
        if record is None or case.folder is None:
            return
        self._record = None
        current.end()
        record.tags = [str(tag) for tag in result.tags]
        record.guarantees = [guarantee.id for guarantee in bundled_catalogue().demanded_by(record.tags)]
        record.infrastructure = (
            case.infrastructure
            or any(said in result.message for said in _NOT_THE_TARGET)
            or _first_failure(result.message).startswith(_NO_MEANS)
        )
        record.evidence = dict(case.figures)
        record.findings = gate.findings_of(case.report, case.findings)
        record.history = self._relative(_as_finished(case.history))
        record.timeline = self._timeline(case)
        record.logs = [self._relative(log) for log in case.logs]
        record.log_errors, record.log_lines = case.log_errors, case.log_lines
        if case.schedule:
            record.schedule = case.schedule
            record.replay = self._run.replay(record.suite, record.scenario, case.schedule)
        result.doc = _with_logs(result.doc, record)
        self._decide(record, case, result)
        record.finished = cases.utc_now()
        cases.write_json(case.folder / cases.FILE, record)
        self._done.append((case.folder, record))
        self._tell("finished", record)

    def end_suite(self, data: Any, result: Any) -> None:
        """A suite teardown that fails takes the scenarios below it along, as in Robot's own result."""
        teardown = result.teardown
        if not (teardown and teardown.failed):
            return
        for folder, record in self._done:
            below = record.suite == data.full_name or record.suite.startswith(f"{data.full_name}.")
            if below and record.status == "passed":
                record.status, record.cause = "failed", "failed"
                record.message = f"Parent suite teardown failed:\n{teardown.message}"
                cases.write_json(folder / cases.FILE, record)

    def _decide(self, record: cases.CaseRecord, case: current.Case, result: Any) -> None:
        catalogue = bundled_catalogue()
        shown = gate.Shown(
            robot_status=result.status,
            message=result.message,
            report=case.report,
            figures=record.evidence,
            findings=record.findings,
            infrastructure=record.infrastructure,
            misspelt=catalogue.misspelt(record.tags),
            log_failure=case.log_failure,
            one_node=_first_failure(result.message).startswith(_ONE_NODE),
            scenario=NOT_A_SCENARIO not in map(str.lower, record.tags),
        )
        guarantees = [catalogue.guarantees[id_] for id_ in record.guarantees]
        decision = gate.decide(shown, guarantees, self._run.valid_waivers())
        record.status, record.cause, record.message = decision.status, decision.cause, decision.message
        result.status = decision.robot_status
        result.message = decision.message
        if decision.robot_status == gate.FAILED:
            result.message = _with_replay(decision.message, record.replay)

    def _prepare(self) -> Path:
        """Finds the run folder and how the run was started; outside `waybill run` from Robot's own
        variables.
        """
        if self._folder is None:
            builtin = BuiltIn()
            self._folder = run_folder()
            known = read_run(self._folder)
            if known is None:
                target = str(builtin.get_variable_value("${TARGET}") or "")
                known = RunRecord(
                    target=Path(target).name.replace(".toml", ""),
                    target_argument=target,
                    seed=str(builtin.get_variable_value("${SEED}") or ""),
                    suites=[str(EXECUTION_CONTEXTS.top.suite.source)] if EXECUTION_CONTEXTS.top else [],
                )
            self._run = known
        return self._folder

    def _relative(self, path: Path | None) -> str:
        if path is None or self._folder is None:
            return ""
        return os.path.relpath(path.resolve(), self._folder)

    def _timeline(self, case: current.Case) -> str:
        picture = case.timeline or (case.folder / "timeline.svg" if case.folder else None)
        return self._relative(picture) if picture and picture.is_file() else ""

    def _tell(self, event: str, record: cases.CaseRecord) -> None:
        if self._folder is None:
            return
        line = {
            "event": event,
            "suite": record.suite,
            "scenario": record.scenario,
            "status": record.status,
            "seconds": record.seconds(),
            "message": record.message[:500],
        }
        with (self._folder / PROGRESS).open("ab") as progress:
            progress.write(msgspec.json.encode(line) + b"\n")


def _first_failure(message: str) -> str:
    """What failed first, without the words in which Robot says that it was a setup or a teardown."""
    return message.removeprefix("Setup failed:\n").removeprefix("Teardown failed:\n")


def _with_replay(message: str, replay: str) -> str:
    if message.startswith("*HTML*"):
        return f"{message}<br>replay: <code>{html.escape(replay)}</code>"
    return f"{message}\nreplay: {replay}"


def _with_logs(doc: str, record: cases.CaseRecord) -> str:
    """The documentation of a scenario in Robot's log, with links to its part of the server's logs."""
    if not record.logs:
        return doc
    links = ", ".join(f"[{log}|{Path(log).name.removesuffix('.txt')}]" for log in record.logs)
    return f"{doc}\n\n*Server logs:* {links}".strip()


def _as_finished(history: Path | None) -> Path | None:
    """A history is compressed when it is finished, after which only the compressed file is there."""
    if history is None or history.exists():
        return history
    compressed = history.with_name(f"{history.name}.gz")
    return compressed if compressed.exists() else history


def _dry_run() -> bool:
    context = EXECUTION_CONTEXTS.current
    return context is not None and bool(context.dry_run)
