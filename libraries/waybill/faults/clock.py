"""Faults of the wall clock: it is off, it steps, or it runs at another pace; monotonic time stays as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from waybill.faults.effects import FaultWithoutEffect
from waybill.history.recorder import Recorder
from waybill.interposer.table import Table

MACHINE = "machine"
"""The scope of a fault that all processes of a target share, as if they ran on one machine."""


@dataclass(frozen=True, slots=True)
class Skew:
    """How a wall clock is wrong.

    Attributes:
        offset: Seconds that it is ahead of the real time; negative where it is behind.
        rate: How fast it goes on, 1 being the real pace.
    """

    offset: float = 0.0
    rate: float = 1.0

    def __str__(self) -> str:
        parts = []
        if self.offset or self.rate == 1.0:
            parts.append(f"{abs(self.offset):g} s {'behind' if self.offset < 0 else 'ahead'}")
        if self.rate != 1.0:
            parts.append(f"{self.rate:g} times as fast")
        return ", ".join(parts)


class Clocks(Protocol):
    """What a target must be able to do for these faults."""

    def clocks(self, process: str | None) -> Mapping[str, Table]:
        """The rules that the wall clocks of a process, or of all of them, follow."""

    def forget_tokens(self) -> None:
        """Hands out no token again that was obtained so far."""


@dataclass
class ClockFaults:
    """Puts the wall clocks of processes wrong and right, and records it.

    A clock is wrong from the very next look at it. The effect is observed when a process has looked and was told a time
    that is off. After each step new tokens are obtained: what is good is decided by the clock that counts now.

    Attributes:
        clocks: The target.
        recorder: Gives the recorder of the scenario.
    """

    clocks: Clocks
    recorder: Callable[[], Recorder]
    _wrong: dict[str, _Wrong] = field(default_factory=dict)

    def begin(self, skew: Skew, process: str | None = None) -> None:
        """Puts a clock wrong.

        Args:
            skew: How.
            process: Whose clock, a node's or the issuer's; None for the clock of them all.

        Raises:
            ValueError: It is wrong already.
        """
        where = process or MACHINE
        if where in self._wrong:
            raise ValueError(
                f"The clock of {where} is {self._wrong[where].skew} already; put it right first."
            )
        tables = self.clocks.clocks(process)
        kind = "clock-rate" if skew.rate != 1.0 else "clock-step"
        number = self.recorder().fault_start(kind, where, offset=skew.offset, rate=skew.rate)
        looked = {name: table.clock_reads for name, table in tables.items()}
        self._wrong[where] = _Wrong(skew, number, tables, looked)
        self._set(tables, skew)

    def step(self, skew: Skew, process: str | None = None) -> None:
        """Lets a clock that is wrong be wrong in another way, as part of the same fault."""
        wrong = self._of(process)
        wrong.skew = skew
        self._set(wrong.tables, skew)

    def end(self, process: str | None = None) -> int:
        """Puts a clock right; returns how often a process had looked at it while it was wrong.

        Raises:
            FaultWithoutEffect: None had.
            ValueError: It is not wrong.
        """
        wrong = self._of(process)
        del self._wrong[process or MACHINE]
        seen = {name: table.clock_reads - wrong.looked[name] for name, table in wrong.tables.items()}
        told = {name: table.clock_told for name, table in wrong.tables.items()}
        self._set(wrong.tables, Skew())
        looks = sum(seen.values())
        if looks:
            said = ", ".join(
                f"{name} looked {seen[name]} times and was told a time {told[name]:+.3f} s off at last"
                for name in seen
                if seen[name]
            )
            self.recorder().fault_observed(wrong.fault, f"{said} ({wrong.skew})")
        self.recorder().fault_end(wrong.fault)
        if not looks:
            raise FaultWithoutEffect(
                f"No process of {', '.join(wrong.tables)} looked at its wall clock while it was {wrong.skew}, so "
                f"nothing is shown."
            )
        return looks

    def looks(self, process: str | None = None) -> int:
        """How often a process looked at a wrong clock so far."""
        wrong = self._of(process)
        return sum(table.clock_reads - wrong.looked[name] for name, table in wrong.tables.items())

    def give_up(self) -> None:
        """Puts all clocks right without asking what they did; the faults stay open in the history."""
        for wrong in self._wrong.values():
            self._set(wrong.tables, Skew())
        self._wrong.clear()

    def _set(self, tables: Mapping[str, Table], skew: Skew) -> None:
        for table in tables.values():
            table.set_clock(offset=skew.offset, rate=skew.rate)
        self.clocks.forget_tokens()

    def _of(self, process: str | None) -> _Wrong:
        where = process or MACHINE
        if where not in self._wrong:
            raise ValueError(f"The clock of {where} is not wrong.")
        return self._wrong[where]


@dataclass
class _Wrong:
    """A clock that is wrong: how, the fault's number, and how often each process had looked before."""

    skew: Skew
    fault: int
    tables: Mapping[str, Table]
    looked: Mapping[str, int]
