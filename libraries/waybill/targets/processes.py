"""One process of a launched target: started so that it cannot outlive this process, and ended for certain.

A server dies with the worker that launched it, also when that worker is killed with SIGKILL: the kernel sends
the server SIGKILL when the *thread* that started it ends (PR_SET_PDEATHSIG). Therefore one thread, which
lives as long as this process, starts all of them.
"""

from __future__ import annotations

import contextlib
import os
import queue
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Final

from waybill.namespaces.entering import ENTERING
from waybill.targets.errors import LaunchError, TargetError

# Runs in the new process before the server. Namespaces come first: who enters one may lose what prctl asked for.
# Without the check of the parent, a worker that was killed between the fork and the call of prctl would leave the
# server behind.
_GUARD: Final = f"""{ENTERING}
import signal, sys
parent, entry, command = int(sys.argv[1]), sys.argv[2].split(), sys.argv[3:]
try:
    if entry:
        enter(entry)
except OSError as error:
    sys.stderr.write(f"{{error.filename}} cannot be entered: {{error.strerror}}\\n")
    sys.stderr.flush()
    os._exit(126)
if ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0) or os.getppid() != parent:
    os._exit(125)
try:
    os.execvp(command[0], command)
except OSError as error:
    sys.stderr.write(f"{{command[0]}} cannot be run: {{error.strerror}}\\n")
    sys.stderr.flush()
    os._exit(127)
"""

_TAIL_LINES: Final = 20
_GONE_DEADLINE: Final = 10.0


class _Starter:
    """The thread that starts all processes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._orders: queue.SimpleQueue[
            tuple[Future[subprocess.Popen[bytes]], list[str], Path, Path, dict[str, str]]
        ]
        self._orders = queue.SimpleQueue()

    def start(
        self, command: list[str], folder: Path, log: Path, environment: dict[str, str]
    ) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name="waybill-starter", daemon=True)
                self._thread.start()
        started: Future[subprocess.Popen[bytes]] = Future()
        self._orders.put((started, command, folder, log, environment))
        return started.result()

    def _work(self) -> None:
        while True:
            started, command, folder, log, environment = self._orders.get()
            try:
                with log.open("ab") as output:
                    process = subprocess.Popen(
                        command,
                        cwd=folder,
                        env=environment,
                        stdin=subprocess.DEVNULL,
                        stdout=output,
                        stderr=subprocess.STDOUT,
                        start_new_session=True,
                    )
            except OSError as error:
                started.set_exception(LaunchError(f"{command[0]} cannot be started: {error}"))
            else:
                started.set_result(process)


_starter = _Starter()


class ServerProcess:
    """A process with its folder, its log and its marks in the environment; it can be started again and again.

    Attributes:
        name: Its name in the target file.
        folder: Its working directory.
        log: Everything that it prints, over all its starts.
        entry: The namespaces that it enters one after the other when it starts, as paths.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        marks: Mapping[str, str],
        log: str = "output.log",
        entry: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.command = tuple(command)
        self.entry = tuple(entry)
        self.folder = folder
        self.log = folder / log
        self._environment = {**os.environ, **environment, **marks}
        self._marks = [f"{key}={value}".encode() for key, value in marks.items()]
        self._process: subprocess.Popen[bytes] | None = None
        self._pidfd = -1
        self._paused = False
        self.log_start = 0
        """Where in the log the present start begins."""

    @property
    def pid(self) -> int:
        """The process id of the present or last start.

        Raises:
            TargetError: It was never started.
        """
        if self._process is None:
            raise TargetError(f"'{self.name}' was not started yet.")
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it runs (paused counts)."""
        return self._process is not None and self._process.poll() is None

    @property
    def pids(self) -> list[int]:
        """The process ids of everything that it is made of at this moment, what left its group included."""
        return _marked(self._marks)

    @property
    def runs_its_program(self) -> bool:
        """Whether it runs and is past the guard, which comes before the program."""
        try:
            command = Path(f"/proc/{self.pid}/cmdline").read_bytes()
        except OSError:
            return False
        return self.alive and bool(command) and _GUARD.encode() not in command

    @property
    def exit_status(self) -> int | None:
        """How it ended, as `subprocess` tells it; None while it runs."""
        return self._process.poll() if self._process else None

    def start(self) -> None:
        """Starts it; it is not ready yet.

        Raises:
            TargetError: It runs already.
        """
        if self.alive:
            raise TargetError(f"'{self.name}' runs already (pid {self.pid}); kill or stop it first.")
        self._forget()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log_start = self.log.stat().st_size if self.log.exists() else 0
        entry = " ".join(self.entry)
        guarded = [sys.executable, "-I", "-S", "-c", _GUARD, str(os.getpid()), entry, *self.command]
        self._process = _starter.start(guarded, self.folder, self.log, self._environment)
        self._pidfd = os.pidfd_open(self._process.pid)

    def kill(self) -> None:
        """SIGKILL to everything that it is made of; returns when all of it is gone."""
        self._signal(signal.SIGKILL)
        self._reap(_GONE_DEADLINE, "SIGKILL")
        self._sweep()

    def stop(self, deadline: float) -> int:
        """SIGTERM; returns its exit status when it has ended.

        Raises:
            TargetError: It did not end by the deadline; it was then killed.
        """
        if self._paused:
            self.resume()
        if self.alive:
            os.kill(self.pid, signal.SIGTERM)
        try:
            status = self._reap(deadline, "SIGTERM")
        except TargetError:
            self.kill()
            raise
        self._sweep()
        return status

    def pause(self) -> None:
        """SIGSTOP to everything that it is made of; returns when every thread of all of it stands still."""
        self._require_alive("paused")
        self._wait_for_states(stopped=True)
        self._paused = True

    def resume(self) -> None:
        """SIGCONT to everything that it is made of; returns when all of it runs again."""
        self._require_alive("resumed")
        self._wait_for_states(stopped=False)
        self._paused = False

    def wait_for_exit(self, seconds: float) -> bool:
        """Waits until it has ended, at most for some seconds; False if it still runs."""
        if not self.alive:
            return True
        poll = select.poll()
        poll.register(self._pidfd, select.POLLIN)
        return bool(poll.poll(max(0.0, seconds) * 1000))

    def output(self) -> bytes:
        """What the present start printed so far."""
        try:
            with self.log.open("rb") as log:
                log.seek(self.log_start)
                return log.read()
        except FileNotFoundError:
            return b""

    def tail(self) -> str:
        """The last lines of what the present start printed, with the file they are from."""
        lines = self.output().decode(errors="replace").splitlines()[-_TAIL_LINES:]
        shown = "\n".join(f"    {line}" for line in lines) or "    (nothing)"
        return f"It printed last ({self.log}):\n{shown}"

    def _require_alive(self, what: str) -> None:
        if not self.alive:
            raise TargetError(f"'{self.name}' cannot be {what}: it does not run. Start it first.")

    def _signal(self, number: signal.Signals) -> None:
        if self.alive:
            # The process leads a session of its own, so its group is exactly what it is made of.
            os.killpg(self.pid, number)

    def _reap(self, deadline: float, sent: str) -> int:
        if self._process is None:
            return 0
        if not self.wait_for_exit(deadline):
            raise TargetError(
                f"'{self.name}' (pid {self.pid}) still runs {deadline:g} s after {sent}. {self.tail()}"
            )
        status = self._process.wait()
        self._paused = False
        return status

    def _forget(self) -> None:
        if self._pidfd >= 0:
            os.close(self._pidfd)
            self._pidfd = -1

    def close(self) -> None:
        """Kills it if it runs and lets go of what was held for it."""
        self.kill()
        self._forget()

    def _sweep(self) -> None:
        """Ends processes that left the group, found by their environment."""
        end_marked(self._marks)

    def _wait_for_states(self, stopped: bool) -> None:
        """Sends the signal to whatever is not in that state, until there is nothing: what stands still starts nothing,
        but what was not found yet may."""
        until = time.monotonic() + _GONE_DEADLINE
        while True:
            states = {pid: _thread_states(pid) for pid in self.pids}
            others = [
                pid for pid, its in states.items() if any((state == "T") is not stopped for state in its)
            ]
            if not others:
                return
            for pid in others:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGSTOP if stopped else signal.SIGCONT)
            if time.monotonic() > until or self.wait_for_exit(0.001):
                wanted = "stopped" if stopped else "running"
                raise TargetError(
                    f"'{self.name}' (pid {self.pid}) is not {wanted}: its threads are {states}."
                )


def end_marked(marks: Sequence[bytes]) -> int:
    """SIGKILL to every process that has all the marks (`NAME=value`) in its environment, until there is none.

    Returns:
        How many were ended.

    Raises:
        TargetError: Some cannot be ended.
    """
    ended = 0
    until = time.monotonic() + _GONE_DEADLINE
    while found := _marked(marks):
        for pid in found:
            ended += _end(pid)
        if time.monotonic() > until:
            raise TargetError(f"The processes {found} are still there {_GONE_DEADLINE:g} s after SIGKILL.")
    return ended


def _end(pid: int) -> int:
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return 0
    try:
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        poll = select.poll()
        poll.register(pidfd, select.POLLIN)
        return len(poll.poll(_GONE_DEADLINE * 1000))
    except ProcessLookupError:
        return 0
    finally:
        os.close(pidfd)


def _marked(marks: Sequence[bytes]) -> list[int]:
    found = []
    for entry in os.scandir("/proc"):
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                environment = Path(entry.path, "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            if all(mark in environment for mark in marks):
                found.append(int(entry.name))
    return found


def _thread_states(pid: int) -> list[str]:
    states = []
    for task in Path(f"/proc/{pid}/task").glob("*/stat"):
        try:
            # The name of the program is in parentheses and may contain anything.
            states.append(task.read_text(errors="replace").rpartition(")")[2].split()[0])
        except OSError:
            continue
    return states
