"""What came of a proof: one trial for each scenario and defect, and what they say together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Literal

import msgspec

from waybill.readiness.cases import CaseRecord, write_json

FILE = "proof.json"

Outcome = Literal["killed", "elsewhere", "survived", "untold"]
"""`killed`: red, by a sign that the defect names. `elsewhere`: red, by nothing that it names. `survived`: green.
`untold`: without a verdict."""

CLEAN = ""
"""The name of the defect that is none: the server as it is."""

RATE = 0.95
"""The least part of its runs, each with a seed of its own, in which a defect that shows seldom must be killed."""


class Trial(msgspec.Struct, kw_only=True):
    """One scenario against one defect.

    Attributes:
        defect: The defect; empty for the server as it is.
        kind: `defect`, `rare` or `stand-in`; empty for the server as it is.
        breaks: What the defect does wrong.
        guarantee: The guarantee that claims to notice; of a clean trial the first one that it puts to the proof.
        scenario: The scenario's name.
        source: Its suite file.
        seed: The seed.
        signs: What must be seen, one of them.
        seen: Those of them that were.
        outcome: What came of it; of a clean trial `survived` is what is wanted.
        finding: What was found, in one sentence.
        seconds: How long the scenario took, from its start to its verdict; None without one. Of several runs the median
            of those that killed it.
        folder: The folder of its run, relative to that of the proof; empty if it was not kept.
        runs: How many seeds it was tried with.
        killed: In how many of these runs it was killed.
        tried: When the earlier proof started that it was taken over from; empty if it is of this one.
        before: How it came out in an earlier proof, if not as it must: when, and what was found; empty otherwise.
    """

    defect: str
    kind: str = ""
    breaks: str = ""
    guarantee: str
    scenario: str
    source: str = ""
    seed: str = ""
    signs: list[str] = []
    seen: list[str] = []
    outcome: Outcome = "untold"
    finding: str = ""
    seconds: float | None = None
    folder: str = ""
    runs: int = 1
    killed: int = 0
    tried: str = ""
    before: str = ""

    @property
    def clean(self) -> bool:
        """Whether it is about the server as it is."""
        return self.defect == CLEAN

    @property
    def tries(self) -> str:
        """With how many of its seeds it was killed, in words; empty if it has one."""
        return f"with {self.killed} of {self.runs} seeds" if self.runs > 1 else ""

    @property
    def kept(self) -> bool:
        """Whether it came out as it must."""
        return self.outcome == ("survived" if self.clean else "killed")


class Part(msgspec.Struct, kw_only=True):
    """An earlier proof that one goes on from.

    Attributes:
        started: When it started (UTC, ISO 8601).
        seconds: How long it took.
        command: Its command line.
        trials: How many trials were taken over from it.
    """

    started: str
    seconds: float
    command: str
    trials: int

    @property
    def counted(self) -> str:
        """How many trials, in words."""
        return f"{self.trials} trial{'s' * (self.trials != 1)}"


class Proof(msgspec.Struct, kw_only=True):
    """The content of a `proof.json`.

    Attributes:
        schema: Version of this format.
        target: The target whose defects were tried.
        started: When it started (UTC, ISO 8601).
        seconds: How long it took.
        command: The command line.
        trials: Every trial, those of the clean server last.
        unproven: Scenarios that no trial turned red by what it claims.
        without: What the kit did without, to see what it is there for; such a proof proves nothing else.
        clean_run: When the run started that the clean server's verdicts are of; empty if they are of this proof.
        parts: The earlier proofs that this one goes on from, the first one first.
    """

    schema: int = 1
    target: str
    started: str
    seconds: float = 0.0
    command: str = ""
    trials: list[Trial] = []
    unproven: list[str] = []
    without: str = ""
    clean_run: str = ""
    parts: list[Part] = []

    @property
    def defects(self) -> list[Trial]:
        """The trials with a defect."""
        return [trial for trial in self.trials if not trial.clean]

    @property
    def clean(self) -> list[Trial]:
        """The trials of the server as it is."""
        return [trial for trial in self.trials if trial.clean]

    @property
    def all_seconds(self) -> float:
        """How long it took together with the proofs that it goes on from."""
        return self.seconds + sum(part.seconds for part in self.parts)

    @property
    def in_parts(self) -> str:
        """In how many parts it was made, in words; empty if it goes on from nothing."""
        return f"in {len(self.parts) + 1} parts" if self.parts else ""

    @property
    def complete(self) -> bool:
        """Whether everything came out as it must."""
        return (
            bool(self.defects)
            and not self.without
            and not self.unproven
            and all(trial.kept for trial in self.trials)
        )

    def of(self, outcome: Outcome) -> list[Trial]:
        """The trials with a defect that ended like that."""
        return [trial for trial in self.defects if trial.outcome == outcome]

    @property
    def rule(self) -> str:
        """The sentence that decides."""
        if self.without:
            return self._missed
        red = sum(not trial.kept for trial in self.clean)
        parts = [
            (len(self.of("survived")), "survived"),
            (len(self.of("elsewhere")), "killed elsewhere only"),
            (len(self.of("untold")), "without a verdict"),
            (red, f"of {len(self.clean)} scenarios red against the clean server"),
            (len(self.unproven), "scenarios unproven"),
        ]
        wrong = ", ".join(f"{count} {what}" for count, what in parts if count)
        killed = (
            f"{len(self.of('killed'))} of {len(self.defects)} trials killed by the guarantee that claims it"
        )
        return f"{killed}; {wrong}" if wrong else f"{killed}; the clean server is green"

    @property
    def _missed(self) -> str:
        missed = [trial for trial in self.defects if not trial.kept]
        scenarios = len({trial.scenario for trial in missed})
        return (
            f"without {self.without} {len(missed)} of {len(self.defects)} trials are no longer killed by the guarantee "
            f"that claims it, in {scenarios} of {len({trial.scenario for trial in self.defects})} scenarios"
        )

    @property
    def kept_anyway(self) -> list[str]:
        """The scenarios that lose no trial by what the kit did without."""
        missed = {trial.scenario for trial in self.defects if not trial.kept}
        return list(dict.fromkeys(one.scenario for one in self.defects if one.scenario not in missed))


def judged(trial: Trial, case: CaseRecord | None) -> Trial:
    """A trial with what its case says."""
    if case is None or case.status not in ("passed", "failed") or case.infrastructure:
        reason = "its scenario has no case file" if case is None else case.message or f"it is {case.status}"
        return msgspec.structs.replace(trial, outcome="untold", finding=_first_line(reason))
    anomalies = {finding.anomaly for finding in case.findings}
    seen = [sign for sign in trial.signs if sign in anomalies or sign in case.message]
    if case.status == "passed":
        outcome: Outcome = "survived"
    else:
        outcome = "killed" if seen else "elsewhere"
    shown = next((finding.words() for finding in case.findings if finding.anomaly in seen), case.message)
    return msgspec.structs.replace(
        trial,
        outcome=outcome,
        seen=seen,
        finding=_first_line(shown),
        seconds=case.seconds(),
        killed=int(outcome == "killed"),
    )


def together(runs: Sequence[Trial]) -> Trial:
    """One trial of its runs with several seeds: killed if it was in `RATE` of them or more.

    What is told of it otherwise is the first run that did not kill it.
    """
    killed = [run for run in runs if run.kept]
    enough = len(killed) >= RATE * len(runs)
    shown = killed[0] if enough else next(run for run in runs if not run.kept)
    finding = shown.finding
    if not enough:
        finding = (
            f"expected to be killed with {RATE:.0%} of {len(runs)} seeds, was with {len(killed)}; with seed "
            f"{shown.seed}: {finding or 'everything was green'}"
        )
    times = [run.seconds for run in killed if run.seconds is not None]
    return msgspec.structs.replace(
        shown,
        finding=finding,
        seen=list(dict.fromkeys(sign for run in killed for sign in run.seen)),
        seconds=median(times) if times else shown.seconds,
        runs=len(runs),
        killed=len(killed),
    )


def write_proof(folder: Path, proof: Proof) -> None:
    """Writes `proof.json`."""
    write_json(folder / FILE, proof)


def read_proof(folder: Path) -> Proof | None:
    """Reads it; None if there is none or it is not one."""
    try:
        return msgspec.json.decode((folder / FILE).read_bytes(), type=Proof)
    except (OSError, msgspec.DecodeError):
        return None


def _first_line(text: str) -> str:
    return text.removeprefix("*HTML*").strip().partition("\n")[0][:400]
