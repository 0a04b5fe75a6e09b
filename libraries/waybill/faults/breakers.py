"""Breakers: a node is slow, dead or out of reach, the others give it up and go on, and use it again when it is back."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from waybill.devices.absences import come_back, wait_until_gone
from waybill.devices.everywhere import send_from

if TYPE_CHECKING:
    from waybill.devices.scenario import Scenario
    from waybill.faults.partitions import Partitions
    from waybill.faults.peer_states import PeerStates
    from waybill.faults.process import ProcessFaults


class Trouble(Enum):
    """What is wrong with a node. The value names it in the history."""

    IS_DEAD = "dead"
    """It was killed: connections to it are refused."""
    IS_SLOW = "slow"
    """It stands still: connections are taken, and nothing answers."""
    IS_OUT_OF_REACH = "out of reach"
    """Whatever the others say to it vanishes, and the other way round."""


class Breakers:
    """Trips of breakers within a scenario, each recorded as what a node does with its link to another one.

    The trip is observed when the node says that its breaker is open, and ends when it says that it is closed again.

    Args:
        scenario: Whose traffic it is.
        faults: Kills, pauses, resumes and starts nodes.
        partitions: Cuts nodes off.
        states: Says what the breakers are.
        bound: Seconds within which a breaker must open.
        deadline: Seconds for everything that is not promised by a bound.
    """

    def __init__(
        self,
        scenario: Scenario,
        faults: ProcessFaults,
        partitions: Partitions,
        states: PeerStates,
        bound: float,
        deadline: float,
    ) -> None:
        self.scenario = scenario
        self._faults = faults
        self._partitions = partitions
        self._states = states
        self._bound = bound
        self._deadline = deadline

    def trip(self, trouble: Trouble, messages: int) -> None:
        """Brings a node into trouble, while everybody at the others writes, and out of it again.

        The seed draws which node, and which other one is asked about its breaker. So many messages of each device must
        be acknowledged, or refused for good, when the trouble begins, and again while the breaker is open.

        Raises:
            DeadlinePassed: A message had no outcome, or the breaker did not open, or did not close.
        """
        asked, node = self.scenario.random.sample(list(self.scenario.target.nodes), 2)
        self._states.wait_until_closed(asked, node, self._deadline)
        there = [device for device in self.scenario.devices if device.connected and device.node == node]
        others = [device for device in self.scenario.devices if device.connected and device.node != node]
        recorder = self.scenario.recorder
        trip = recorder.fault_start("breaker", asked, peer=node, trouble=trouble.value)
        self._begin(trouble, node)
        send_from(self.scenario, others, messages, self._deadline)
        found = self._states.wait_until_open(asked, node, self._bound)
        recorder.fault_observed(trip, f"{asked} says that its breaker to {node} is {found}")
        send_from(self.scenario, others, messages, self._deadline)
        if trouble is Trouble.IS_DEAD:
            wait_until_gone(there, node, self._deadline)
        self._end(trouble, node)
        self._states.wait_until_closed(asked, node, self._deadline)
        recorder.fault_end(trip)
        come_back(there)

    def _begin(self, trouble: Trouble, node: str) -> None:
        match trouble:
            case Trouble.IS_DEAD:
                self._faults.kill(node, "so that the others give it up")
            case Trouble.IS_SLOW:
                self._faults.pause(node, "so that the others give it up")
            case Trouble.IS_OUT_OF_REACH:
                self._partitions.isolate(node)

    def _end(self, trouble: Trouble, node: str) -> None:
        match trouble:
            case Trouble.IS_DEAD:
                self._faults.start(node)
            case Trouble.IS_SLOW:
                self._faults.resume(node)
            case Trouble.IS_OUT_OF_REACH:
                self._partitions.heal(deadline=self._deadline)
