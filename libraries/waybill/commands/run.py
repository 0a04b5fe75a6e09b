"""`waybill run`: puts a target to the proof and says what came of it."""

from __future__ import annotations

import argparse
import contextlib
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from waybill.commands import results
from waybill.commands.console import say
from waybill.commands.detector import DetectorCheck
from waybill.commands.execution import carry_out
from waybill.commands.exits import DETECTOR, INTERRUPTED, UNUSABLE
from waybill.commands.numbers import positive
from waybill.commands.plan import DEFAULT, Plan, command_line, make_plans
from waybill.commands.report import verdict_code
from waybill.commands.summary import conclusion, in_between
from waybill.readiness.combined import distinct_slugs, write_combined
from waybill.readiness.model import Readiness
from waybill.readiness.pages import write_pages
from waybill.readiness.run_record import RunRecord, write_run
from waybill.version import __version__

_EPILOG = """\
exit codes:
  0    every selected scenario passed with its evidence, or is validly waived
  1    something is BROKEN, failed, without evidence or without a verdict, or a waiver has expired
  2    nothing is red, but --require-ready was given and the verdict is not READY
  3    nothing could be judged: wrong usage, an unusable target file, no scenario selected, Robot did not
       start
  4    the detector check failed: planted findings were not reported, so nothing that the run says counts
  130  stopped by Ctrl-C or SIGTERM; the pages show what is there

examples:
  waybill run                                  all bundled suites against the embedded reference server
  waybill run --include P0 --processes 4       only what is a must, four suite files at once
  waybill run --target mosquitto               another server (waybill targets lists them)
  waybill run --target my-server.toml --require-ready
  waybill run --target reference --target mosquitto   two servers, side by side on one page
  waybill run --seed 42 --test "*hard kill*"   one scenario, the same way again
  waybill run mine/suites -- --loglevel DEBUG  suites of yours, with options for Robot
"""


def add(subcommands: Any) -> None:
    """Describes the command to argparse."""
    parser = subcommands.add_parser(
        "run",
        help="run acceptance suites against a target and judge it",
        usage="waybill run [SUITES ...] [options] [-- ROBOT OPTIONS]",
        description="Runs acceptance suites against a target, in parallel, and judges the target by the\n"
        "histories of all scenarios. Reports go to results/<UTC time>/, and results/latest points there.\n"
        "Several targets get the same scenarios and the same seed, and one page with a column for each.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "suites", metavar="SUITES", nargs="*", help="suite files or folders (default: the bundled ones)"
    )
    parser.add_argument(
        "--target",
        metavar="NAME|FILE",
        dest="targets",
        action="append",
        default=[],
        help=f"what to test (default: {DEFAULT}); several are tested one after the other",
    )
    parser.add_argument(
        "--seed", metavar="N", type=_seed, help="repeat a run exactly (default: a new one, printed)"
    )
    parser.add_argument(
        "--processes",
        metavar="N",
        type=positive,
        help="suite files at once (default: three for two processors; for a server that runs elsewhere one for each)",
    )
    for letter, name, what in (
        ("i", "include", "only scenarios with this tag, such as P0 or DEL-1"),
        ("e", "exclude", "no scenarios with this tag"),
        ("t", "test", "only scenarios with this name"),
        ("s", "suite", "only suites with this name"),
    ):
        parser.add_argument(
            f"-{letter}",
            f"--{name}",
            metavar="PATTERN",
            action="append",
            default=[],
            help=f"{what}; repeatable",
        )
    parser.add_argument(
        "--results", metavar="DIR", type=Path, default=Path("results"), help="default: %(default)s"
    )
    parser.add_argument(
        "--suite-timeout",
        metavar="SECONDS",
        type=positive,
        default=600,
        help="give a suite file up after this time, without a verdict (default: %(default)s)",
    )
    parser.add_argument("--require-ready", action="store_true", help="every verdict but READY fails")
    parser.set_defaults(main=main, passed_on=[], words=[])


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a number such as 42, found '{text}'")
    return int(text)


def main(arguments: argparse.Namespace) -> int:
    """Runs, judges, reports.

    Raises:
        UsageError: Nothing was started, because something has to be changed first.
    """
    with sigterm_as_interrupt():
        return _main(arguments)


def _main(arguments: argparse.Namespace) -> int:
    plans = make_plans(arguments, arguments.passed_on, command_line(arguments.words))
    seconds = results.seconds_by_suite(arguments.results)
    folder = results.new_folder(arguments.results)
    _announce(plans, folder)
    with contextlib.closing(DetectorCheck(folder)) as detector:
        if len(plans) == 1:
            carry_out(plans[0], folder, arguments.suite_timeout, seconds)
            _note(plans[0], folder, detector)
        else:
            _one_after_the_other(plans, folder, arguments.suite_timeout, seconds, detector)
    readiness = write_pages(folder)
    for line in conclusion(readiness, folder):
        say(line)
    return _code([plan.record for plan in plans], readiness, arguments.require_ready)


def _one_after_the_other(
    plans: Sequence[Plan],
    folder: Path,
    suite_timeout: int,
    seconds: dict[str, float],
    detector: DetectorCheck,
) -> None:
    """Runs all targets, each into a folder of its own below the common one.

    Each folder says from the beginning that its run has not begun, so the pages are right about it however
    all this ends.
    """
    names = distinct_slugs(plan.record.target for plan in plans)
    places = [folder / name for name in names]
    for plan, place in zip(plans, places, strict=True):
        plan.record.not_run = "it never began"
        write_run(place, plan.record)
    write_combined(folder, places)
    for number, (plan, place) in enumerate(zip(plans, places, strict=True), 1):
        say(f"\n{plan.record.target}, target {number} of {len(plans)}, into {place}")
        try:
            carry_out(plan, place, suite_timeout, seconds, plan.record.target)
            _note(plan, place, detector)
            say(in_between(write_pages(place).runs[0]))
        except KeyboardInterrupt:
            plan.record.interrupted = True
        if plan.record.interrupted:
            _skip(plans[number:], places[number:], plan.record.target)
            return


def _note(plan: Plan, place: Path, detector: DetectorCheck) -> None:
    """Writes down what came of the detector check, unless the user does not wait for it."""
    if not plan.record.interrupted:
        detected = detector.result()
        plan.record.detector, plan.record.detector_failure = detected.sentence, detected.failure
        write_run(place, plan.record)


def _skip(plans: Sequence[Plan], places: Sequence[Path], stopped: str) -> None:
    """Writes down that targets were not tested because the user stopped."""
    for plan, place in zip(plans, places, strict=True):
        plan.record.not_run = f"the run was stopped while {stopped} was tested"
        write_run(place, plan.record)
        write_pages(place)
    if plans:
        say(f"Stopped at {stopped}; not run: {', '.join(plan.record.target for plan in plans)}.")


def _code(records: Sequence[RunRecord], readiness: Readiness, require_ready: bool) -> int:
    """The gravest of what all targets deserve."""
    if any(record.interrupted for record in records):
        return INTERRUPTED
    if any(record.problem for record in records):
        return UNUSABLE
    if any(record.detector_failure for record in records):
        return DETECTOR
    return verdict_code(readiness, require_ready)


def _announce(plans: Sequence[Plan], folder: Path) -> None:
    plan = plans[0]
    suites, scenarios = len(plan.suite_files), len(plan.selection)
    targets = ", then ".join(one.record.target for one in plans)
    say(
        f"Waybill {__version__}: {scenarios} scenario{'s' * (scenarios != 1)} of {suites} "
        f"suite{'s' * (suites != 1)} on {targets}, seed {plan.seed}, "
        f"{plan.workers} worker{'s' * (plan.workers != 1)}, into {folder}"
    )


@contextlib.contextmanager
def sigterm_as_interrupt() -> Iterator[None]:
    """SIGTERM ends a command as Ctrl-C does: with what there is."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
