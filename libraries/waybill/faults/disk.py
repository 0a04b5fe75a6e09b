"""Faults of a server's disk: it is full, it fails, it takes no writes, or it ends a write in its middle."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Protocol

from waybill.faults.armed import ArmedKill, arm_kill
from waybill.faults.effects import FaultWithoutEffect
from waybill.faults.mechanisms import Breakage, ByFilling, ByRule, ByTracer, Mechanism
from waybill.history.recorder import Recorder
from waybill.interposer.table import Action, Operation, Rule, Table
from waybill.namespaces.small_disk import SmallDisk
from waybill.tracing.strace import Injection, Tracer

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
_SYSTEM_CALLS: Final = {
    Operation.WRITE: ("write", "pwrite64", "writev", "pwritev", "pwritev2", "fallocate"),
    Operation.FSYNC: ("fsync", "fdatasync"),
    Operation.TRUNCATE: ("truncate", "ftruncate"),
    Operation.RENAME: ("rename", "renameat", "renameat2"),
    Operation.UNLINK: ("unlink", "unlinkat"),
}


class Disks(Protocol):
    """What a target must be able to do for these faults; each raises an error of its own where it cannot."""

    def interposed(self, node: str) -> Table:
        """The rules that the disk of a running node follows."""

    def small_disk(self, node: str) -> SmallDisk:
        """The disk of a node that can really be full."""

    def trace(self, injection: Injection, node: str) -> Tracer:
        """Lets calls of a running node about its data fail."""


@dataclass
class DiskFaults:
    """Breaks and mends the disks of nodes, and records it.

    The effect is observed when the server met the fault, as the mechanism that carries it out can tell.

    Attributes:
        disks: The target.
        recorder: Gives the recorder of the scenario.
    """

    disks: Disks
    recorder: Callable[[], Recorder]
    _broken: dict[str, tuple[DiskFault, int, Breakage]] = field(default_factory=dict)

    def begin(
        self, node: str, fault: DiskFault, mechanism: Mechanism = Mechanism.INTERPOSED, *, first: int = 1
    ) -> None:
        """Breaks a node's disk; it holds for the very next call.

        Args:
            node: The node.
            fault: What is wrong with the disk.
            mechanism: What carries it out.
            first: The first call that it is about, counted from 1: over all threads and processes, and for each thread
                where a tracer counts.

        Raises:
            ValueError: It is broken already, or the mechanism does not do this.
        """
        if node in self._broken:
            raise ValueError(
                f"The disk of {node} is broken already ({self._broken[node][0].value}); mend it first."
            )
        breakage = self._breakage(node, fault, mechanism, first)
        number = self.recorder().fault_start(fault.value, node, mechanism=mechanism.value)
        try:
            breakage.begin()
        except BaseException:
            self.recorder().fault_end(number)
            raise
        self._broken[node] = fault, number, breakage

    def end(self, node: str) -> str:
        """Mends a node's disk; returns what had met the fault, as a sentence.

        Raises:
            FaultWithoutEffect: Nothing had.
            ValueError: It is not broken.
        """
        if node not in self._broken:
            raise ValueError(f"The disk of {node} is not broken.")
        _, number, breakage = self._broken.pop(node)
        breakage.end()
        met = breakage.met()
        if met:
            self.recorder().fault_observed(number, met)
        self.recorder().fault_end(number)
        if not met:
            raise FaultWithoutEffect(breakage.unmet())
        return met

    def met(self, node: str) -> bool:
        """Whether something met the fault of a broken disk so far."""
        _, _, breakage = self._broken[node]
        return bool(breakage.met())

    def give_up(self) -> None:
        """Mends all disks without asking what met the faults; these stay open in the history."""
        for _, _, breakage in self._broken.values():
            breakage.end()
        self._broken.clear()

    def _breakage(self, node: str, fault: DiskFault, mechanism: Mechanism, first: int) -> Breakage:
        operations, error = _RULES[fault]
        match mechanism:
            case Mechanism.INTERPOSED:
                table = self.disks.interposed(node)
                rule = Rule(operations, Action.FAIL, path=f"{table.watched}*", number=error, first=first)
                return ByRule(node, fault.value, table, rule)
            case Mechanism.STRACE:
                calls = [name for one, names in _SYSTEM_CALLS.items() if one in operations for name in names]
                injection = Injection(calls, error, first=first)
                return ByTracer(node, fault.value, lambda: self.disks.trace(injection, node))
            case Mechanism.TMPFS:
                if fault is not DiskFault.IS_FULL or first != 1:
                    raise ValueError(
                        f"A small disk (TMPFS) can be full, from the first write on, and nothing else; '{fault.value}' "
                        f"from call {first} on takes {Mechanism.INTERPOSED.name} or {Mechanism.STRACE.name}."
                    )
                return ByFilling(node, self.disks.small_disk(node))

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
