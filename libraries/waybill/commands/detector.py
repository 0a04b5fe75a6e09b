"""The detector check: whatever a run says, its reports must have been able to say otherwise.

Beside the scenarios of a run, a planted history of each anomaly goes the way of a real one: it is checked, judged by
the evidence gate in Robot, written into a case file and put on a readiness page. The scenarios pass as far as Robot
can see, so a red page shows that every check, the gate and the reports are at work. A page that is not red is a
finding about the kit itself, and nothing else that the run says counts.
"""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from waybill.commands import robot_process
from waybill.history.planted.stories import Labelled, canaries
from waybill.readiness.cases import read_cases
from waybill.readiness.pages import HTML, write_pages
from waybill.readiness.run_record import RunRecord, write_run

FOLDER = "detector"
"""Where a run keeps it."""

DEADLINE = 60.0
"""Seconds; it takes less than one of a processor, beside the scenarios."""

_GUARANTEE = "DEL-1"
_SUITE = "detector.robot"


@dataclass(frozen=True)
class Detected:
    """What came of it.

    Attributes:
        sentence: What was tried, in words.
        failure: What was not reported; empty if all is well.
    """

    sentence: str
    failure: str = ""


class DetectorCheck:
    """A detector check that runs beside something else. Close it, whatever happens."""

    def __init__(self, run: Path) -> None:
        """Starts it.

        Args:
            run: The folder of the run, which exists; the check gets a folder in it.
        """
        self._folder = (run / FOLDER).resolve()
        self._folder.mkdir(parents=True)
        self._planted = canaries()
        self._detected: Detected | None = None
        suite = self._folder / _SUITE
        suite.write_text(_suite(self._planted), encoding="utf-8")
        write_run(self._folder, RunRecord(target="detector", seed="1", suites=[str(suite)]))
        with (self._folder / "console.txt").open("wb") as console:
            self._process = subprocess.Popen(
                [
                    *(
                        sys.executable,
                        "-m",
                        "robot",
                        "--output",
                        "output.xml",
                        "--log",
                        "NONE",
                        "--report",
                        "NONE",
                    ),
                    *robot_process.verdict_options(self._folder, "detector", 1),
                    *("--outputdir", str(self._folder), str(suite)),
                ],
                env=robot_process.environment(self._folder),
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._begun = time.monotonic()

    def result(self) -> Detected:
        """Waits for its end and looks at its page; the same answer every time."""
        if self._detected is None:
            self._detected = self._result()
        return self._detected

    def close(self) -> None:
        """Ends it, if it still runs."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def _result(self) -> Detected:
        sentence = f"{len(self._planted)} planted findings went through the checks, the gate and the reports"
        try:
            self._process.wait(max(0.0, self._begun + DEADLINE - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.close()
            return Detected(sentence, f"it did not end within {DEADLINE:g} s")
        return Detected(sentence, self._failure())

    def _failure(self) -> str:
        cases = {case.scenario: case for case in read_cases(self._folder).values()}
        silent = []
        for number, one in enumerate(self._planted, 1):
            case = cases.get(_name(number, one))
            found = [finding.anomaly for finding in case.findings] if case else []
            if case is None or case.status != "failed" or one.anomaly not in found:
                silent.append(one.anomaly)
        if silent:
            names = ", ".join(dict.fromkeys(silent))
            return (
                f"{len(silent)} of {len(self._planted)} planted findings were not reported ({names}); see "
                f"{self._folder / 'console.txt'}, and `waybill check --self-test`"
            )
        return self._page()

    def _page(self) -> str:
        """What is wrong with the page; it must be as red as can be, and show each finding."""
        run = write_pages(self._folder).runs[0]
        verdict = next(one.verdict for one in run.guarantees if one.id == _GUARANTEE)
        if verdict != "BROKEN" or run.verdict != "NOT READY" or run.counts.failed != len(self._planted):
            return (
                f"expected {_GUARANTEE} BROKEN and {len(self._planted)} failed scenarios on the page, found {verdict}, "
                f"{run.verdict} and {run.counts.failed} failed; see {self._folder / HTML}"
            )
        page = (self._folder / HTML).read_text(encoding="utf-8")
        absent = [one.anomaly for one in self._planted if one.anomaly not in page]
        return f"the page does not show {', '.join(dict.fromkeys(absent))}" if absent else ""


def _name(number: int, planted: Labelled) -> str:
    return f"{number} {planted.anomaly}"


def _suite(planted: list[Labelled]) -> str:
    tests = [
        f"{_name(number, one)}\n    [Tags]    {_GUARANTEE}\n    Judge Planted History    {one.name}\n"
        for number, one in enumerate(planted, 1)
    ]
    return (
        "*** Settings ***\nDocumentation    Planted findings: each must turn red.\n"
        "Library    WaybillLibrary.Detector\n\n*** Test Cases ***\n" + "\n".join(tests)
    )
