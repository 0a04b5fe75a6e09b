"""Every kind of client at every release of a server, writing to each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from waybill.devices.waiting import DeadlinePassed
from waybill.drivers.base import Capability
from waybill.drivers.clients import Client
from waybill.faults.releases import change_release
from waybill.faults.upkeep import Upkeep
from waybill.versions import negotiation

if TYPE_CHECKING:
    from waybill.devices.device import Device
    from waybill.devices.scenario import Scenario
    from waybill.devices.sending import Sending
    from waybill.faults.process import ProcessFaults

WAITING = 10
"""Messages that wait for each person while the server is upgraded."""


class Meeting:
    """One person with each kind of client, at one node.

    The node runs its oldest release and serves every kind of client when this is made.

    Args:
        scenario: Whose history it is.
        faults: Stops and starts the node.
        upkeep: The node.
        node: Its name.
        clients: The kinds of clients.
        deadline: Seconds for every answer and delivery.

    Attributes:
        through: For each kind of client and each release how many of its messages reached whom they were for.
    """

    def __init__(
        self,
        scenario: Scenario,
        faults: ProcessFaults,
        upkeep: Upkeep,
        node: str,
        clients: Sequence[Client],
        deadline: float,
    ) -> None:
        self.scenario = scenario
        self.through: dict[tuple[str, str], int] = {}
        self._faults = faults
        self._upkeep = upkeep
        self._node = node
        self._deadline = deadline
        self._people = [scenario.user(client.name, client=client).devices["phone"] for client in clients]

    def talk_on_every_release(self, count: int) -> None:
        """Everybody sends so many messages in all to the others, on one release after the other.

        Before each upgrade messages are left for those who are away; they must have them after it.

        Raises:
            AssertionError: A client could not log in, was given a version that is not the highest common one, or a
                message did not get through.
        """
        waiting: list[Sending] = []
        for place, release in enumerate(self._upkeep.releases):
            if place:
                waiting = self._leave_messages()
                change_release(
                    self.scenario, self._faults, self._upkeep, self._node, release, every_client=True
                )
            guest = self.scenario.user("guest").devices["phone"]
            found = negotiation.choices(guest)
            negotiation.require_no_silent_downgrade(guest, self._people[-1], found)
            spoken = sorted({version for version in found.values() if version is not None})
            negotiation.say_strange_things(guest, self._people[-1], spoken, self._deadline)
            for person in self._people:
                person.connect()
            self._wait_for(waiting, f"what waited for them when the server became release {release}")
            self._talk(count, release)

    def _talk(self, count: int, release: str) -> None:
        sent: dict[Device, list[Sending]] = {}
        for sender in self._people:
            others = [person for person in self._people if person is not sender]
            sent[sender] = []
            for place, other in enumerate(others):
                share = count // len(others) + (place < count % len(others))
                sent[sender] += sender.send_many(self.scenario.direct(sender.user, other.user), share)
        for sender, sendings in sent.items():
            self._wait_for(sendings, f"what {sender.user} sent on release {release}")
            self.through[sender.user, release] = sum(
                any(person.inbox.holds(one) for person in self._people if person is not sender)
                for one in sendings
            )

    def _leave_messages(self) -> list[Sending]:
        """One person writes to the others, who are away; the newest kind of client does, which is told the outcome."""
        writer, others = self._people[-1], self._people[:-1]
        for person in others:
            person.close()
        left = [
            one
            for person in others
            for one in writer.send_many(self.scenario.direct(writer.user, person.user), WAITING)
        ]
        self.scenario.wait_until_acknowledged(left, deadline=self._deadline)
        return left

    def _wait_for(self, sendings: Sequence[Sending], what: str) -> None:
        """Waits until those whom messages are for have them, and their senders an answer where there is one.

        Raises:
            AssertionError: They did not get there.
        """
        self.scenario.wait_until_answered(sendings, deadline=self._deadline)
        if any(
            not one.acknowledged
            for one in sendings
            if Capability.SENDER_ACK in self.scenario.device(one.device).driver.capabilities
        ):
            self.scenario.wait_until_acknowledged(sendings, deadline=self._deadline)
        for person in self._people:
            theirs = [
                one for one in sendings if person.user in one.conversation.members and one.user != person.user
            ]
            try:
                person.wait_for_deliveries(theirs, deadline=self._deadline)
            except DeadlinePassed as passed:
                raise AssertionError(f"Expected {person.user} to be given {what}. {passed}") from None
