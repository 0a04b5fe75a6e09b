"""A shortage of file handles: whatever a server opens or accepts fails."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass, field

from waybill.faults.disk import Disks
from waybill.faults.effects import FaultWithoutEffect
from waybill.history.recorder import Recorder
from waybill.interposer.table import Action, Operation, Rule, Table


@dataclass
class HandleShortage:
    """Takes the file handles from nodes: whatever they open or accept fails with EMFILE.

    The effect is observed when a call failed for it.

    Attributes:
        disks: The target.
        recorder: Gives the recorder of the scenario.
    """

    disks: Disks
    recorder: Callable[[], Recorder]
    _short: dict[str, tuple[int, int, Table]] = field(default_factory=dict)

    def begin(self, node: str) -> None:
        """Leaves a node without handles, from the very next call; those that it has stay open.

        Raises:
            ValueError: It has none already.
        """
        if node in self._short:
            raise ValueError(f"{node} is without file handles already; give them back first.")
        table = self.disks.interposed(node)
        number = self.recorder().fault_start("file-handles", node)
        rule = table.arm(Rule(Operation.OPEN | Operation.ACCEPT, Action.FAIL, number=errno.EMFILE))
        self._short[node] = number, rule, table

    def end(self, node: str) -> int:
        """Gives the handles back; returns how many calls had failed.

        Raises:
            FaultWithoutEffect: None had.
            ValueError: It was not without.
        """
        if node not in self._short:
            raise ValueError(f"{node} is not without file handles.")
        number, rule, table = self._short.pop(node)
        met = table.acted(rule)
        table.disarm(rule)
        if met:
            self.recorder().fault_observed(number, f"{met} calls of {node} failed for want of a file handle")
        self.recorder().fault_end(number)
        if not met:
            raise FaultWithoutEffect(
                f"{node} opened and accepted nothing while it was without file handles, so nothing is shown."
            )
        return met

    def met(self, node: str) -> int:
        """How many calls failed so far for want of a handle."""
        _, rule, table = self._short[node]
        return table.acted(rule)

    def give_up(self) -> None:
        """Gives all handles back without asking who missed them; the faults stay open in the history."""
        for _, rule, table in self._short.values():
            table.disarm(rule)
        self._short.clear()
