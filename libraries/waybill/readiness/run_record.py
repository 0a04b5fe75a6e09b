"""How a run was started, as a file: `run.json` in the run folder.

`waybill run` writes it before the first scenario starts; the evidence gate takes the waivers and the replay
line from it, the reports everything that says what should have run.
"""

from __future__ import annotations

import datetime
import shlex
from pathlib import Path
from typing import Any

import msgspec

from waybill.readiness.cases import write_json
from waybill.readiness.means import Means
from waybill.readiness.waivers import Waiver

FILE = "run.json"
SCHEDULE = "CHAOS"
"""The variable of the suites that gives a schedule of faults."""


class Selected(msgspec.Struct, frozen=True, omit_defaults=True):
    """One scenario that the run has to give a verdict on.

    Attributes:
        suite: Full name of its suite.
        scenario: Its name.
        tags: Its tags.
        source: The suite file.
    """

    suite: str
    scenario: str
    tags: tuple[str, ...] = ()
    source: str = ""


class RunRecord(msgspec.Struct, kw_only=True):
    """The content of a `run.json`.

    Attributes:
        schema: Version of this format.
        target: Name of the target.
        target_argument: What `--target` was given: a name or a file.
        driver: The target's driver.
        server_version: The version of the server, where it is known; empty otherwise.
        variant: What was changed about the target on purpose, in words; empty for the target as it is.
        breaks: The guarantees that this change must break.
        promises: What the target promises, by parameter.
        waivers: What it does not promise.
        seed: The run's seed.
        started: When it started (UTC, ISO 8601).
        finished: When it ended; empty while it runs and if it was killed.
        suites: The suites as given; empty for the bundled ones.
        filters: The filters as given, such as `["--include", "P0"]`.
        robot_options: What was passed on to Robot.
        processes: How many workers.
        selection: Every scenario that must have a verdict at the end; None if nobody wrote that down.
        versions: Versions of what took part.
        means: The means of faults, and which of them the machine had; empty if nobody tried.
        command: The whole command line.
        interrupted: The run was stopped before its end.
        problem: Why Robot could not do its work; empty if it could.
        not_run: Why the run never began, where several were planned; empty once it has.
        detector: What the detector check tried; empty without one.
        detector_failure: What of it was not reported; empty if all was.
    """

    schema: int = 1
    target: str = ""
    target_argument: str = ""
    driver: str = ""
    server_version: str = ""
    variant: str = ""
    breaks: list[str] = []
    promises: dict[str, Any] = {}
    waivers: list[Waiver] = []
    seed: str = ""
    started: str = ""
    finished: str = ""
    suites: list[str] = []
    filters: list[str] = []
    robot_options: list[str] = []
    processes: int = 1
    selection: list[Selected] | None = None
    versions: dict[str, str] = {}
    means: list[Means] = []
    command: str = ""
    interrupted: bool = False
    problem: str = ""
    not_run: str = ""
    detector: str = ""
    detector_failure: str = ""

    def day(self) -> datetime.date:
        """The day of the run, on which its waivers are judged; the same for a page that is built later."""
        if not self.started:
            return datetime.datetime.now(datetime.UTC).date()
        return datetime.datetime.fromisoformat(self.started).date()

    def valid_waivers(self) -> dict[str, Waiver]:
        """The waivers that count on the day of the run, by guarantee."""
        return {waiver.guarantee: waiver for waiver in self.waivers if not waiver.expired(self.day())}

    def replay(self, suite: str, scenario: str, schedule: str = "") -> str:
        """The command that runs one scenario alone in the same way, with the schedule of faults that it followed."""
        words = ["waybill", "run", *self.suites]
        if self.target_argument:
            words += ["--target", self.target_argument]
        if self.seed:
            words += ["--seed", self.seed]
        words += ["--test", literal(f"{suite}.{scenario}")]
        options = list(self.robot_options)
        if schedule:
            # Of two values for one variable Robot takes the last one.
            options += ["--variable", f"{SCHEDULE}:{schedule}"]
        if options:
            words += ["--", *options]
        return " ".join(quoted(word) for word in words)


def literal(name: str) -> str:
    """A name for Robot's filters that matches itself only."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)


def quoted(word: str) -> str:
    """A word of a command line, in double quotes where that is enough."""
    if shlex.quote(word) == word or any(letter in word for letter in '"$`\\!'):
        return shlex.quote(word)
    return f'"{word}"'


def write_run(folder: Path, record: RunRecord) -> None:
    """Writes the run record of a run folder."""
    write_json(folder / FILE, record)


def read_run(folder: Path) -> RunRecord | None:
    """Reads the run record of a folder; None if it has none.

    Raises:
        ValueError: There is one and it cannot be read.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=RunRecord)
    except msgspec.DecodeError as error:
        raise ValueError(f"{path} is not the record of a run: {error}") from error
