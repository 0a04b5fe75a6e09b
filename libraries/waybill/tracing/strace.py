"""Calls of running processes that fail because strace says so to the kernel, whatever the processes are linked with.

It is attached to every thread, follows what they start, and says of each call whether it made it fail. While it is
attached, every call of the processes takes longer; before and after, none does.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

DEADLINE: Final = 30.0
"""Seconds until all processes are traced, or are so no more."""
_ATTACHED: Final = re.compile(r"Process (\d+) attached")
_NOT_ATTACHED: Final = re.compile(r"ptrace\(PTRACE_SEIZE, (\d+)\): (.*)")


class NotTraceable(Exception):
    """Processes cannot be traced here; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Injection:
    """Which calls fail, and how.

    Attributes:
        calls: Names of system calls; what this kernel does not know is left out.
        error: The error number that they fail with. They are not done.
        paths: The files that they must be about, as the processes name them; without any, whatever they are about.
        first: The first call that fails, counted for each thread from 1.
    """

    calls: Sequence[str]
    error: int
    paths: Sequence[Path] = ()
    first: int = 1


class Tracer:
    """Lets calls of running processes fail until `end`.

    Args:
        pids: The processes.
        injection: Which calls fail, and how.
        log: The file that tells every such call.

    Raises:
        NotTraceable: From the constructor: strace is not installed, or may not trace them.
    """

    def __init__(self, pids: Sequence[int], injection: Injection, log: Path) -> None:
        program = shutil.which("strace")
        if program is None:
            raise NotTraceable(
                "the program 'strace' is not installed; on Debian: sudo apt-get install strace"
            )
        if not pids:
            raise NotTraceable("no process of the server runs")
        calls = ",".join(f"?{call}" for call in injection.calls)
        fails = f"error={errno.errorcode[injection.error]}:when={injection.first}+"
        # Of what is written nothing is told: a log is no place for messages.
        command = [
            program,
            "-f",
            "-s",
            "0",
            "-o",
            str(log),
            "-e",
            f"trace={calls}",
            "-e",
            f"inject={calls}:{fails}",
        ]
        command += [part for path in injection.paths for part in ("-P", str(path))]
        command += [part for pid in pids for part in ("-p", str(pid))]
        self._log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        log.unlink(missing_ok=True)
        self._process = subprocess.Popen(
            command,
            env=os.environ | {"LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stderr is not None
        self._said: list[str] = []
        self._ended = False
        self._news = threading.Condition()
        self._listener = threading.Thread(target=self._listen, args=(self._process.stderr,), daemon=True)
        self._listener.start()
        try:
            self._wait_until_attached(pids)
        except BaseException:
            self.end()
            raise

    @property
    def injected(self) -> int:
        """How many calls failed so far."""
        try:
            return self._log.read_bytes().count(b"(INJECTED)\n")
        except FileNotFoundError:
            return 0

    def end(self) -> None:
        """Lets the processes go; their calls are done as before. Idempotent."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(DEADLINE)
            except subprocess.TimeoutExpired:
                # The kernel lets go of the traced with the end of their tracer.
                self._process.kill()
                self._process.wait()
        self._listener.join()

    def _listen(self, errors: IO[str]) -> None:
        """Keeps what it says: it tells of every new thread, and would wait for somebody to read that."""
        with errors:
            for line in errors:
                with self._news:
                    self._said.append(line.strip())
                    self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    def _wait_until_attached(self, pids: Sequence[int]) -> None:
        with self._news:
            in_time = self._news.wait_for(lambda: self._ended or not self._open(pids), DEADLINE)
            refused = [found[2] for found in map(_NOT_ATTACHED.search, self._said) if found]
            refused = [why for why in refused if why != os.strerror(errno.ESRCH)]
            attached = any(map(_ATTACHED.search, self._said))
            last = self._said[-1] if self._said else "it said nothing"
        if refused:
            raise NotTraceable(
                f"strace may not trace a process of the server: {refused[0]} (/proc/sys/kernel/yama/ptrace_scope must "
                f"be 0, or the tests run as root)"
            )
        if not attached or self._ended or not in_time:
            raise NotTraceable(f"strace did not trace the server within {DEADLINE:g} s, or ended: {last}")

    def _open(self, pids: Sequence[int]) -> set[int]:
        """The processes of which it did not say what became of them."""
        told = [
            int(found[1])
            for pattern in (_ATTACHED, _NOT_ATTACHED)
            for found in map(pattern.search, self._said)
            if found
        ]
        return set(pids).difference(told)
