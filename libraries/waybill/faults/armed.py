"""A fault that waits inside a node for a certain call of it, and ends the node there."""

from __future__ import annotations

from dataclasses import dataclass

from waybill.faults.effects import FaultWithoutEffect
from waybill.history.recorder import Recorder
from waybill.interposer.table import Rule, Table


@dataclass(frozen=True)
class ArmedKill:
    """A call on which a node is going to be killed.

    Attributes:
        recorder: The recorder of the scenario.
        node: The node.
        table: The rules that its processes follow.
        rule: The number of the rule.
        fault: The fault's number in the history.
        where: At which call, in words: `in the middle of a write`.
    """

    recorder: Recorder
    node: str
    table: Table
    rule: int
    fault: int
    where: str

    def happened(self) -> None:
        """The node has gone: tells the history, if it was this.

        Raises:
            FaultWithoutEffect: The call never came.
        """
        acted = self.table.acted(self.rule)
        self.disarm()
        if not acted:
            raise FaultWithoutEffect(
                f"{self.node} never came to the call at which it was to be killed ({self.where}), so nothing is shown."
            )
        self.recorder.fault_observed(self.fault, f"{self.node} was killed {self.where}")

    def healed(self) -> None:
        """The node is back on what it left."""
        self.recorder.fault_end(self.fault)

    def disarm(self) -> None:
        """Whatever comes, the node is not killed any more. Idempotent."""
        self.table.disarm(self.rule)


def arm_kill(
    recorder: Recorder, node: str, table: Table, rule: Rule, kind: str, where: str, **details: object
) -> ArmedKill:
    """Puts a rule that kills into force, as a fault of the history."""
    number = recorder.fault_start(kind, node, **details)
    return ArmedKill(recorder, node, table, table.arm(rule), number, where)
