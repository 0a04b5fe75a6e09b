"""What the clean server did in a `waybill run`, as the clean trials of a proof."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from waybill.commands.exits import UsageError
from waybill.proof.model import Trial, judged
from waybill.readiness.cases import read_cases
from waybill.readiness.run_record import RunRecord, read_run
from waybill.targets.model import TargetFile
from waybill.version import __version__


def require_clean_run(folder: Path, file: TargetFile) -> RunRecord:
    """The record of a run whose verdicts are those of this server as it is.

    Raises:
        UsageError: The folder is not that of a run, or of one with something else: another server, a variant of it,
            another version of the kit, options that change what a scenario demands, or no end.
    """
    try:
        record = read_run(folder)
    except ValueError as error:
        raise UsageError(str(error)) from None
    if record is None:
        raise UsageError(f"{folder} is not the folder of a run: it has no run.json.")
    for wrong, what in (
        (record.target != file.name or record.variant, f"a run against {record.target_argument}"),
        (record.robot_options, f"a run with the options {' '.join(record.robot_options)}"),
        (
            record.versions.get("Waybill") != __version__,
            f"a run of Waybill {record.versions.get('Waybill', 'of another version')}",
        ),
        (record.interrupted or record.problem or not record.finished, "a run that did not come to its end"),
    ):
        if wrong:
            raise UsageError(
                f"--clean-run wants a whole run of Waybill {__version__} against {file.name} as it is; {folder} is of "
                f"{what}."
            )
    return record


def clean_verdicts(folder: Path, record: RunRecord, trials: Sequence[Trial]) -> list[Trial]:
    """The clean trials with what the run says of their scenarios; one that it does not know has no verdict."""
    cases = {case.scenario: case for case in read_cases(folder).values()}
    return [
        msgspec.structs.replace(judged(trial, cases.get(trial.scenario)), seed=record.seed)
        for trial in trials
    ]
