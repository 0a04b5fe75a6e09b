"""What a `waybill run` is going to do: everything that can be wrong is found before anything starts."""

from __future__ import annotations

import argparse
import json
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from waybill import bundled
from waybill.commands import robot_process
from waybill.commands.exits import UsageError
from waybill.commands.usable_target import usable_target
from waybill.commands.version import versions
from waybill.readiness.catalogue import bundled_catalogue
from waybill.readiness.means import Means
from waybill.readiness.run_record import RunRecord, Selected, quoted

DEFAULT = "reference"
"""The target where none is named."""

FILTERS = ("include", "exclude", "test", "suite")


PER_PROCESSOR = 1.5
"""Suite files at once for each processor, where every one has a server of its own: some of the time each of them waits,
for starts, for ends of connections, for deadlines. With two the whole takes as long and each scenario longer. A server
that runs elsewhere is shared and not pushed like that."""

SEVERAL = "Suites"
"""What several suite files on one command line are called together."""


@dataclass(frozen=True)
class Plan:
    """A run that can start.

    Attributes:
        record: What `run.json` will say, without the times.
        target: The target for Robot's variable: a name, or an absolute path.
        seed: The seed.
        suites: Absolute paths.
        options: Filters and passed-on options for Robot.
        workers: How many suite files at once.
    """

    record: RunRecord
    target: str
    seed: int
    suites: list[str]
    options: list[str]
    workers: int

    @property
    def selection(self) -> list[Selected]:
        """Every scenario that must have a verdict at the end."""
        return self.record.selection or []

    @property
    def suite_files(self) -> list[str]:
        """Full names of the suites that have selected scenarios, in the order of the files."""
        return list(dict.fromkeys(one.suite for one in self.selection))

    @property
    def killing_suites(self) -> set[str]:
        """Full names of the suites with scenarios for which the kit must kill the server."""
        demanded_by = bundled_catalogue().demanded_by
        return {
            one.suite
            for one in self.selection
            if any("kill" in guarantee.means for guarantee in demanded_by(one.tags))
        }


def make_plans(arguments: argparse.Namespace, passed_on: list[str], command: str) -> list[Plan]:
    """Checks the arguments and selects the scenarios, once for all targets.

    All targets get the same seed and the same selection, so that their verdicts can be compared.

    Args:
        arguments: The parsed command line.
        passed_on: Robot's own options, everything after `--`.
        command: The command line as typed.

    Returns:
        One plan per target, in the order in which they were named.

    Raises:
        UsageError: A target, its waivers, the suites, an option or the selection cannot be used.
    """
    from waybill.targets.variants import GUARANTEE

    targets = arguments.targets or [DEFAULT]
    known = [_target(name) for name in targets]
    records = [record for record, _ in known]
    _refuse_namesakes(records)
    seed = secrets.randbelow(2**31) if arguments.seed is None else arguments.seed
    suites = [str(Path(suite).resolve()) for suite in arguments.suites] or [str(bundled.folder("suites"))]
    filters = [
        word
        for name in FILTERS
        for value in getattr(arguments, name)
        # Tags know no capitals, and Robot would read the OR of ORD-1 as an operator.
        for word in (f"--{name}", value.lower() if GUARANTEE.fullmatch(value) else value)
    ]
    options = [*filters, *passed_on]
    if len(suites) > 1 and not {"--name", "-N"} & set(passed_on):
        # Robot and pabot make up different names for several files, and lost scenarios are found by their names.
        options += ["--name", SEVERAL]
    selection = select(options, suites)
    files = len({one.suite for one in selection})
    workers = min(
        arguments.processes or default_workers(launched=all(launched for _, launched in known)), files
    )
    means = _means()
    for record in records:
        record.selection = selection
        record.seed = str(seed)
        record.suites = list(arguments.suites)
        record.filters = filters
        record.robot_options = passed_on
        record.versions = dict(versions())
        record.means = means
        record.command = command
        record.processes = workers
    return [
        Plan(record, for_robot(name), seed, suites, options, workers)
        for name, record in zip(targets, records, strict=True)
    ]


def _means() -> list[Means]:
    """What this machine lets be done to a server, for the record of the run."""
    from waybill.faults.means import probe

    return [Means(one.name, one.used_for, one.missing) for one in probe()]


def for_robot(target: str) -> str:
    """A target for Robot, whose workers may have another working directory: a path becomes absolute.

    The variant of a target file, `my-server.toml+no-disk`, keeps its name behind the path.
    """
    file, variant = target, ""
    if found := re.fullmatch(r"(.*\.toml)(\+[^/]+)", target):
        file, variant = found.groups()
    if target.endswith(".toml"):
        file, variant = target, ""
    is_path = file.endswith(".toml") or "/" in file
    return f"{Path(file).expanduser().resolve()}{variant}" if is_path else target


def _refuse_namesakes(records: Sequence[RunRecord]) -> None:
    names = [record.target for record in records]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        arguments = " and ".join(record.target_argument for record in records if record.target == twice)
        raise UsageError(
            f"Two targets are called {twice} ({arguments}), and a page with one column for each could not tell "
            f"them apart. Name each target once, or give its file another name."
        )


def default_workers(*, launched: bool) -> int:
    """How many suite files run at once where nobody says it.

    Args:
        launched: The kit launches a server for each suite file, of every target.
    """
    processors = len(os.sched_getaffinity(0))
    return int(PER_PROCESSOR * processors) if launched else processors


def _target(name: str) -> tuple[RunRecord, bool]:
    """Reads the target file into the beginnings of a run record, and whether the kit launches the target."""
    from waybill.targets.server_version import server_version

    file, waivers = usable_target(name)
    variant = file.variant
    record = RunRecord(
        target=file.name,
        target_argument=name,
        driver=file.driver,
        server_version=server_version(file.version),
        variant="" if variant is None else " ".join(variant.description.split()),
        breaks=[] if variant is None else list(variant.breaks),
        promises=dict(file.promises),
        waivers=waivers,
    )
    return record, file.launch is not None


def select(options: list[str], suites: list[str]) -> list[Selected]:
    """Asks Robot, in a process of its own, which scenarios the options select."""
    answer = subprocess.run(
        [sys.executable, "-m", "WaybillLibrary.selection", *options, *suites],
        env=robot_process.environment(Path()),
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        said: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        last = (answer.stderr.strip() or "it said nothing").splitlines()[-1]
        raise UsageError(f"Robot Framework could not read the suites: {last}") from None
    if "error" in said:
        raise UsageError(f"{said['error']} (Robot Framework's words)")
    return [
        Selected(one["suite"], one["scenario"], tuple(one["tags"]), one["source"])
        for one in said["scenarios"]
    ]


def command_line(words: list[str]) -> str:
    """A command line as a person would type it."""
    return " ".join(quoted(word) for word in ["waybill", *words])
