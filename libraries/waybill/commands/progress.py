"""Progress of a run: one line per finished scenario, and on a terminal a last line that stays up to date."""

from __future__ import annotations

import shutil
import sys
import textwrap
import time
from pathlib import Path
from typing import TextIO

import msgspec

from waybill.readiness.words import duration

FILE = "progress.jsonl"
"""Where the evidence gate of every worker appends one line per start and end of a scenario."""

_WORDS = {"passed": "passed ", "failed": "FAILED ", "skipped": "skipped"}
_LONGEST = 160


class _Event(msgspec.Struct):
    event: str
    suite: str
    scenario: str
    status: str
    seconds: float | None = None
    message: str = ""


class Progress:
    """Reads what the workers append and shows it.

    Args:
        folder: The run folder.
        total: How many scenarios were selected.
        output: Where to show it.
        target: What to name in every line, where several targets are tested one after the other.
    """

    def __init__(self, folder: Path, total: int, output: TextIO | None = None, target: str = "") -> None:
        self._file = folder / FILE
        self._total = total
        self._target = f"{target}  " if target else ""
        self._output = output or sys.stdout
        self._live = self._output.isatty()
        self._started = time.monotonic()
        self._read = 0
        self._running: dict[tuple[str, str], None] = {}
        self.done = 0
        self.failed = 0

    def update(self) -> None:
        """Shows what happened since the last call. Call it as often as the display shall move."""
        lines = [line for event in self._events() for line in self._take(event)]
        if self._live:
            self._output.write("\r\x1b[K")
        for line in lines:
            self._output.write(f"{line}\n")
        if self._live:
            self._output.write(self._status())
        if lines or self._live:
            self._output.flush()

    def close(self) -> None:
        """Shows the rest and leaves the cursor on a line of its own."""
        self.update()
        if self._live:
            self._output.write("\r\x1b[K")
            self._output.flush()

    def _events(self) -> list[_Event]:
        try:
            with self._file.open("rb") as file:
                file.seek(self._read)
                new = file.read()
        except OSError:
            return []
        whole = new[: new.rfind(b"\n") + 1]
        self._read += len(whole)
        return [msgspec.json.decode(line, type=_Event) for line in whole.splitlines()]

    def _take(self, event: _Event) -> list[str]:
        key = (event.suite, event.scenario)
        if event.event == "started":
            self._running[key] = None
            return []
        self._running.pop(key, None)
        self.done += 1
        self.failed += event.status == "failed"
        width = len(str(self._total))
        lines = [
            f"{self._clock()}  {self._target}{self.done:>{width}}/{self._total}  "
            f"{_WORDS.get(event.status, event.status)}  "
            f"{event.suite.rpartition('.')[2]}: {event.scenario} ({duration(event.seconds)})"
        ]
        if event.status != "passed":
            said = event.message.removeprefix("*HTML*").splitlines()[:3]
            lines += [f"{'':<8}{textwrap.shorten(line, _LONGEST, placeholder=' ...')}" for line in said]
        return lines

    def _status(self) -> str:
        now = ", ".join(scenario for _, scenario in self._running)
        failed = f", {self.failed} failed" if self.failed else ""
        line = f"{self._clock()}  {self._target}{self.done} of {self._total} done{failed}" + (
            f"; now: {now}" if now else ""
        )
        return line[: shutil.get_terminal_size().columns - 1]

    def _clock(self) -> str:
        minutes, seconds = divmod(int(time.monotonic() - self._started), 60)
        return f"{minutes:>2}:{seconds:02d}"
