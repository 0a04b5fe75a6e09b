"""What the processes of a target wrote into their logs during one scenario: kept, and searched for errors.

A line belongs to a fault if it was written between the fault's start and its end. The place in the file tells that,
which needs no clock; for logs that a server writes late, such as those of Erlang, the time that stands in the line.
What is kept has no passwords and no tokens.
"""

from __future__ import annotations

import datetime
import math
import re
import time as clock
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Final, Protocol

from waybill.targets.model import LogRules

FIRST = 5
"""The most unexpected lines that are shown of a scenario."""
LONGEST = 400
"""The most characters of such a line."""
KEPT = 500_000
"""Bytes that are kept from the beginning of a log, and again from its end; what lies between is counted."""
_SIGNED: Final = re.compile(rb"eyJ[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*)+")
"""A JSON Web Token."""
_BEARER: Final = re.compile(rb"(?i)\b(bearer|dpop|basic) +[A-Za-z0-9._~+/=-]{8,}")
HIDDEN: Final = b"[hidden]"


class Logging(Protocol):
    """What a target must tell of its logs."""

    @property
    def folder(self) -> Path:
        """Where its files are."""

    def logs(self) -> list[Path]:
        """All log files of its processes."""

    def secrets(self) -> list[str]:
        """What must not be kept: passwords, tokens."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What a scenario left in the logs.

    Attributes:
        files: The kept parts, one for each log in which something was written.
        errors: How many lines are errors that nobody expects; None where the target file does not say what an error
            looks like.
        first: The first few of them, each with its log in front.
    """

    files: tuple[Path, ...]
    errors: int | None
    first: tuple[str, ...] = ()


@dataclass(slots=True)
class _Window:
    """A fault, and when it began and ended: by the clock, and by how large each log was."""

    kind: str
    begin: dict[Path, int]
    began: float
    end: dict[Path, int] | None = None
    ended: float = math.inf

    def covers(self, log: Path, place: int, time: float | None) -> bool:
        """Whether a line at this place, of this time if it says one, was written during the fault."""
        if time is not None:
            return self.began <= time <= self.ended
        return self.begin.get(log, 0) <= place and (self.end is None or place < self.end.get(log, 0))


@dataclass
class ServerLogs:
    """The logs of a target from now on.

    It is told of faults by the recorder of the scenario (`FaultWatch`).

    Attributes:
        target: Whose logs.
        rules: What an error looks like; None where nobody says it.
    """

    target: Logging
    rules: LogRules | None
    _begin: dict[Path, int] = field(default_factory=dict)
    _windows: dict[int, _Window] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._begin = self._sizes()

    def begins(self, fault: int, kind: str) -> None:
        """A fault begins."""
        self._windows[fault] = _Window(kind, self._sizes(), clock.time())

    def ends(self, fault: int) -> None:
        """A fault is over."""
        window = self._windows.get(fault)
        if window is not None and window.end is None:
            window.end, window.ended = self._sizes(), clock.time()

    def keep(self, folder: Path) -> Kept:
        """Copies what was written since the beginning, and searches it for errors.

        Args:
            folder: Where the copies go; it is made if there is something to keep.
        """
        hide = _Hiding(self.target.secrets())
        files: list[Path] = []
        first: list[str] = []
        errors = 0
        for log in self.target.logs():
            begin = self._begin.get(log, 0)
            size = log.stat().st_size
            if size < begin:
                begin = 0
            if size == begin:
                continue
            name = log.relative_to(self.target.folder)
            copy = _Copy(folder / f"{'-'.join(name.parts)}.txt")
            judged = self.rules is not None and any(
                fnmatch(str(name), pattern) for pattern in self.rules.files
            )
            time: float | None = None
            for place, line in _lines(log, begin, size):
                time = self._time(line, time)
                harmless = hide(line)
                copy.add(harmless)
                if judged and self._unexpected(log, place, time, line):
                    errors += 1
                    if len(first) < FIRST:
                        first.append(f"{name}: {_shown(harmless)}")
            files.append(copy.write())
        return Kept(tuple(files), None if self.rules is None else errors, tuple(first))

    def _unexpected(self, log: Path, place: int, time: float | None, line: bytes) -> bool:
        rules = self.rules
        if rules is None or not re.search(rules.error.encode(), line):
            return False
        if _any(rules.expected, line):
            return False
        kinds = {window.kind for window in self._windows.values() if window.covers(log, place, time)}
        return not any(_any(rules.during.get(kind, ()), line) for kind in kinds)

    def _time(self, line: bytes, before: float | None) -> float | None:
        """The time of a line in seconds since 1970; that of the line before it where it says none."""
        if self.rules is None or not self.rules.time:
            return None
        found = re.search(self.rules.time.encode(), line)
        if found is None or not found[1]:
            return before
        text = found[1].decode(errors="replace")
        try:
            return float(text)
        except ValueError:
            pass
        try:
            return datetime.datetime.fromisoformat(text).timestamp()
        except ValueError:
            return before

    def _sizes(self) -> dict[Path, int]:
        return {log: log.stat().st_size for log in self.target.logs()}


class _Copy:
    """A log's copy, of which the middle is left out where it is too large."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._head: list[bytes] = []
        self._tail: deque[bytes] = deque()
        self._head_size = self._tail_size = self._left_out = 0

    def add(self, line: bytes) -> None:
        if self._head_size + len(line) <= KEPT and not self._tail:
            self._head.append(line)
            self._head_size += len(line)
            return
        self._tail.append(line[:KEPT])
        self._tail_size += len(self._tail[-1])
        while self._tail_size > KEPT:
            self._tail_size -= len(self._tail.popleft())
            self._left_out += 1

    def write(self) -> Path:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        told = f"\n[waybill: {self._left_out:,} lines are left out here; the whole log is in the target's folder]\n\n"
        middle = [told.encode()] if self._left_out else []
        self.path.write_bytes(b"".join([*self._head, *middle, *self._tail]))
        return self.path


def _lines(log: Path, begin: int, end: int) -> Iterator[tuple[int, bytes]]:
    """Each line that begins between two places, with its own place. A server that writes faster than anybody reads has
    no last line."""
    with log.open("rb") as file:
        file.seek(begin)
        place = begin
        for line in file:
            if place >= end:
                return
            yield place, line
            place += len(line)


def _any(expressions: Iterable[str], line: bytes) -> bool:
    return any(re.search(expression.encode(), line) for expression in expressions)


def _shown(line: bytes) -> str:
    """A line for people: no control characters, and not too long."""
    text = "".join(
        letter if letter.isprintable() else "\ufffd" for letter in line.decode(errors="replace").rstrip()
    )
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 2]} …"


class _Hiding:
    """Takes out of lines what must not be kept."""

    def __init__(self, secrets: Sequence[str]) -> None:
        known = sorted({secret for secret in secrets if len(secret) >= 8}, key=len, reverse=True)
        self._known = re.compile(b"|".join(re.escape(one.encode()) for one in known)) if known else None

    def __call__(self, line: bytes) -> bytes:
        line = _BEARER.sub(rb"\1 " + HIDDEN, _SIGNED.sub(HIDDEN, line))
        return self._known.sub(HIDDEN, line) if self._known else line
