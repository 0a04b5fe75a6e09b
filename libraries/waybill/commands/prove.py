"""`waybill prove`: the suites against every seeded defect and stand-in of a server, and against the server as it is."""

from __future__ import annotations

import argparse
import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from waybill.commands import results
from waybill.commands.console import say
from waybill.commands.exits import FINE, INTERRUPTED, RED, UsageError
from waybill.commands.numbers import positive

_EPILOG = """\
examples:
  waybill prove --fast                   every blatant defect and stand-in, with one seed
  waybill prove                          rare forms of defects too, each with 20 seeds
  waybill prove --fast --guarantee ACK-1 --jobs 4
  waybill prove --defect drop-every-nth
  waybill prove --continue results/20260301T080000Z-proof
  waybill prove --fast --without-check order

exit codes:
  0  each trial was killed by the guarantee that claims it, no scenario is unproven, the clean server is green
  1  something survived, was killed elsewhere only, or has no verdict; a scenario is unproven; the clean server is red
  3  nothing could be tried: wrong usage, or a server without seeded defects
  130  stopped by Ctrl-C or SIGTERM; the pages show what was tried
"""
_PER_PROCESSOR = 3
"""Trials at once for each processor: most of them wait for what never comes."""
_MARKS = {"killed": "killed", "elsewhere": "ELSEWHERE", "survived": "SURVIVED", "untold": "NO VERDICT"}


def add(subcommands: Any) -> None:
    """Describes the command to argparse."""
    parser = subcommands.add_parser(
        "prove",
        help="show that every scenario turns red with the defects that it is there for",
        description="Runs the scenarios against a server that is started with each of its seeded defects and\n"
        "stand-ins in turn, and against the server as it is. Each trial must turn its scenario red by what the\n"
        "defect is known by.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--target", default="reference", metavar="NAME|FILE", help="default: %(default)s")
    parser.add_argument("--fast", action="store_true", help="no rare forms of defects")
    parser.add_argument(
        "--defect", action="append", default=[], metavar="NAME", help="only this one; repeatable"
    )
    parser.add_argument(
        "--guarantee",
        action="append",
        default=[],
        metavar="ID",
        help="only scenarios of this one; repeatable",
    )
    parser.add_argument(
        "--include",
        action="append",
        default=[],
        metavar="TAG",
        help="only scenarios with this tag; repeatable",
    )
    parser.add_argument(
        "--jobs", type=positive, metavar="N", help="trials at once (default: three per processor)"
    )
    parser.add_argument("--seed", type=int, metavar="N", help="the first seed (default: a new one)")
    parser.add_argument(
        "--seeds",
        type=positive,
        default=20,
        metavar="N",
        help="for each rare form, 95 %% of which must show it (default: %(default)s)",
    )
    parser.add_argument(
        "--patience",
        default="8s",
        metavar="TIME",
        help="what a defective server may take over what it owes (default: %(default)s)",
    )
    parser.add_argument(
        "--trial-timeout", type=positive, default=240, metavar="SECONDS", help="default: %(default)s"
    )
    parser.add_argument(
        "--results", metavar="DIR", type=Path, default=Path("results"), help="default: %(default)s"
    )
    parser.add_argument(
        "--keep", action="store_true", help="keep the histories and logs of trials that came out as they must"
    )
    parser.add_argument(
        "--clean-run",
        metavar="DIR",
        type=Path,
        help="folder of a run of the server as it is: its verdicts count, and its readiness page links to the proof",
    )
    parser.add_argument(
        "--continue",
        dest="earlier",
        metavar="DIR",
        type=Path,
        help="folder of an earlier proof: what came out there as it must counts and is not tried again",
    )
    parser.add_argument(
        "--page", metavar="FILE", type=Path, help="write what came of it as Markdown, such as docs/proof.md"
    )
    without = parser.add_mutually_exclusive_group()
    without.add_argument(
        "--without-check",
        default="",
        metavar="NAME",
        help="make no such check of the history (delivery, order, ...): tells what is no longer noticed",
    )
    without.add_argument(
        "--without-last-step",
        action="store_true",
        help="empty the last step of every scenario: tells what is no longer noticed",
    )
    parser.set_defaults(main=main, words=[])


def main(arguments: argparse.Namespace) -> int:
    """Tries everything and tells what came of it.

    Raises:
        UsageError: Nothing was started, because something has to be changed first.
    """
    from waybill.commands.run import sigterm_as_interrupt

    with sigterm_as_interrupt():
        return _main(arguments)


def _main(arguments: argparse.Namespace) -> int:
    from waybill.commands import proving
    from waybill.commands.plan import command_line
    from waybill.proof.model import Proof
    from waybill.readiness.cases import utc_now

    without = _without(arguments)
    file, known = _with_defects(arguments.target)
    planned = _plan(arguments, file, known, clean=not without.words)
    seed = secrets.randbelow(2**31) if arguments.seed is None else arguments.seed
    folder = results.proof_folder(arguments.results)
    top = folder.resolve()
    seeds = [seed + one for one in range(arguments.seeds)]
    batches = proving.make_batches(planned.trials, arguments.target, top, seeds, planned.done)
    jobs = max(1, min(arguments.jobs or _default_jobs(), len(batches)))
    names = {trial.defect for trial in planned.trials} - {""}
    say(
        f"Waybill proves {len(names)} defects and stand-ins of {file.name}: {len(planned.trials)} trials on {jobs} "
        f"workers, seed {seed}, into {folder}"
    )
    for part in planned.parts:
        say(f"Taken over from the proof of {part.started}: {part.counted}.")
    proof = Proof(
        target=file.name,
        started=utc_now(),
        command=command_line(arguments.words),
        without=without.words,
        clean_run=planned.clean_run,
        parts=planned.parts,
    )
    begun = time.monotonic()
    trying = proving.Trying(file, arguments.keep, arguments.patience, arguments.trial_timeout, top, without)
    done, interrupted = list(planned.done), False
    try:
        for number, trial in enumerate(_tried(batches, trying, jobs), 1):
            done.append(trial)
            say(_line(trial, number, len(planned.trials)))
    except KeyboardInterrupt:
        interrupted = True
    proof.trials = sorted(done, key=lambda trial: planned.order[trial.defect, trial.scenario])
    proof.seconds = time.monotonic() - begun
    proof.unproven = proving.unproven(planned.found, proof.trials, planned.wanted)
    _write(arguments, folder, proof)
    if interrupted:
        return INTERRUPTED
    return FINE if proof.complete else RED


def _with_defects(target: str) -> tuple[Any, Any]:
    """The target file, and the defects that its server can be started with."""
    from waybill.commands.usable_target import usable_target
    from waybill.targets import TargetError
    from waybill.targets.find import all_defects

    file, _ = usable_target(target)
    if file.seeding is None:
        raise UsageError(
            f"{file.path.name} has no table [seeded]: nobody knows how to start {file.name} broken."
        )
    try:
        return file, all_defects(file)
    except TargetError as error:
        raise UsageError(str(error)) from None


@dataclass(frozen=True)
class _Planned:
    """What is to be tried, and what is known without trying it.

    Attributes:
        wanted: What the user asks for.
        found: The scenarios of the suites.
        trials: What is to be tried.
        done: What a run of the clean server or an earlier proof says.
        order: The place of each defect and scenario on the pages.
        clean_run: When the run of the clean server started; empty without one.
        parts: The earlier proofs.
    """

    wanted: Any
    found: Any
    trials: list[Any]
    done: list[Any]
    order: dict[tuple[str, str], int]
    clean_run: str
    parts: list[Any]


def _plan(arguments: argparse.Namespace, file: Any, known: Any, *, clean: bool) -> _Planned:
    from waybill.commands import proving
    from waybill.commands.clean_run import clean_verdicts, require_clean_run
    from waybill.commands.continued import divide, parts, require_earlier
    from waybill.proof.rows import bundled_rows

    record = require_clean_run(arguments.clean_run, file) if arguments.clean_run is not None else None
    earlier = require_earlier(arguments.earlier, file) if arguments.earlier is not None else None
    wanted = proving.Wanted(arguments.defect, arguments.guarantee, arguments.include, rare=not arguments.fast)
    found = proving.scenarios()
    trials = proving.make_trials(known, bundled_rows(), found, wanted)
    as_it_is = proving.clean_trials(found, trials) if clean else []
    order = {(trial.defect, trial.scenario): place for place, trial in enumerate([*trials, *as_it_is])}
    done: list[Any] = []
    if record is None:
        trials += as_it_is
    else:
        done += clean_verdicts(arguments.clean_run, record, as_it_is)
    earlier_parts: list[Any] = []
    if earlier is not None:
        taken, trials = divide(earlier, trials, arguments.seeds)
        done += taken
        earlier_parts = parts(earlier, taken)
    return _Planned(
        wanted, found, trials, done, order, record.started if record is not None else "", earlier_parts
    )


def _without(arguments: argparse.Namespace) -> Any:
    """What the kit is to do without."""
    from waybill.commands.proving import Without
    from waybill.history.checks import CHECKS

    without = Without(arguments.without_check, arguments.without_last_step)
    if without.check and without.check not in CHECKS:
        raise UsageError(
            f"no check of the history is called '{without.check}'; there are {', '.join(CHECKS)}."
        )
    if without.words and arguments.clean_run is not None:
        raise UsageError(f"A proof without {without.words} proves nothing that a run could link to.")
    if without.words and arguments.earlier is not None:
        raise UsageError(f"A proof without {without.words} does not go on from one with all of the kit.")
    return without


def _tried(batches: Sequence[Any], trying: Any, jobs: int) -> Iterator[Any]:
    from waybill.commands import robot_process
    from waybill.commands.warm_workers import side_by_side

    try:
        for trials in side_by_side(batches, trying.carry_out, jobs, trying.top, trying.without.checks):
            yield from trials
    finally:
        for batch in batches:
            robot_process.end_marked(str(batch.folder))


def _default_jobs() -> int:
    import os

    return _PER_PROCESSOR * len(os.sched_getaffinity(0))


def _line(trial: Any, number: int, count: int) -> str:
    place = f"[{number:>{len(str(count))}}/{count}]"
    seconds = "" if trial.seconds is None else f" {trial.seconds:.1f} s"
    if trial.clean:
        mark = "green" if trial.kept else "RED" if trial.outcome != "untold" else "NO VERDICT"
        end = "" if trial.kept else f": {trial.finding}"
        return f"{place} {mark:<10} clean server, {trial.guarantee}, '{trial.scenario}'{seconds}{end}"
    end = f"by {', '.join(trial.seen)}" if trial.kept else f"in '{trial.scenario}': {trial.finding}"
    tries = f", {trial.tries}" if trial.tries else ""
    return f"{place} {_MARKS[trial.outcome]:<10} {trial.defect} {trial.guarantee} {end}{seconds}{tries}"


def _conclusion(proof: Any, folder: Path) -> Iterator[str]:
    yield ""
    yield f"{'PROVEN' if proof.complete else 'NOT PROVEN'}: {proof.rule}"
    for trial in proof.trials:
        if not trial.kept:
            what = _MARKS[trial.outcome] if not trial.clean else "CLEAN, RED"
            yield f"  {what:<10} {trial.defect or proof.target} {trial.guarantee} '{trial.scenario}': {trial.finding}"
    for scenario in proof.unproven:
        yield f"  UNPROVEN   no defect turned '{scenario}' red by what it claims"
    for scenario in proof.kept_anyway if proof.without else []:
        yield f"  NOTICED    '{scenario}' notices all its defects without {proof.without}"
    yield ""
    yield f"The proof took {proof.seconds:.0f} s: {folder / 'proof.html'}, {folder / 'proof.json'}"


def _write(arguments: argparse.Namespace, folder: Path, proof: Any) -> None:
    """Writes the pages, and says what they say."""
    from waybill.proof import page, report

    page.write(folder, proof)
    if arguments.page is not None:
        arguments.page.write_text(report.draw(proof), encoding="utf-8")
    for line in _conclusion(proof, folder):
        say(line)
    if arguments.clean_run is not None:
        _link(arguments.clean_run, proof)


def _link(run: Path, proof: Any) -> None:
    """Puts the proof beside the pages of a run, and draws these again so that they link to it."""
    from waybill.proof import page
    from waybill.readiness.pages import write_pages

    page.write(run, proof)
    write_pages(run)
    say(f"Linked from {run / 'readiness.html'}")
