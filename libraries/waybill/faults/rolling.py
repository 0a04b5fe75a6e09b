"""A rolling upgrade: the nodes of a server become another release one by one while every kind of client writes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from waybill.devices.absences import come_back_and_retry
from waybill.devices.waiting import DeadlinePassed
from waybill.drivers.base import Capability
from waybill.drivers.clients import Client
from waybill.faults.releases import change_release
from waybill.faults.upkeep import Upkeep

if TYPE_CHECKING:
    from waybill.devices.device import Device
    from waybill.devices.scenario import Scenario
    from waybill.devices.sending import Sending
    from waybill.faults.process import ProcessFaults

RATE: Final = 20.0
"""Messages per second of each stream: a node that need not ask another one accepts as much as it is given."""
UNANSWERED_RATE: Final = 5.0
"""The same where a send is answered with nothing, which holds nobody back who is too fast."""
IN_FLIGHT: Final = 4
"""Unanswered sends of each stream: few, so that a busy machine is not made busier by traffic that nobody waits for."""
FEW: Final = 50
"""Messages that a server has the whole deadline for: how much traffic there is depends on the machine, too."""


class RollingUpgrade:
    """A person with each kind of client at each node, and the releases of the nodes.

    Args:
        scenario: Whose history it is.
        faults: Stops and starts the nodes.
        upkeep: Gives what can be done to a node.
        nodes: Their names.
        clients: The kinds of clients.
        deadline: Seconds for every answer and delivery.
    """

    def __init__(
        self,
        scenario: Scenario,
        faults: ProcessFaults,
        upkeep: Callable[[str], Upkeep],
        nodes: Sequence[str],
        clients: Sequence[Client],
        deadline: float,
    ) -> None:
        self.scenario = scenario
        self._faults = faults
        self._upkeep = upkeep
        self._nodes = tuple(nodes)
        self._clients = tuple(clients)
        self._deadline = deadline
        self._people: list[Device] = []

    def run(self, count: int) -> None:
        """Upgrades every node from its oldest release to its newest while people write, lets the second one go back,
        and upgrades it again. So many messages are acknowledged in all; what is accepted without a word comes on top.

        Everybody writes to somebody with each kind of client. Whoever was at a node comes back to it, once. A client
        that is never told what became of a send says goodbye before its node goes: what it had under way then would be
        gone, and nobody could know.

        Raises:
            AssertionError: A connection broke that had nothing to do with it, or somebody was not given what was
                acknowledged, or accepted without a word, while releases were mixed.
        """
        self._let_people_write()
        back = self._nodes[min(1, len(self._nodes) - 1)]
        changes = [(node, "newest") for node in self._nodes] + [(back, "oldest"), (back, "newest")]
        retried: list[Sending] = []
        for place, (node, release) in enumerate(changes):
            self._wait_for(count * (place + 1) // (len(changes) + 1))
            retried += self._change(node, release)
        self._wait_for(count)
        self.scenario.stop_sending(deadline=self._deadline)
        self.scenario.wait_until_acknowledged(retried, deadline=self._deadline)

    def _let_people_write(self) -> None:
        scenario = self.scenario
        for node in self._nodes:
            for client in self._clients:
                person = scenario.user(f"{client.name}-{node}", client=client).devices["phone"]
                person.connect(node)
                self._people.append(person)
        for place, person in enumerate(self._people):
            for further in range(1, len(self._clients) + 1):
                other = self._people[(place + further) % len(self._people)]
                conversation = scenario.direct(person.user, other.user)
                rate = RATE if _is_answered(person) else UNANSWERED_RATE
                scenario.start_sending(person, conversation, rate=rate, in_flight=IN_FLIGHT)

    def _wait_for(self, count: int) -> None:
        """Waits until so many messages are acknowledged; the deadline is for each few of them."""
        scenario = self.scenario
        for goal in (*range(scenario.answered_count + FEW, count, FEW), count):
            scenario.wait_for_acknowledged_count(goal, accepted=False, deadline=self._deadline)

    def _change(self, node: str, release: str) -> list[Sending]:
        """Lets one node be another release; its people come back and retry what they do not know the outcome of."""
        there = [person for person in self._people if person.node == node]
        before = {person: person.epoch for person in self._people if person.node != node}
        for person in there:
            if not _is_answered(person):
                person.close(self._deadline)
        change_release(self.scenario, self._faults, self._upkeep(node), node, release, every_client=True)
        retried = come_back_and_retry(there)
        for person, epoch in before.items():
            if person.epoch is not epoch or not person.connected:
                raise AssertionError(
                    f"Expected {person.name} at {person.node} to stay connected while {node} became another release "
                    f"({self._mixture()}); it is {person.state}."
                )
        self._require_given()
        return retried

    def _require_given(self) -> None:
        """Everybody is given what is acknowledged, or accepted without a word, by now."""
        owed = {person: self.scenario.owed(person) for person in self._people}
        for person, sendings in owed.items():
            try:
                person.wait_for_deliveries(sendings, deadline=self._deadline)
            except DeadlinePassed as passed:
                raise AssertionError(
                    f"Expected {person.name} at {person.node} to be given what the server had taken by now, with "
                    f"releases mixed: {self._mixture()}. {passed}"
                ) from None

    def _mixture(self) -> str:
        return ", ".join(f"{node} runs {self._upkeep(node).release}" for node in self._nodes)


def _is_answered(person: Device) -> bool:
    """Whether its server answers a send."""
    return Capability.SENDER_ACK in person.driver.capabilities
