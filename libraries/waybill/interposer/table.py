"""The rules that a server's processes follow, in a file that they share with the tests.

A rule says what happens to the calls of one or more operations on paths of one pattern, from one call of them to
another, counted over all threads and processes. Arming one is a write to memory: it holds for the very next call.
"""

from __future__ import annotations

import mmap
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from pathlib import Path
from typing import Final

from waybill.interposer import layout
from waybill.interposer.build import library

TABLE_VARIABLE: Final = "WAYBILL_FAULT_TABLE"
FOREVER: Final = 2**63
UNDO_CAPACITY: Final = 256 * 1024 * 1024
"""Bytes of the undo log; a sparse file, of which only what is used takes room."""


class Operation(IntFlag):
    """What a process does; a rule may name several."""

    OPEN = 1
    READ = 2
    WRITE = 4
    FSYNC = 8
    """fsync and fdatasync."""
    RENAME = 16
    UNLINK = 32
    TRUNCATE = 64
    SEND = 128
    RECEIVE = 256
    CONNECT = 512
    ACCEPT = 1024


class Action(IntEnum):
    """What happens to a call that a rule is about."""

    COUNT = 0
    """Nothing; it is counted."""
    FAIL = 1
    """It fails with the error `number`, and is not done."""
    KILL_BEFORE = 2
    """The process is killed instead."""
    KILL_AFTER = 3
    """It is done, and the process is killed before it returns."""
    TORN_KILL = 4
    """The first `number` bytes are written, and the process is killed."""
    SHORT = 5
    """Only the first `number` bytes are read or written."""
    DELAY = 6
    """It is done `number` milliseconds later."""
    DROP = 7
    """It is not done, and the process is told that it was."""
    STOP_BEFORE = 8
    """The process is stopped (SIGSTOP) before it, and does it when it goes on."""
    HOLD_KILL = 9
    """The thread is held for `number` milliseconds, while others go on, and the process is killed instead."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        operations: The calls that it is about.
        action: What happens to them.
        path: A pattern of their paths (`*` stands for any characters, `/` as well); empty for all. A socket's path is
            `socket:[...]`.
        number: The error, the bytes or the milliseconds of the action.
        first: The first call that it acts on, counted from 1 when it is armed.
        last: The last one.
    """

    operations: Operation
    action: Action
    path: str = ""
    number: int = 0
    first: int = 1
    last: int = FOREVER


class Table:
    """The table of one server.

    Attributes:
        path: Its file.
        watched: The folder whose files a power loss can take back; files in it that are written through `stdio` are
            seen as well.
        undo: The file of the undo log.
        trash: Where files are spared whose names went away.

    Raises:
        NotInterposable: From the constructor: the library cannot be had here.
        ValueError: A path is too long.
    """

    def __init__(self, path: Path, watched: Path) -> None:
        self.library = library()
        self.path = path.resolve()
        self.watched = watched.resolve()
        self.undo = self.path.with_suffix(".undo")
        self.trash = self.path.with_suffix(".spared")
        self.trash.mkdir(parents=True, exist_ok=True)
        with self.undo.open("wb") as log:
            log.truncate(UNDO_CAPACITY)
        with self.path.open("w+b") as file:
            file.truncate(layout.TABLE_SIZE)
            self._memory = mmap.mmap(file.fileno(), layout.TABLE_SIZE)
        for place, named in (
            (layout.WATCHED, self.watched),
            (layout.UNDO, self.undo),
            (layout.TRASH, self.trash),
        ):
            encoded = bytes(named)
            if len(encoded) >= layout.PATH_SIZE:
                raise ValueError(f"{named} has {len(encoded)} bytes; expected fewer than {layout.PATH_SIZE}")
            self._memory[place : place + len(encoded)] = encoded
        self._write("Q", layout.UNDO_CAPACITY, UNDO_CAPACITY)
        self._write("I", 8, layout.VERSION)
        self._write("Q", 0, layout.MAGIC)

    @property
    def environment(self) -> Mapping[str, str]:
        """What a process needs in its environment to follow the table."""
        return {"LD_PRELOAD": str(self.library), TABLE_VARIABLE: str(self.path)}

    @property
    def attached(self) -> int:
        """How many programs have started with the table so far."""
        return self.read("Q", layout.ATTACHED)

    def arm(self, rule: Rule) -> int:
        """Puts a rule into force and returns its number.

        Raises:
            ValueError: All places are taken, or the pattern is too long.
        """
        pattern = rule.path.encode()
        if len(pattern) >= 448:
            raise ValueError(f"the pattern {rule.path} has {len(pattern)} bytes; expected fewer than 448")
        for number in range(layout.RULE_COUNT):
            place = self._place(number)
            if self.read("I", place) == 0 and self.read("I", place + 4) == 0:
                content = layout.RULE.pack(
                    0, rule.operations, rule.action, rule.number, rule.first, rule.last, 0, 0, pattern
                )
                self._memory[place : place + layout.RULE_SIZE] = content
                self._write("I", place, 1)
                self._gather()
                return number
        raise ValueError(f"{layout.RULE_COUNT} rules are in force already; disarm one")

    def disarm(self, number: int) -> None:
        """Takes a rule out of force; what it counted is gone as well. Idempotent."""
        place = self._place(number)
        self._write("I", place, 0)
        self._write("I", place + 4, 0)
        self._gather()

    def matched(self, number: int) -> int:
        """How many calls a rule was about so far."""
        return self.read("Q", self._place(number) + layout.RULE_MATCHED)

    def acted(self, number: int) -> int:
        """How many calls a rule did something to so far."""
        return self.read("Q", self._place(number) + layout.RULE_ACTED)

    def set_clock(self, *, offset: float = 0.0, rate: float = 1.0) -> None:
        """Changes the wall clock that the processes see, from the next look at it; monotonic time stays as it is.

        Args:
            offset: Seconds to add to the real time.
            rate: How fast it goes on from now, 1 being the real pace.
        """
        generation = self.read("I", layout.CLOCK_GENERATION)
        self._write("I", layout.CLOCK_GENERATION, generation | 1)
        content = struct.pack("=qqq", round(offset * 1e9), round((rate - 1.0) * 1e9), time.time_ns())
        self._memory[layout.CLOCK : layout.CLOCK + len(content)] = content
        self._write("I", layout.CLOCK_GENERATION, (generation | 1) + 1)

    @property
    def clock_reads(self) -> int:
        """How often a process looked at a changed clock."""
        return self.read("Q", layout.CLOCK_READS)

    @property
    def clock_told(self) -> float:
        """By how many seconds the changed clock was off when a process looked at it last."""
        return self.read("q", layout.CLOCK_TOLD) / 1e9

    def read(self, kind: str, place: int) -> int:
        """A number of the table."""
        found: int = struct.unpack_from(f"={kind}", self._memory, place)[0]
        return found

    def keep_undo(self, on: bool) -> None:
        """Lets the processes note from now on what a power loss would take back, or stop doing so."""
        self._write("I", layout.POWER, int(on))

    def forget_undo(self) -> None:
        """Empties the undo log; no process may be running."""
        for place in (layout.UNDO_USED, layout.UNDO_LIVE):
            self._write("Q", place, 0)
        self._write("I", layout.OVERFLOW, 0)
        self._write("I", 12, 0)
        for spared in self.trash.iterdir():
            spared.unlink()

    def close(self) -> None:
        """Lets the table go; its file stays as long as processes use it."""
        self._memory.close()

    def _place(self, number: int) -> int:
        return layout.RULES + number * layout.RULE_SIZE

    def _write(self, kind: str, place: int, value: int) -> None:
        struct.pack_into(f"={kind}", self._memory, place, value)

    def _gather(self) -> None:
        """Tells the processes at one place which operations any rule is about."""
        operations = 0
        for number in range(layout.RULE_COUNT):
            if self.read("I", self._place(number)):
                operations |= self.read("I", self._place(number) + 4)
        self._write("Q", layout.ARMED, operations)
