"""Keywords that open a scenario's history and judge it at the end."""

from __future__ import annotations

import contextlib
import html
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from robot.api import Failure, logger
from robot.api.deco import keyword, library
from robot.libraries.BuiltIn import BuiltIn

from waybill.devices.scenario import Scenario
from waybill.devices.waiting import CapabilityMissing
from waybill.drivers.base import Driver
from waybill.faults.effects import FaultWithoutEffect
from waybill.faults.links import LinkFaults
from waybill.faults.partitions import Partitions
from waybill.faults.process import ProcessFaults
from waybill.history.timeline import write_timeline
from waybill.readiness.cases import folder_for
from waybill.readiness.catalogue import Guarantee, bundled_catalogue
from waybill.readiness.evidence import inexpressible
from waybill.readiness.gate import VACUOUS
from waybill.targets import AbsentTarget
from waybill.targets.server_logs import ServerLogs
from waybill.version import __version__
from WaybillLibrary import current, server_log_parts, stage
from WaybillLibrary.places import run_folder

DRAIN = timedelta(seconds=30)
PATIENCE = timedelta(seconds=30)
LAST_LOOK = 5.0
"""Seconds that a scenario whose step failed has to deliver what it still owes, before its history is judged."""


@library(scope="GLOBAL", version=__version__, doc_format="MARKDOWN", auto_keywords=False)
class Verdicts:
    """One history per scenario, one check at its end.

    `Begin Scenario` opens the history that everything in the scenario is recorded in; `Check History` ends the traffic,
    searches the history for every anomaly and fails with the findings. A scenario that never checks its history has no
    evidence, and the evidence gate turns its pass into a failure.
    """

    @keyword
    def begin_scenario(self, *, seed: int = 1, patience: timedelta = PATIENCE) -> None:
        """Opens the history of the running test.

        Args:
            seed: What bodies, sizes and every choice follow from; the same seed gives the same traffic.
            patience: How long the server may take over the answers to a bulk of sends before more of them follow.

        Example:

        ```robotframework
        *** Settings ***
        Test Setup       Begin Scenario    seed=42
        Test Teardown    End Scenario
        ```
        """
        if stage.has_scenario():
            raise RuntimeError("A scenario is running already; End Scenario belongs into the test teardown.")
        builtin = BuiltIn()
        name = str(builtin.get_variable_value("${TEST NAME}"))
        tags: list[str] = builtin.get_variable_value("${TEST TAGS}") or []
        folder = current.case.folder
        if folder is None:
            folder = folder_for(run_folder(), str(builtin.get_variable_value("${SUITE NAME}")), name)
        target = stage.target()
        require_capabilities(target.driver, bundled_catalogue().demanded_by(map(str, tags)))
        if isinstance(target, AbsentTarget):
            target.require_means()
        scenario = Scenario(
            target,
            folder / "history.jsonl",
            name=name,
            seed=seed,
            guarantees=[str(tag).upper() for tag in tags],
            watch=ServerLogs(target, target.file.launch.log if target.file.launch else None),
            patience=patience.total_seconds(),
        )
        faults = stage.Faults(
            ProcessFaults(target, lambda: scenario.recorder),
            LinkFaults(lambda: target.links, lambda: scenario.recorder),
            Partitions(lambda: target.peer_links, lambda: scenario.recorder, scenario.random),
        )
        stage.set_scenario(scenario, faults)

    @keyword
    def end_scenario(self) -> None:
        """Ends every session and closes the history, whatever happened before; nothing happens without a scenario.

        What the server's processes wrote into their logs since the scenario began is kept beside the history.

        Example:

        ```robotframework
        *** Settings ***
        Test Teardown    End Scenario
        ```
        """
        if not stage.has_scenario():
            return
        scenario, down, standing = stage.scenario(), stage.faults().down, stage.faults().standing
        link_faults, partitions = stage.link_faults(), stage.partitions()
        stage.undo()
        stage.set_scenario(None)
        for node in standing:
            stage.target().resume(node)
        failed = BuiltIn().get_variable_value("${TEST STATUS}") == "FAIL"
        try:
            with contextlib.suppress(FaultWithoutEffect):
                link_faults.end(deadline=0.0)
            with contextlib.suppress(FaultWithoutEffect):
                partitions.heal(deadline=0.0)
            if failed and current.case.report is None and scenario.recording:
                _look_for_the_cause(scenario, complete=not down)
            scenario.close()
        finally:
            for node in down:
                stage.target().start(node)
            if isinstance(scenario.watch, ServerLogs):
                server_log_parts.keep(scenario.watch, scenario.path.with_name("logs"))

    @keyword
    def check_history(self, *, deadline: timedelta = DRAIN) -> None:
        """Ends the traffic, then searches the scenario's history for every anomaly, and fails with what it finds.

        Links that are still disturbed are healed; what was wrong with them must have had an effect. Every device is
        opened again and reads until it holds all that was acknowledged; what is still missing at the
        deadline is a finding. Then each device's complete log is read once more, the history is closed and checked. The
        figures of the history become the scenario's evidence.

        Args:
            deadline: How long the server may take to deliver what is still owed.

        Example:

        ```robotframework
        *** Test Cases ***
        A message arrives
            Connect People    alice and bob
            Send Messages    alice    bob    count=10
            Check History
        ```
        """
        scenario = stage.scenario()
        stage.link_faults().end(deadline=deadline.total_seconds())
        stage.partitions().heal(deadline=deadline.total_seconds())
        settlement = scenario.settle(deadline=deadline.total_seconds())
        gone = stage.gone()
        report = scenario.finish()
        data: dict[str, Any] = report.to_dict()
        current.case.checked(scenario.path, data)
        current.case.show(anomalies=sum(anomaly["count"] for anomaly in data["anomalies"]))
        picture = (
            write_timeline(scenario.path, report, scenario.path.with_name("timeline.svg"))
            if data["anomalies"]
            else None
        )
        _log(data, picture)
        if data["anomalies"]:
            raise Failure(_sentences(data), html=False)
        stage.require_running(ended=gone)
        if not settlement.complete:
            reasons = "; ".join(f"{device}: {reason}" for device, reason in settlement.unread.items())
            raise AssertionError(
                f"The history proves nothing: not every device could be read to its end ({reasons})."
            )
        if data["verdict"] != "clean":
            raise AssertionError(
                f"The history proves nothing: {'; '.join(map(str, data['unknown_reasons']))}."
            )


def _look_for_the_cause(scenario: Scenario, *, complete: bool) -> None:
    """Judges what a scenario recorded before one of its steps failed, so that the report can name what was wrong.

    What is found is added to the failure. What is not found excuses nothing: the step has failed.
    """
    try:
        if complete:
            scenario.settle(deadline=LAST_LOOK)
        report = scenario.finish()
    except Exception as error:
        logger.info(f"The history could not be judged: {error}")
        return
    data: dict[str, Any] = report.to_dict()
    data["anomalies"] = [anomaly for anomaly in data["anomalies"] if anomaly["anomaly"] != VACUOUS]
    if data["anomalies"]:
        current.case.checked(scenario.path, data)
        _log(data, write_timeline(scenario.path, report, scenario.path.with_name("timeline.svg")))
        logger.info(_sentences(data))


def _log(data: dict[str, Any], picture: Path | None) -> None:
    """One line where people look, the rest collapsed, and the timeline of the worst finding."""
    figures = "".join(
        f"<tr><td>{html.escape(name)}</td><td>{value:,}</td></tr>"
        for name, value in sorted(data["figures"].items())
    )
    found = sum(anomaly["count"] for anomaly in data["anomalies"])
    line = f"{data['verdict']}: {found} findings in {data['figures'].get('sends', 0):,} sends"
    logger.info(
        f"<b>{line}</b><details><summary>Figures of the history</summary><table>{figures}</table></details>",
        html=True,
    )
    if picture is not None:
        logger.info(picture.read_text(encoding="utf-8"), html=True)


def _sentences(data: dict[str, Any]) -> str:
    """The findings, worst first: each kind with its count and smallest example, the worst with the faults near it."""
    lines: list[str] = []
    for number, anomaly in enumerate(data["anomalies"]):
        example = anomaly["examples"][0] if anomaly["examples"] else {"sentence": ""}
        lines.append(f"{anomaly['anomaly']} ({anomaly['count']:,}): {example['sentence']}")
        lines += [f"    {example['meanwhile']}"] if example.get("meanwhile") and not number else []
    return "\n".join(lines)


def require_capabilities(driver: Driver, guarantees: Sequence[Guarantee]) -> None:
    """Fails at once where the protocol has no words for what a guarantee is about.

    Raises:
        CapabilityMissing: Naming the first capability that is missing.
    """
    missing = inexpressible(guarantees, [capability.value for capability in driver.capabilities])
    if missing is not None:
        raise CapabilityMissing(driver.name, missing)
