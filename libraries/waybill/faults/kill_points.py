"""Points on the way of a message through a server at which it can be killed: exactly there, whoever has to wait."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from waybill.faults.armed import ArmedKill, arm_kill
from waybill.faults.disk import Disks
from waybill.history.recorder import Recorder
from waybill.interposer.table import Action, Operation, Rule

SOCKETS: Final = "socket:*"
HELD: Final = 100
"""Milliseconds that a write or a sync is held before the kill. A server that acknowledges without waiting for it has
time to do so; one that waits is killed with nothing said."""


class KillPoint(Enum):
    """Where a server is killed. The member's value says it in the history."""

    WRITES = "before a write to its data"
    """Nothing of the message, or only a part, is in the file; the rest of the server had time to go on without."""
    SYNCS = "before a sync of its data"
    """The message is written, and nobody has made it durable; the rest of the server had time to go on without."""
    HAS_SYNCED = "after a sync of its data, before that returned"
    """The message is durable, and the server does not know it."""
    ANSWERS = "before it sent anything on a connection"
    """The message is committed, and its acknowledgement has not left."""
    HAS_ANSWERED = "right after it sent something on a connection"
    """The acknowledgement is on its way."""


_RULES: Final = {
    KillPoint.WRITES: (Operation.WRITE, Action.HOLD_KILL),
    KillPoint.SYNCS: (Operation.FSYNC, Action.HOLD_KILL),
    KillPoint.HAS_SYNCED: (Operation.FSYNC, Action.KILL_AFTER),
    KillPoint.ANSWERS: (Operation.SEND, Action.KILL_BEFORE),
    KillPoint.HAS_ANSWERED: (Operation.SEND, Action.KILL_AFTER),
}


@dataclass
class KillPoints:
    """Arms kills at points in nodes, and records them.

    Attributes:
        disks: The target.
        recorder: Gives the recorder of the scenario.
    """

    disks: Disks
    recorder: Callable[[], Recorder]

    def arm(self, node: str, point: KillPoint, number: int) -> ArmedKill:
        """Kills a node at a point, from now on.

        Args:
            node: The node.
            point: Where.
            number: Which call of that sort from now on, counted from 1 over all its threads and processes.

        Raises:
            MeansMissing: The node's processes cannot be disturbed.
        """
        table = self.disks.interposed(node)
        operation, action = _RULES[point]
        path = SOCKETS if operation is Operation.SEND else f"{table.watched}*"
        rule = Rule(operation, action, path=path, number=HELD, first=number, last=number)
        where = f"{point.value} (number {number} from when it was armed)"
        return arm_kill(self.recorder(), node, table, rule, "kill", where, point=point.value, number=number)
