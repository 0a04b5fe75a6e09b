"""What came of a proof as a page of Markdown, for the documentation of a server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from waybill.proof.model import Outcome, Proof, Trial
from waybill.readiness.words import duration, moment

_WORDS: Final[dict[Outcome, str]] = {
    "killed": "killed",
    "elsewhere": "**killed elsewhere**",
    "survived": "**survived**",
    "untold": "**no verdict**",
}


def draw(proof: Proof) -> str:
    """Draws the page: when and how, the verdict, what is wrong, then a table for each guarantee."""
    return "\n".join(_lines(proof)) + "\n"


def _lines(proof: Proof) -> Iterator[str]:
    names = len({trial.defect for trial in proof.defects})
    yield "# Proof"
    yield ""
    yield f"{moment(proof.started)}: the suites against {names} defects and stand-ins of `{proof.target}`, and against"
    parts = f" {proof.in_parts}" if proof.parts else ""
    yield f"`{proof.target}` as it is, in {duration(proof.all_seconds)}{parts}. This page is written by"
    yield ""
    yield f"```sh\n{proof.command}\n```"
    yield ""
    yield f"**{'PROVEN' if proof.complete else 'NOT PROVEN'}**: {proof.rule}."
    if proof.clean_run:
        yield f"The server as it is was run at {moment(proof.clean_run)}."
    if proof.parts:
        yield ""
        yield f"Its last part took {duration(proof.seconds)}. It goes on from"
        yield ""
        for part in proof.parts:
            yield f"- {part.counted} of {moment(part.started)}, {duration(part.seconds)}: `{part.command}`"
    wrong = [_wrong(trial, proof) for trial in proof.trials if not trial.kept]
    wrong += [f"- No defect turned “{scenario}” red by what it claims." for scenario in proof.unproven]
    if wrong:
        yield ""
        yield "## What is not proven"
        yield ""
        yield from wrong
    again = [trial for trial in proof.trials if trial.before]
    if again:
        yield ""
        yield "## Tried again"
        yield ""
        yield "Of an earlier proof, what did not come out as it must, and what came of it since."
        yield ""
        yield from (_again(trial, proof) for trial in again)
    for guarantee in dict.fromkeys(trial.guarantee for trial in proof.defects):
        yield ""
        yield f"## {guarantee}"
        yield ""
        yield from _table([trial for trial in proof.defects if trial.guarantee == guarantee])


def _wrong(trial: Trial, proof: Proof) -> str:
    if trial.clean:
        return f"- `{proof.target}` as it is, “{trial.scenario}”: {_cell(trial.finding)}"
    what = _WORDS[trial.outcome].strip("*")
    return f"- `{trial.defect}`, “{trial.scenario}”: {what}. {_cell(trial.finding)}".rstrip()


def _again(trial: Trial, proof: Proof) -> str:
    who = f"`{trial.defect}`" if trial.defect else f"`{proof.target}` as it is"
    tries = f", {trial.tries}" if trial.tries else ""
    now = ("green" if trial.kept else "red") if trial.clean else _WORDS[trial.outcome].strip("*")
    return f"- {who}, “{trial.scenario}”. {_cell(trial.before)}. Since: {now}{tries}."


def _table(trials: Sequence[Trial]) -> Iterator[str]:
    yield "| scenario | defect | came to | by | took |"
    yield "|---|---|---|---|---|"
    for trial in trials:
        tries = f" {trial.tries}" if trial.tries else ""
        by = ", ".join(_cell(sign) for sign in trial.seen)
        yield (
            f"| {_cell(trial.scenario)} | `{trial.defect}` | {_WORDS[trial.outcome]}{tries} | {by} "
            f"| {duration(trial.seconds)} |"
        )


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
