"""Runs Robot over and over without importing it again: one child process, forked from this one, for each run.

`waybill prove` runs the same scenarios against a hundred servers, and a third of a scenario's time is the import of
Robot and of the kit. It runs as a process of its own (`python -m WaybillLibrary.warm`). Each line of its standard input
is a JSON object: `arguments` for Robot, `console` (the file that takes its output), `environment` (what changes) and
`deadline` in seconds. Each is answered by a line with `code`, Robot's exit code, or null if the deadline passed.

Arguments are the names of checks of the history that its runs do without: what is not noticed then, they are there for.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from waybill.history.checks import CHECKS

KEYWORDS = ("Devices", "Messages", "Servers", "Verdicts", "Kills", "Receipts", "Groups", "Tokens", "listener")
"""What nearly every scenario imports."""


def serve(without: Sequence[str] = ()) -> None:
    """Answers until the input ends; no run makes these checks."""
    for name in KEYWORDS:
        import_module(f"WaybillLibrary.{name}")
    import_module("waybill.history.checker")
    for name in without:
        CHECKS[name] = lambda history: []
    for line in sys.stdin:
        answer = {"code": run(json.loads(line))}
        sys.stdout.write(f"{json.dumps(answer)}\n")
        sys.stdout.flush()


def run(asked: dict[str, Any]) -> int | None:
    """Runs Robot in a child process of its own."""
    child = os.fork()
    if child == 0:
        os._exit(_robot(asked))
    watched = os.pidfd_open(child)
    try:
        ended, _, _ = select.select([watched], [], [], asked["deadline"])
        if not ended:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    finally:
        os.close(watched)
    return os.waitstatus_to_exitcode(status) if ended else None


def _robot(asked: dict[str, Any]) -> int:
    """The child: Robot, and nothing of its parent's input and output."""
    from robot.run import run_cli

    os.setsid()
    os.environ.update(asked["environment"])
    console = os.open(asked["console"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (console, 1), (console, 2)):
        os.dup2(source, target)
    try:
        code: int = run_cli(asked["arguments"], exit=False)
    except BaseException as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        code = 255
    sys.stdout.flush()
    sys.stderr.flush()
    return code


if __name__ == "__main__":
    sys.path[:] = [entry for entry in sys.path if entry != str(Path(__file__).parent)]
    serve(sys.argv[1:])
