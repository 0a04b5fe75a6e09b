"""One scenario of one run as a file: `cases/<slug>/case.json` in the run folder.

The file is opened when the scenario starts and completed when it ends, each time as a whole. A file that
still says
`running` after the run belongs to a worker that died: that scenario has no verdict.
"""

from __future__ import annotations

import datetime
import hashlib
import re
from pathlib import Path
from typing import Any, Literal

import msgspec

from waybill.readiness.evidence import Figure

CASES = "cases"
FILE = "case.json"

Status = Literal["running", "passed", "failed", "skipped"]
Cause = Literal[
    "", "failed", "anomalies", "over-limit", "no-evidence", "infrastructure", "waived", "inapplicable"
]


class Finding(msgspec.Struct):
    """One anomaly of a history, with its smallest example.

    Attributes:
        anomaly: Its name in the list of anomalies.
        count: How often it was found.
        sentence: The worst example in prose.
        events: Indexes of the events that prove it.
        meanwhile: The faults in or next to which it lies, in sentences.
    """

    anomaly: str
    count: int = 1
    sentence: str = ""
    events: list[int] = []
    meanwhile: str = ""

    def words(self) -> str:
        """The finding in one line."""
        return (
            f"{self.anomaly} ({self.count}): {self.sentence}"
            if self.sentence
            else f"{self.anomaly} ({self.count})"
        )


class CaseRecord(msgspec.Struct, kw_only=True):
    """The content of a `case.json`.

    Attributes:
        schema: Version of this format.
        scenario: The scenario's name.
        suite: Full name of its suite.
        source: The suite file.
        tags: Its tags.
        guarantees: The guarantees that it puts to the proof.
        target: Name of the target.
        seed: The run's seed.
        started: When it started (UTC, ISO 8601).
        finished: When it ended; empty while it runs.
        status: What came of it.
        cause: Why it did not pass; `inapplicable` where the target has one node and the guarantee holds without others.
        message: Robot's message, with the gate's own words.
        evidence: The figures that it carries.
        findings: What its history's check found.
        history: The history file, relative to the run folder.
        timeline: The picture of the worst finding, relative to the run folder.
        logs: What the server's processes wrote into their logs meanwhile, relative to the run folder.
        log_errors: How many of these lines are errors that nobody expects; None where nothing says what an error is.
        log_lines: The first few of them.
        replay: The command that runs this scenario alone in the same way.
        schedule: The schedule of faults that it followed; empty for none.
        infrastructure: It failed for a reason that says nothing about the target.
    """

    schema: int = 1
    scenario: str
    suite: str
    source: str = ""
    tags: list[str] = []
    guarantees: list[str] = []
    target: str = ""
    seed: str = ""
    started: str = ""
    finished: str = ""
    status: Status = "running"
    cause: Cause = ""
    message: str = ""
    evidence: dict[str, Figure] = {}
    findings: list[Finding] = []
    history: str = ""
    timeline: str = ""
    logs: list[str] = []
    log_errors: int | None = None
    log_lines: list[str] = []
    replay: str = ""
    schedule: str = ""
    infrastructure: bool = False

    def seconds(self) -> float | None:
        """How long it took; None while it runs."""
        if not (self.started and self.finished):
            return None
        start, finish = map(datetime.datetime.fromisoformat, (self.started, self.finished))
        return (finish - start).total_seconds()


def utc_now() -> str:
    """The time as the run's files write it."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")


def slug(name: str, longest: int = 60) -> str:
    """A name as part of a path: lower case, dashes, short; two different long names stay different."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "unnamed"
    if len(plain) <= longest:
        return plain
    return f"{plain[: longest - 9].rstrip('-')}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def folder_for(run: Path, suite: str, scenario: str) -> Path:
    """The folder of a scenario's files, free or its own from an earlier start.

    Two scenarios of one suite whose names differ only in punctuation get a number; they run in one process,
    so the numbers are always the same.
    """
    name = f"{slug(suite)}--{slug(scenario)}"
    number = 1
    while True:
        folder = run / CASES / (name if number == 1 else f"{name}-{number}")
        taken = read_case(folder / FILE)
        if taken is None or (taken.suite, taken.scenario) == (suite, scenario):
            return folder
        number += 1


def write_json(path: Path, value: Any) -> None:
    """Writes a JSON file as a whole: a reader sees the old one or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    draft.write_bytes(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")
    draft.replace(path)


def read_case(path: Path) -> CaseRecord | None:
    """Reads a `case.json`; None if there is none or it is not one, which leaves its scenario without a
    verdict.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=CaseRecord)
    except (OSError, msgspec.DecodeError):
        return None


def read_cases(run: Path) -> dict[Path, CaseRecord]:
    """All readable cases of a run folder by their folder, in the order of the folders' names."""
    files = sorted((run / CASES).glob(f"*/{FILE}"))
    return {file.parent: case for file in files if (case := read_case(file)) is not None}
