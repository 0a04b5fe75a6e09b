"""The trials of a `waybill prove`: which there are, how they share servers, and how one is carried out."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from waybill import bundled
from waybill.commands import robot_process
from waybill.commands.exits import UsageError
from waybill.commands.plan import for_robot, select
from waybill.commands.warm_workers import Worker
from waybill.proof.model import CLEAN, Trial, judged, together
from waybill.readiness.cases import read_cases, slug, utc_now
from waybill.readiness.catalogue import bundled_catalogue
from waybill.readiness.run_record import RunRecord, Selected, literal, write_run
from waybill.targets.model import TargetFile
from waybill.targets.seeded import SeededDefect

RARE = "rare"
"""The kind of a defect that shows itself seldom: it is tried with several seeds."""


@dataclass(frozen=True)
class Wanted:
    """Which trials the user asks for; what is empty keeps everything.

    Attributes:
        defects: Names of defects.
        guarantees: Ids of guarantees.
        tags: Tags of scenarios.
        rare: With the rare forms of defects.
    """

    defects: Sequence[str] = ()
    guarantees: Sequence[str] = ()
    tags: Sequence[str] = ()
    rare: bool = False

    def scenario(self, tags: Sequence[str]) -> bool:
        """Whether a scenario with these tags is asked for."""
        lower = {tag.lower() for tag in tags}
        return all(
            not asked or any(one.lower() in lower for one in asked) for asked in (self.guarantees, self.tags)
        )


@dataclass(frozen=True)
class Without:
    """A part that the kit does without, to see what it is there for; nothing by default.

    Attributes:
        check: The name of a check of the history.
        last_step: The last step of every scenario.
    """

    check: str = ""
    last_step: bool = False

    @property
    def checks(self) -> list[str]:
        """The checks that are not made."""
        return [self.check] if self.check else []

    @property
    def robot_options(self) -> list[str]:
        """What Robot is told."""
        return ["--prerunmodifier", "WaybillLibrary.emptied.LastStepEmptied"] if self.last_step else []

    @property
    def words(self) -> str:
        """What is left out; empty if nothing is."""
        return f"the check '{self.check}'" if self.check else "the last steps" if self.last_step else ""


@dataclass
class Batch:
    """Trials that share a server and a Robot.

    Attributes:
        folder: The run folder that they get.
        trials: One for each scenario.
        target: The target, for Robot.
        seed: The seed.
    """

    folder: Path
    trials: list[Trial]
    target: str
    seed: int
    seeds: list[int] = field(default_factory=list)
    """Further seeds to try."""


def scenarios() -> list[Selected]:
    """Every scenario of the suites in the box."""
    return select([], [str(bundled.folder("suites"))])


def make_trials(
    known: Sequence[SeededDefect],
    rows: Mapping[str, Sequence[str]],
    found: Sequence[Selected],
    wanted: Wanted,
) -> list[Trial]:
    """One trial for each scenario and defect that are to be tried, in the order of the scenarios.

    Raises:
        UsageError: A name is unknown, the rows do not fit the suites, or nothing is left.
    """
    by_name = {defect.name: defect for defect in known}
    _refuse_unknown(by_name, rows, found, wanted)
    trials = []
    for scenario in found:
        if not wanted.scenario(scenario.tags):
            continue
        guarantees = [one.id for one in bundled_catalogue().demanded_by(scenario.tags)]
        names = [
            one
            for name in rows.get(scenario.scenario, ())
            for one in (name, *_rare_forms(name, guarantees, by_name if wanted.rare else {}))
        ]
        for name in names:
            if (
                wanted.defects
                and name not in wanted.defects
                and name.removesuffix(f".{RARE}") not in wanted.defects
            ):
                continue
            defect = by_name[name]
            claims = [one for one in guarantees if one in defect.noticed]
            if not claims:
                raise UsageError(
                    f"resources/proof.toml: '{scenario.scenario}' is to turn red with {name}, which none of its "
                    f"guarantees ({', '.join(guarantees)}) claims to notice. Claimed by: {', '.join(defect.noticed)}."
                )
            trials.append(
                Trial(
                    defect=name,
                    kind=defect.kind,
                    breaks=defect.breaks,
                    guarantee=claims[0],
                    scenario=scenario.scenario,
                    source=scenario.source,
                    signs=list(defect.noticed[claims[0]]),
                )
            )
    if not trials:
        raise UsageError("No trial is left; `waybill-server defects` lists the defects and who claims them.")
    return trials


def _rare_forms(name: str, guarantees: Sequence[str], by_name: Mapping[str, SeededDefect]) -> Sequence[str]:
    """The rare form of a defect, if it has one that a guarantee of the scenario claims to notice."""
    rare = by_name.get(f"{name}.{RARE}")
    return [rare.name] if rare and any(one in rare.noticed for one in guarantees) else []


def _refuse_unknown(
    by_name: Mapping[str, SeededDefect],
    rows: Mapping[str, Sequence[str]],
    found: Sequence[Selected],
    wanted: Wanted,
) -> None:
    unknown = [name for name in wanted.defects if name not in by_name]
    if unknown:
        raise UsageError(
            f"no defect and no stand-in is called '{unknown[0]}'; `waybill-server defects` lists them."
        )
    absent = [name for names in rows.values() for name in names if name not in by_name]
    names = {scenario.scenario for scenario in found}
    stray = [scenario for scenario in rows if scenario not in names]
    if absent or stray:
        raise UsageError(f"resources/proof.toml names '{(absent or stray)[0]}', which there is not.")


def clean_trials(found: Sequence[Selected], tried: Sequence[Trial]) -> list[Trial]:
    """The scenarios that were tried with a defect, against the server as it is."""
    names = {trial.scenario for trial in tried}
    return [
        Trial(
            defect=CLEAN,
            guarantee=next((one.id for one in bundled_catalogue().demanded_by(scenario.tags)), ""),
            scenario=scenario.scenario,
            source=scenario.source,
        )
        for scenario in found
        if scenario.scenario in names
    ]


def make_batches(
    trials: Sequence[Trial],
    target: str,
    folder: Path,
    seeds: Sequence[int],
    known: Sequence[Trial] = (),
) -> list[Batch]:
    """The trials with what they run on.

    Each defect and scenario has a server of its own, since the scenario before may have left a defective one in ruins.
    The scenarios of a file share the server as it is, as in any run. These come first, then those with several seeds,
    since they take longest; among equals, those whose scenario took long with the server as it is.

    Args:
        trials: What is to be tried.
        target: The target, as the user names it.
        folder: The proof's folder.
        seeds: The seeds for rare forms; the first one for all others.
        known: Trials of the server as it is whose verdicts are known.
    """
    took = {one.scenario: one.seconds or 0.0 for one in known if one.clean}
    batches: dict[tuple[str, ...], Batch] = {}
    for trial in sorted(
        trials, key=lambda one: (not one.clean, one.kind != RARE, -took.get(one.scenario, 0.0))
    ):
        place = (trial.source,) if trial.clean else (trial.defect, trial.scenario)
        if place not in batches:
            name = f"clean--{slug(Path(trial.source).stem)}" if trial.clean else "--".join(map(slug, place))
            of = for_robot(target) if trial.clean else f"{for_robot(target)}+{trial.defect}"
            more = list(seeds[1:]) if trial.kind == RARE else []
            batches[place] = Batch(folder / "trials" / name, [], of, seeds[0], more)
        batches[place].trials.append(trial)
    return list(batches.values())


@dataclass(frozen=True)
class Trying:
    """Carries batches out.

    Attributes:
        file: The target without a defect.
        keep: Whether the folder of a trial stays that came out as it must.
        patience: How long a defective server may take over what it owes, as Robot writes it.
        deadline: Seconds after which a Robot is given up.
        top: The proof's folder.
        without: What the kit does without in these trials.
    """

    file: TargetFile
    keep: bool
    patience: str
    deadline: float
    top: Path
    without: Without = field(default_factory=Without)

    def carry_out(self, worker: Worker, batch: Batch) -> list[Trial]:
        """Runs the scenarios of a batch, those of a rare defect with one seed after the other."""
        if not batch.seeds:
            return self._once(worker, batch, batch.seed, batch.folder)
        runs = [
            self._once(worker, batch, seed, batch.folder / f"seed-{seed}")
            for seed in (batch.seed, *batch.seeds)
        ]
        return [together(of_one) for of_one in zip(*runs, strict=True)]

    def _once(self, worker: Worker, batch: Batch, seed: int, folder: Path) -> list[Trial]:
        """Runs the scenarios of a batch with one seed; unless all is to be kept, what came out as it must leaves no
        folder."""
        trials = self._run(worker, batch, seed, folder)
        if not self.keep and all(trial.kept for trial in trials):
            shutil.rmtree(folder)
            return [msgspec.structs.replace(trial, folder="") for trial in trials]
        return trials

    def _run(self, worker: Worker, batch: Batch, seed: int, folder: Path) -> list[Trial]:
        trials = [msgspec.structs.replace(trial, seed=str(seed)) for trial in batch.trials]
        folder.mkdir(parents=True)
        options = [] if batch.trials[0].clean else ["--variable", f"PATIENCE:{self.patience}"]
        sources = list(dict.fromkeys(trial.source for trial in trials))
        record = RunRecord(
            target=batch.target.rpartition("/")[2].replace(".toml", ""),
            target_argument=batch.target,
            waivers=[],
            promises=dict(self.file.promises),
            seed=str(seed),
            started=utc_now(),
            robot_options=options,
            suites=sources,
        )
        write_run(folder, record)
        names = [word for trial in trials for word in ("--test", literal(trial.scenario))]
        try:
            worker.run(
                [
                    *robot_process.bare_options(folder, batch.target, seed),
                    *(*options, *self.without.robot_options, *names, *sources),
                ],
                folder,
                self.deadline,
            )
        except OSError as gone:
            return [msgspec.structs.replace(trial, outcome="untold", finding=str(gone)) for trial in trials]
        record.finished = utc_now()
        write_run(folder, record)
        cases = {case.scenario: case for case in read_cases(folder).values()}
        where = folder.relative_to(self.top).as_posix()
        return [
            msgspec.structs.replace(judged(trial, cases.get(trial.scenario)), folder=where)
            for trial in trials
        ]


def unproven(found: Sequence[Selected], trials: Sequence[Trial], wanted: Wanted) -> list[str]:
    """The scenarios that no defect turned red by what it claims, among those that were asked for."""
    killed = {trial.scenario for trial in trials if not trial.clean and trial.outcome == "killed"}
    tried = {trial.scenario for trial in trials}
    return [
        scenario.scenario
        for scenario in found
        if scenario.scenario not in killed
        and wanted.scenario(scenario.tags)
        and (not wanted.defects or scenario.scenario in tried)
    ]
