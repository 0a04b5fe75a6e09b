"""Robot as a child process: the command line, its environment, and its end, however it comes."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import site
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from waybill.bundled import LIBRARIES

MARK = "WAYBILL_RUN"
"""Environment variable with the run folder: every process of a run carries it, whoever started it."""

_PR_SET_PDEATHSIG = 1
_GONE_DEADLINE = 10.0
_LISTENER = "WaybillLibrary.listener.EvidenceGate"
_HEADER = "WaybillLibrary.readiness_header.ReadinessHeader"
_CALM = "#eef7f0:#fbecea:#fbf5e6"


def robot_options(run: Path, target: str, seed: int) -> list[str]:
    """What every run passes to Robot: where, against what, with which seed, and the evidence gate."""
    return [
        *("--outputdir", str(run)),
        *("--variable", f"RUN_FOLDER:{run}"),
        *("--variable", f"TARGET:{target}"),
        *("--variable", f"SEED:{seed}"),
        *("--listener", _LISTENER),
        *("--prerebotmodifier", f"{_HEADER};{run}"),
        *("--reportbackground", _CALM),
        *("--suitestatlevel", "2"),
        *("--consolecolors", "off"),
    ]


def bare_options(run: Path, target: str, seed: int) -> list[str]:
    """What Robot needs for verdicts alone: no output, log or report is written."""
    nothing = ["--output", "NONE", "--log", "NONE", "--report", "NONE"]
    return [*nothing, *verdict_options(run, target, seed)]


def verdict_options(run: Path, target: str, seed: int) -> list[str]:
    """What Robot needs for case files, and nothing on the console."""
    return [
        *("--console", "none"),
        *("--variable", f"RUN_FOLDER:{run}"),
        *("--variable", f"TARGET:{target}"),
        *("--variable", f"SEED:{seed}"),
        *("--listener", _LISTENER),
    ]


def one_process(options: Sequence[str], suites: Sequence[str]) -> list[str]:
    """The command for one suite file: Robot itself, which starts faster than pabot."""
    return [sys.executable, "-m", "robot", *options, *suites]


def many_processes(
    options: Sequence[str], suites: Sequence[str], workers: int, order: Path, deadline: int
) -> list[str]:
    """The command for several suite files: pabot, with one file as its unit of work.

    pabot leaves a file in its working directory, so it runs in the run folder and its workers go back to the
    user's. Its lock server stays off: its locks outlive a dead worker and stop the others.

    Args:
        options: Robot's options.
        suites: Absolute paths.
        workers: How many at once.
        order: File with the suites in the order in which to start them.
        deadline: Seconds after which a suite file is given up.
    """
    return [
        *(sys.executable, "-m", "pabot.pabot"),
        *("--command", "env", "-C", str(Path.cwd()), sys.executable, "-m", "robot", "--end-command"),
        *("--processes", str(workers)),
        *("--processtimeout", str(deadline)),
        *("--ordering", str(order)),
        "--no-pabotlib",
        *("--artifacts", "svg,png"),
        "--artifactsinsubfolders",
        *options,
        *suites,
    ]


def environment(run: Path) -> dict[str, str]:
    """The environment of all processes of a run: the kit is importable from any directory, installed or
    not."""
    known = [
        str(Path(entry).resolve()) for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry
    ]
    if str(LIBRARIES) not in {*site.getsitepackages(), site.getusersitepackages()}:
        known.insert(0, str(LIBRARIES))
    changed = {MARK: str(run), "PYTHONUNBUFFERED": "1", "PYTHONPATH": os.pathsep.join(dict.fromkeys(known))}
    return {name: value for name, value in {**os.environ, **changed}.items() if value}


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


@contextlib.contextmanager
def started(
    command: Sequence[str], variables: Mapping[str, str], folder: Path, console: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """Starts the command in a session of its own, so that Ctrl-C reaches only us, and leaves nothing behind.

    Args:
        command: What to start.
        variables: Its environment, with the mark of the run.
        folder: Its working directory.
        console: The file that takes its output.
    """
    with console.open("wb") as output:
        process = subprocess.Popen(
            command,
            env=dict(variables),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - there are no threads yet
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        end_marked(variables[MARK])


def end_marked(run: str) -> None:
    """Ends every process of a run, also what left its group; what starts others meanwhile is looked for again."""
    until = time.monotonic() + _GONE_DEADLINE
    while (left := marked(run)) and time.monotonic() < until:
        kill(left)


def marked(run: str) -> list[int]:
    """All living processes that carry the mark of a run, by reading their environments."""
    mark = f"{MARK}={run}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                if mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
    return found


def kill(pids: Iterable[int]) -> None:
    """Ends processes at once."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
