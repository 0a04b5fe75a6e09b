"""`waybill shrink --schedule`: the simplest schedule of faults with which a scenario still fails."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec

from waybill.commands import robot_process
from waybill.commands.console import say
from waybill.commands.exits import UsageError
from waybill.commands.plan import for_robot
from waybill.commands.warm_workers import Worker, side_by_side
from waybill.faults.schedule import Schedule
from waybill.faults.simplest import Simplest, simplest
from waybill.readiness.cases import CASES, FILE, CaseRecord, read_case, read_cases, utc_now
from waybill.readiness.run_record import SCHEDULE, RunRecord, literal, read_run, write_run

TRY_SECONDS = 240.0
"""A try that takes longer is given up, and does not count as failing."""


def shrink_schedule(file: Path, seconds: float, tries: int) -> bool:
    """Shrinks the schedule of one case, and says what is left and how to replay it.

    Args:
        file: The case's folder, or a file in it.
        seconds: No further try begins after so many.
        tries: At most so many tries.

    Returns:
        Whether nothing more can be left out.

    Raises:
        UsageError: It is no case of a run, it did not fail, or it followed no schedule.
    """
    folder, case, run = _known(file)
    schedule = Schedule.read(case.schedule)
    say(f"{folder.name}: {schedule.faults} faults in {len(schedule.rounds)} rounds")
    with tempfile.TemporaryDirectory(prefix="waybill-shrink-") as place:

        def search(worker: Worker, _: None) -> Simplest:
            fails = _trial(worker, Path(place), case, run)
            return simplest(schedule, fails, seconds=seconds, tries=tries)

        (found,) = side_by_side([None], search, 1, Path(place))
    left = found.schedule
    say(f"{left.faults} of {schedule.faults} faults are enough, after {found.tries} tries: {left}")
    if not found.final:
        say("stopped before everything was tried; more --seconds or --tries may do more")
    say(f"replay: {run.replay(case.suite, case.scenario, str(left))}")
    return found.final


def _known(file: Path) -> tuple[Path, CaseRecord, RunRecord]:
    folder = file if file.is_dir() else file.parent
    case = read_case(folder / FILE)
    run = read_run(folder.parent.parent) if folder.parent.name == CASES else None
    if case is None or run is None:
        raise UsageError(
            f"{file} is not in the folder of a case of a run, such as results/latest/cases/NAME."
        )
    if not case.schedule:
        raise UsageError(f"'{case.scenario}' followed no schedule of faults, so there is none to shrink.")
    if not _failed(case):
        raise UsageError(f"'{case.scenario}' did not fail by what it shows of the target ({case.status}).")
    return folder, case, run


def _trial(worker: Worker, place: Path, case: CaseRecord, run: RunRecord) -> Callable[[Schedule], bool]:
    """Carries a schedule out on a fresh target and says whether it shows some of what the case showed."""
    wanted = {finding.anomaly for finding in case.findings}
    numbers = iter(range(1, 1_000_000))

    def fails(schedule: Schedule) -> bool:
        folder = place / f"try-{next(numbers)}"
        folder.mkdir()
        write_run(folder, msgspec.structs.replace(run, started=utc_now(), finished="", selection=None))
        target = for_robot(run.target_argument)
        worker.run(
            [
                *robot_process.bare_options(folder, target, int(case.seed)),
                *run.robot_options,
                *("--variable", f"{SCHEDULE}:{schedule}"),
                *("--test", literal(case.scenario), case.source),
            ],
            folder,
            TRY_SECONDS,
        )
        again = next(iter(read_cases(folder).values()), None)
        shutil.rmtree(folder)
        red = again is not None and _failed(again) and _alike(again, wanted)
        say(f"  {'fails' if red else 'does not'}: {schedule.faults} faults: {schedule}")
        return red

    return fails


def _failed(case: CaseRecord) -> bool:
    return case.status == "failed" and case.cause in ("failed", "anomalies", "over-limit")


def _alike(case: CaseRecord, wanted: set[str]) -> bool:
    found = {finding.anomaly for finding in case.findings}
    return bool(found & wanted) if wanted else True
