"""`waybill run`: puts a target to the proof and says what came of it."""

from __future__ import annotations

import argparse
import contextlib
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from waybill.commands import results, robot_process
from waybill.commands.console import say
from waybill.commands.exits import INTERRUPTED, UNUSABLE
from waybill.commands.plan import Plan, command_line, make_plan
from waybill.commands.progress import Progress
from waybill.commands.report import verdict_code
from waybill.commands.summary import conclusion
from waybill.readiness.cases import read_cases, utc_now
from waybill.readiness.pages import write_pages
from waybill.readiness.run_record import write_run
from waybill.version import __version__

CONSOLE = "console.txt"
_ORDER = "order.txt"
_LITTER = ".pabotsuitenames"
_REFRESH = 0.2
_GRACE = 20.0

_EPILOG = """\
exit codes:
  0    every selected scenario passed with its evidence, or is validly waived
  1    something is BROKEN, failed, without evidence or without a verdict, or a waiver has expired
  2    nothing is red, but --require-ready was given and the verdict is not READY
  3    nothing could be judged: wrong usage, an unusable target file, no scenario selected, Robot did not
       start
  130  stopped by Ctrl-C or SIGTERM; the pages show what is there

examples:
  waybill run                                  all bundled suites against the embedded reference server
  waybill run --include P0 --processes 4       only what is a must, four suite files at once
  waybill run --target mosquitto               another server (waybill targets lists them)
  waybill run --target my-server.toml --require-ready
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
        "histories of all scenarios. Reports go to results/<UTC time>/, and results/latest points there.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "suites", metavar="SUITES", nargs="*", help="suite files or folders (default: the bundled ones)"
    )
    parser.add_argument(
        "--target", metavar="NAME|FILE", default="reference", help="what to test (default: %(default)s)"
    )
    parser.add_argument(
        "--seed", metavar="N", type=_seed, help="repeat a run exactly (default: a new one, printed)"
    )
    parser.add_argument(
        "--processes", metavar="N", type=_positive, help="suite files at once (default: one per processor)"
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
        type=_positive,
        default=600,
        help="give a suite file up after this time, without a verdict (default: %(default)s)",
    )
    parser.add_argument("--require-ready", action="store_true", help="every verdict but READY fails")
    parser.set_defaults(main=main, passed_on=[], words=[])


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a number such as 42, found '{text}'")
    return int(text)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a number of 1 or more, found '{text}'")
    return int(text)


def main(arguments: argparse.Namespace) -> int:
    """Runs, judges, reports.

    Raises:
        UsageError: Nothing was started, because something has to be changed first.
    """
    with _sigterm_as_interrupt():
        return _main(arguments)


def _main(arguments: argparse.Namespace) -> int:
    plan = make_plan(arguments, arguments.passed_on, command_line(arguments.words))
    seconds = results.seconds_by_suite(arguments.results)
    folder = results.new_folder(arguments.results)
    record = plan.record
    record.started = utc_now()
    write_run(folder, record)
    _announce(plan, folder)
    code = _execute(plan, folder, arguments.suite_timeout, results.longest_first(plan.suite_files, seconds))
    record.finished = utc_now()
    record.interrupted = code is None
    if code is not None and not read_cases(folder):
        record.problem = f"Robot ended with code {code} before the first scenario: {_last_words(folder)}"
    write_run(folder, record)
    readiness = write_pages(folder)
    for line in conclusion(readiness.runs[0], folder):
        say(line)
    if record.interrupted:
        return INTERRUPTED
    return UNUSABLE if record.problem else verdict_code(readiness, arguments.require_ready)


def _announce(plan: Plan, folder: Path) -> None:
    suites, scenarios = len(plan.suite_files), len(plan.selection)
    say(
        f"Waybill {__version__}: {scenarios} scenario{'s' * (scenarios != 1)} of {suites} "
        f"suite{'s' * (suites != 1)} on {plan.record.target}, seed {plan.seed}, "
        f"{plan.workers} worker{'s' * (plan.workers != 1)}, into {folder}"
    )


def _execute(plan: Plan, folder: Path, suite_timeout: int, suites: list[str]) -> int | None:
    """Runs Robot to its end and shows progress.

    Returns:
        Its exit code; None if the user stopped it.
    """
    run = folder.resolve()
    options = [*plan.options, *robot_process.robot_options(run, plan.target, plan.seed)]
    if len(suites) == 1:
        command, place = robot_process.one_process(options, plan.suites), Path.cwd()
    else:
        order = run / _ORDER
        order.write_text("".join(f"--suite {suite}\n" for suite in suites), encoding="utf-8")
        command, place = (
            robot_process.many_processes(options, plan.suites, plan.workers, order, suite_timeout),
            run,
        )
    progress = Progress(folder, len(plan.selection))
    with robot_process.started(command, robot_process.environment(run), place, run / CONSOLE) as process:
        try:
            code: int | None = _watch(process, progress, suite_timeout if len(suites) == 1 else None)
        except KeyboardInterrupt:
            code = None
            _stop(process)
    progress.close()
    (run / _LITTER).unlink(missing_ok=True)
    return code


def _watch(process: subprocess.Popen[bytes], progress: Progress, deadline: int | None) -> int:
    waited = 0.0
    while deadline is None or waited < deadline:
        try:
            return process.wait(_REFRESH)
        except subprocess.TimeoutExpired:
            waited += _REFRESH
            progress.update()
    process.kill()
    return process.wait()


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Lets Robot end its scenarios and write its result; a second Ctrl-C or the end of patience kills it."""
    say("\nStopping. Press Ctrl-C again to stop at once.")
    with contextlib.suppress(KeyboardInterrupt, subprocess.TimeoutExpired):
        process.send_signal(signal.SIGINT)
        process.wait(_GRACE)


def _last_words(folder: Path) -> str:
    lines = (folder / CONSOLE).read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return f"'{lines[-1].strip()}' (all of it is in {folder / CONSOLE})" if lines else "it said nothing"


@contextlib.contextmanager
def _sigterm_as_interrupt() -> Iterator[None]:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
