"""Kills swept over the way of a message: at points inside the server, and at moments after its acknowledgement.

Each is followed by a start on the same data and the clients' return, as in `waybill.faults.kills`.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from waybill.devices.absences import come_back_and_retry, wait_until_gone
from waybill.faults.kill_points import KillPoint, KillPoints
from waybill.faults.recovery import recover

if TYPE_CHECKING:
    from waybill.devices.conversation import Conversation
    from waybill.devices.device import Device
    from waybill.devices.scenario import Scenario
    from waybill.faults.process import ProcessFaults

LATEST: Final = 12
"""The latest call of a sort at which a node is killed: a few messages' worth of writes, syncs and answers."""
MOST: Final = 200
"""Messages sent one by one until a point must have been reached."""


class Sweep:
    """Kills of one node within a scenario.

    Args:
        scenario: Whose traffic it is.
        points: Arms the kills inside the node.
        faults: What kills and starts.
        node: The node.
        deadline: Seconds for every answer and return.
    """

    def __init__(
        self, scenario: Scenario, points: KillPoints, faults: ProcessFaults, node: str, deadline: float
    ) -> None:
        self.scenario = scenario
        self.points = points
        self.faults = faults
        self.node = node
        self.deadline = deadline

    def at_point(self, point: KillPoint, sender: Device, conversation: Conversation) -> None:
        """Sends one by one until the node is killed at a point on a message's way; the seed draws at which time.

        Raises:
            DeadlinePassed: Somebody did not notice that the node is gone.
            FaultWithoutEffect: The node never came there.
        """
        present = self.scenario.present
        armed = self.points.arm(self.node, point, self.scenario.random.randint(1, LATEST))
        try:
            for _ in range(MOST):
                if not sender.connected:
                    break
                self.scenario.wait_until_answered([sender.send(conversation)], deadline=self.deadline)
            if sender.connected:
                armed.happened()
            wait_until_gone(present, self.node, self.deadline)
            self.scenario.wait_until_answered(deadline=self.deadline)
            armed.happened()
        finally:
            armed.disarm()
        # What the process had started beside itself goes with it.
        self.faults.processes.kill(self.node)
        self.faults.processes.start(self.node)
        armed.healed()
        self._return(present)

    def later(self, seconds: float, sender: Device, conversation: Conversation, listener: Device) -> None:
        """Kills so long after the acknowledgement of a message; until then others go one by one to somebody who is
        online, so that the node is never idle and nobody's inbox fills.

        Raises:
            DeadlinePassed: A send got no outcome, or somebody did not notice that the node is gone.
        """
        present = self.scenario.present
        self.scenario.wait_until_acknowledged([sender.send(conversation)], deadline=self.deadline)
        until = time.monotonic() + seconds
        busy = self.scenario.direct(sender.user, listener.user)
        while time.monotonic() < until:
            sent = [sender.send(busy)]
            self.scenario.wait_until_acknowledged(sent, deadline=self.deadline)
            listener.wait_for_deliveries(sent, deadline=self.deadline)
        self.faults.kill(self.node, f"{seconds:g} s after an acknowledgement")
        recover(self.scenario, self.faults, self.node, present, self.deadline)

    def crash_again_and_again(self, times: int) -> None:
        """Kills the node as often as this, each time as soon as it was ready again."""
        present = self.scenario.present
        for time_ in range(1, times + 1):
            self.faults.kill(self.node, f"as soon as it was ready, time {time_} of {times}")
            self.faults.start(self.node)
        wait_until_gone(present, self.node, self.deadline)
        self.scenario.wait_until_answered(deadline=self.deadline)
        self._return(present)

    def _return(self, present: list[Device]) -> None:
        self.scenario.wait_until_acknowledged(come_back_and_retry(present), deadline=self.deadline)
