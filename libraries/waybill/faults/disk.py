"""Faults of a server's disk: it is full, it fails, it takes no writes, or it ends a write in its middle."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Protocol

from waybill.faults.armed import ArmedKill, arm_kill
from waybill.faults.effects import FaultWithoutEffect
from waybill.history.recorder import Recorder
from waybill.interposer.table import Action, Operation, Rule, Table

CHANGES: Final = Operation.WRITE | Operation.TRUNCATE | Operation.RENAME | Operation.UNLINK


class DiskFault(Enum):
    """What is wrong with a disk. The member's value names the fault in the history."""

    IS_FULL = "disk-full"
    """Every write fails for want of space (ENOSPC)."""
    FAILS_TO_WRITE = "write-error"
    """Every write fails (EIO)."""
    FAILS_TO_SYNC = "sync-error"
    """Writes are taken, and making them durable fails (EIO)."""
    IS_READ_ONLY = "read-only"
    """Nothing can be changed (EROFS)."""


_RULES: Final = {
    DiskFault.IS_FULL: (Operation.WRITE, errno.ENOSPC),
    DiskFault.FAILS_TO_WRITE: (Operation.WRITE, errno.EIO),
    DiskFault.FAILS_TO_SYNC: (Operation.FSYNC, errno.EIO),
    DiskFault.IS_READ_ONLY: (CHANGES, errno.EROFS),
}


class Disks(Protocol):
    """What a target must be able to do for these faults."""

    def interposed(self, node: str) -> Table:
        """The rules that the disk of a running node follows."""


@dataclass
class DiskFaults:
    """Breaks and mends the disks of nodes, and records it.

    The effect is observed when a call of the server met the fault.

    Attributes:
        disks: The target.
        recorder: Gives the recorder of the scenario.
    """

    disks: Disks
    recorder: Callable[[], Recorder]
    _broken: dict[str, tuple[DiskFault, int, int, Table]] = field(default_factory=dict)

    def begin(self, node: str, fault: DiskFault) -> None:
        """Breaks a node's disk; it holds for the very next call.

        Raises:
            ValueError: It is broken already.
        """
        if node in self._broken:
            raise ValueError(
                f"The disk of {node} is broken already ({self._broken[node][0].value}); mend it first."
            )
        table = self.disks.interposed(node)
        operations, error = _RULES[fault]
        number = self.recorder().fault_start(fault.value, node)
        rule = table.arm(Rule(operations, Action.FAIL, path=f"{table.watched}*", number=error))
        self._broken[node] = fault, number, rule, table

    def end(self, node: str) -> int:
        """Mends a node's disk; returns how many calls had met the fault.

        Raises:
            FaultWithoutEffect: None had.
            ValueError: It is not broken.
        """
        if node not in self._broken:
            raise ValueError(f"The disk of {node} is not broken.")
        fault, number, rule, table = self._broken.pop(node)
        met = table.acted(rule)
        table.disarm(rule)
        if met:
            self.recorder().fault_observed(number, f"{met} calls of {node} met the fault ({fault.value})")
        self.recorder().fault_end(number)
        if not met:
            raise FaultWithoutEffect(
                f"{node} made no call that could have failed while its disk had the fault '{fault.value}', so nothing "
                f"is shown. Does it keep its data under {table.watched}?"
            )
        return met

    def met(self, node: str) -> int:
        """How many calls met the fault of a broken disk so far."""
        _, _, rule, table = self._broken[node]
        return table.acted(rule)

    def give_up(self) -> None:
        """Mends all disks without asking what met the faults; these stay open in the history."""
        for _, _, rule, table in self._broken.values():
            table.disarm(rule)
        self._broken.clear()

    def tear(self, node: str, *, write: int, size: int) -> ArmedKill:
        """Ends a node in the middle of a write to its data.

        Args:
            node: The node.
            write: Which write from now on, counted from 1.
            size: So many bytes of it reach the file at most.
        """
        table = self.disks.interposed(node)
        rule = Rule(
            Operation.WRITE,
            Action.TORN_KILL,
            path=f"{table.watched}*",
            number=size,
            first=write,
            last=write,
        )
        where = "in the middle of a write"
        return arm_kill(self.recorder(), node, table, rule, "torn-write", where, write=write, bytes=size)
