"""What an earlier proof of a server says of the trials of one that goes on from it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from waybill.commands.exits import UsageError
from waybill.proof.model import FILE, Part, Proof, Trial, read_proof
from waybill.readiness.words import moment
from waybill.targets.model import TargetFile


def require_earlier(folder: Path, file: TargetFile) -> Proof:
    """The earlier proof in a folder.

    Raises:
        UsageError: There is none, or it is one of another server, or of a kit without one of its parts.
    """
    proof = read_proof(folder)
    if proof is None:
        raise UsageError(f"{folder} is not the folder of a proof: it has no {FILE} that can be read.")
    if proof.target != file.name:
        raise UsageError(f"{folder} is a proof with {proof.target}, which says nothing about {file.name}.")
    if proof.without:
        raise UsageError(f"{folder} is a proof without {proof.without}, which proves nothing to go on from.")
    return proof


def divide(earlier: Proof, trials: Sequence[Trial], runs: int) -> tuple[list[Trial], list[Trial]]:
    """Divides the trials of a proof into those taken over from an earlier one and those that are to be tried.

    Taken over is what came out there as it must: the same defect, known by the same, in the same scenario, and a rare
    form with as many seeds. What came out otherwise is tried again, and says so.

    Args:
        earlier: The earlier proof.
        trials: The trials of this one.
        runs: With how many seeds a rare form is tried.
    """
    known = {(one.defect, one.scenario, one.guarantee): one for one in earlier.trials}
    taken, left = [], []
    for trial in trials:
        one = known.get((trial.defect, trial.scenario, trial.guarantee))
        if one is None:
            left.append(trial)
        elif not one.kept:
            left.append(msgspec.structs.replace(trial, before=_story(one, earlier)))
        elif (one.breaks, one.signs) != (trial.breaks, trial.signs) or (one.runs > 1 and one.runs < runs):
            left.append(msgspec.structs.replace(trial, before=one.before))
        else:
            taken.append(
                msgspec.structs.replace(
                    one, source=trial.source, folder="", tried=one.tried or earlier.started
                )
            )
    return taken, left


def parts(earlier: Proof, taken: Sequence[Trial]) -> list[Part]:
    """The earlier proofs that trials were taken over from, and how many from each."""
    own = Part(started=earlier.started, seconds=earlier.seconds, command=earlier.command, trials=0)
    return [
        msgspec.structs.replace(part, trials=sum(one.tried == part.started for one in taken))
        for part in (*earlier.parts, own)
    ]


def _story(trial: Trial, earlier: Proof) -> str:
    what = f"{moment(earlier.started)}: {trial.finding or trial.outcome}"
    return f"{trial.before}; {what}" if trial.before else what
