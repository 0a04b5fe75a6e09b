"""One target of a `waybill run`: Robot is started, watched and ended, and the run folder tells of it."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from pathlib import Path

from waybill.commands import results, robot_process
from waybill.commands.console import say
from waybill.commands.plan import Plan
from waybill.commands.progress import Progress
from waybill.readiness.cases import read_cases, utc_now
from waybill.readiness.run_record import write_run

CONSOLE = "console.txt"
_ORDER = "order.txt"
_LITTER = ".pabotsuitenames"
_REFRESH = 0.2
_GRACE = 20.0


def carry_out(
    plan: Plan, folder: Path, suite_timeout: int, seconds: dict[str, float], target: str = ""
) -> None:
    """Runs Robot to its end, shows progress, and completes the run record.

    Args:
        plan: What to do; its record is filled in and written.
        folder: The run folder, which exists.
        suite_timeout: Seconds after which a suite file is given up.
        seconds: How long each suite took the last time.
        target: What to name in every line of the progress; empty for nothing.
    """
    record = plan.record
    record.not_run = ""
    record.started = utc_now()
    write_run(folder, record)
    order = results.longest_first(plan.suite_files, seconds, plan.killing_suites)
    code = _execute(plan, folder, suite_timeout, order, target)
    record.finished = utc_now()
    record.interrupted = code is None
    if code is not None and not read_cases(folder):
        record.problem = f"Robot ended with code {code} before the first scenario: {_last_words(folder)}"
    write_run(folder, record)


def _execute(plan: Plan, folder: Path, suite_timeout: int, suites: list[str], target: str) -> int | None:
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
    progress = Progress(folder, len(plan.selection), target=target)
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
