"""The running scenario, as the keywords see it and the evidence gate reads it.

One Robot process runs one scenario at a time, so one module-level object is enough: `current.case`. The
listener puts a fresh one there when a scenario starts; the keywords say on it what the scenario has shown;
the listener reads it at the
end. Use it through the module (`from WaybillLibrary import current`, then `current.case`), never by
importing the name: the object changes with every scenario.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Figure = int | float | bool | str


@dataclass
class Case:
    """What one scenario has shown so far.

    Attributes:
        suite: Full name of its suite; empty outside a scenario, for example in a suite setup.
        scenario: Its name.
        folder: Its folder for the history, the timeline and the servers' logs; None when no listener is at
            work.
        history: The history file whose check decides about the scenario.
        report: The report of that check as plain data; None as long as nothing was checked.
        figures: What the scenario can show, by the names that the catalogue uses.
        findings: Findings that do not come from the history: `anomaly`, `count`, `sentence`, `events`.
        infrastructure: The scenario failed for a reason that says nothing about the target.
        timeline: The picture of the worst finding; by default `timeline.svg` in the folder, when it is there.
        logs: What the server's processes wrote into their logs meanwhile.
        log_errors: How many unexpected errors are in them; None where nobody says what an error is.
        log_lines: The first few of these.
        log_failure: Why they fail the scenario, where the target file says that they do.
        schedule: The schedule of faults that the scenario follows, for the line that replays it.
    """

    suite: str = ""
    scenario: str = ""
    folder: Path | None = None
    history: Path | None = None
    report: dict[str, Any] | None = None
    figures: dict[str, Figure] = field(default_factory=dict)
    findings: list[dict[str, Any]] = field(default_factory=list)
    infrastructure: bool = False
    timeline: Path | None = None
    logs: list[Path] = field(default_factory=list)
    log_errors: int | None = None
    log_lines: list[str] = field(default_factory=list)
    log_failure: str = ""
    schedule: str = ""

    def checked(self, history: Path | str, report: dict[str, Any]) -> None:
        """Says that the scenario's history was checked, and what the check found.

        Checking the same file again replaces the earlier result. The report's figures become the scenario's.

        Args:
            history: The checked file.
            report: The report as plain data: `verdict`, `anomalies`, `figures`, `unknown_reasons`.

        Raises:
            ValueError: Another history was checked before: figures of two histories must not be mixed.
        """
        path = Path(history)
        if self.history is not None and self.history != path:
            raise ValueError(
                f"A scenario has one history: '{self.scenario}' already checked {self.history} and "
                f"now brings {path}. Record into the first one, or make two scenarios of it."
            )
        self.history = path
        self.report = report
        self.figures.update(report.get("figures", {}))

    def show(self, **figures: Figure) -> None:
        """Adds figures that the history cannot count, such as attacks or probes."""
        self.figures.update(figures)


case = Case()
"""The running scenario; an empty one between scenarios."""


tests: Sequence[Sequence[str]] | None = None
"""The tags of each test below the suite that began last; None when no listener is at work."""


def announce(tags: Sequence[Sequence[str]]) -> None:
    """Says which tests a suite that begins will run. The listener calls this before the suite's setup."""
    global tests  # noqa: PLW0603 - one suite runs at a time in a Robot process
    tests = tags


def begin(started: Case) -> Case:
    """Makes a scenario the running one. The listener calls this."""
    global case  # noqa: PLW0603 - the register is one per process on purpose
    case = started
    return case


def end() -> None:
    """Leaves the running scenario; what comes afterwards (suite teardown) goes to an empty one."""
    begin(Case())
