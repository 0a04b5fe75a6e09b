"""Failovers: a node dies under traffic, and its clients go on at another one, from where the server knows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from waybill.devices.absences import wait_until_gone
from waybill.devices.everywhere import pairs, send_from, wait_until_everybody_holds
from waybill.devices.waiting import Deadline, DeadlinePassed
from waybill.faults.effects import FaultWithoutEffect

if TYPE_CHECKING:
    from waybill.devices.device import Device
    from waybill.devices.scenario import Scenario
    from waybill.faults.process import ProcessFaults

BURST: Final = 40
"""Messages of each device that a kill meets on their way."""
EARLY: Final = 24
"""The latest acknowledgement of a burst on which a node is killed."""
AFTERWARDS: Final = 10
"""Messages of each device while the node is down: at the nodes that are left."""


class Failovers:
    """Failovers within a scenario.

    Args:
        scenario: Whose traffic it is.
        faults: Kills and starts nodes.
        bound: Seconds after which clients must go on elsewhere.
        deadline: Seconds for everything that is not promised by a bound.
    """

    def __init__(self, scenario: Scenario, faults: ProcessFaults, bound: float, deadline: float) -> None:
        self.scenario = scenario
        self._faults = faults
        self._bound = bound
        self._deadline = deadline

    def in_turn(self, times: int) -> None:
        """Kills the nodes of the target one after the other, so many times in all.

        Each time everybody's messages are on their way. Whoever was at the node goes on at another one, and retries
        there what has no known outcome, under its key. Everybody writes while the node is down, and it is started
        again. Before the next one is killed everybody must hold everything; nobody waits for more than that and for the
        started node to say that it is ready.

        Raises:
            DeadlinePassed: Somebody could not go on within the bound, or lacks something.
            FaultWithoutEffect: Nobody was at the node.
        """
        nodes = self.scenario.target.nodes
        for turn in range(times):
            self.of(nodes[turn % len(nodes)], [node for node in nodes if node != nodes[turn % len(nodes)]])

    def of(self, node: str, others: list[str]) -> None:
        """One failover: of a node, to the others in turn."""
        scenario = self.scenario
        present = scenario.present
        moving = [device for device in present if device.node == node]
        if not moving:
            raise FaultWithoutEffect(f"Nobody was at {node}, so its death shows nothing.")
        self._burst(present)
        self._faults.kill(node, "while everybody's messages were on their way")
        limit = Deadline(self._bound)
        wait_until_gone(moving, node, limit.remaining())
        for number, device in enumerate(moving):
            device.connect(others[number % len(others)], deadline=max(1.0, limit.remaining()))
        retried = [one for device in moving for one in device.resend_unknown()]
        scenario.wait_until_acknowledged(retried, deadline=max(1.0, limit.remaining()))
        if limit.passed:
            raise DeadlinePassed(
                f"The clients of {node} went on at other nodes and had their answers, but not within the promised "
                f"{self._bound:g} s (recovery_bound)."
            )
        scenario.wait_until_answered(deadline=self._deadline)
        send_from(scenario, present, AFTERWARDS, self._deadline)
        self._faults.start(node)
        wait_until_everybody_holds(present, self._deadline)

    def _burst(self, present: list[Device]) -> None:
        """Puts everybody's messages on their way; returns when the first of them are acknowledged."""
        before = self.scenario.acknowledged_count
        threads = pairs(self.scenario)
        for device in present:
            own = [thread for thread in threads if device.user in thread.members]
            for thread in own:
                device.send_many(thread, BURST // len(own), in_flight=2 * BURST)
        number = self.scenario.random.randint(1, EARLY)
        self.scenario.wait_for_acknowledged_count(before + number, deadline=self._deadline)
