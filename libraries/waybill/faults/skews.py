"""Traffic while clocks are wrong: what was sent arrives, in order and once, whatever the clocks say."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from waybill.devices import expiring
from waybill.devices.absences import come_back_and_retry
from waybill.devices.waiting import CapabilityMissing
from waybill.drivers.base import Capability
from waybill.faults.clock import ClockFaults, Skew
from waybill.faults.recovery import recover

if TYPE_CHECKING:
    from waybill.devices.conversation import Conversation
    from waybill.devices.device import Device
    from waybill.devices.scenario import Scenario
    from waybill.faults.process import ProcessFaults


class Skews:
    """Wrong clocks within a scenario.

    Args:
        scenario: Whose traffic it is.
        clocks: Puts them wrong and right.
        faults: Starts a node again.
        node: The node.
        deadline: Seconds for every answer and return.
    """

    def __init__(
        self, scenario: Scenario, clocks: ClockFaults, faults: ProcessFaults, node: str, deadline: float
    ) -> None:
        self.scenario = scenario
        self.clocks = clocks
        self.faults = faults
        self.node = node
        self.deadline = deadline

    def send_while(
        self,
        skews: Sequence[Skew],
        sender: Device,
        receiver: Device,
        conversation: Conversation,
        count: int,
        *,
        restart: bool = False,
    ) -> None:
        """Sends while the server's clock is wrong in one way after the other, and again when it is right.

        Each time half of the messages find the receiver online and half of them away, and where the server keeps
        idempotency keys, half of them are retried. It comes back by a login under the wrong clock.

        Args:
            skews: How the clock is wrong, in turn.
            sender: Who writes.
            receiver: To whom.
            conversation: Where.
            count: How many messages for each way.
            restart: The node is killed and started while the clock is wrong, so that it has never known better.

        Raises:
            DeadlinePassed: A send got no outcome, or did not arrive.
            FaultWithoutEffect: No process looked at its clock.
        """
        with self.wrong(skews[0]):
            if restart:
                self._restart()
            for place, skew in enumerate(skews):
                if place:
                    self.clocks.step(skew)
                self._talk(sender, receiver, conversation, count)
        self._talk(sender, receiver, conversation, count)

    @contextmanager
    def wrong(self, skew: Skew) -> Iterator[None]:
        """The server's clock is wrong as long as this lasts, and was looked at."""
        self.clocks.begin(skew)
        try:
            yield
        except BaseException:
            self.clocks.give_up()
            raise
        self.clocks.end()

    def send_from_wrong_device(
        self, offset: float, sender: Device, receiver: Device, conversation: Conversation, count: int
    ) -> None:
        """Sends from a device whose own clock is off: it says so in every frame of its session.

        Args:
            offset: Seconds that it is ahead; negative where it is behind.
            sender: The device.
            receiver: To whom it writes.
            conversation: Where.
            count: How many messages.

        Raises:
            CapabilityMissing: The protocol has no word in which a client could say the time.
        """
        if Capability.EXTRA_MEMBERS not in self.scenario.driver.capabilities:
            raise CapabilityMissing(self.scenario.driver.name, Capability.EXTRA_MEMBERS.value)
        fault = self.scenario.recorder.fault_start("clock-step", sender.name, offset=offset, rate=1.0)
        said = round((time.time() + offset) * 1000)
        sender.reconnect(extra={"time": said})
        sent = sender.send_many(conversation, count)
        self.scenario.wait_until_acknowledged(sent, deadline=self.deadline)
        self.scenario.recorder.fault_observed(
            fault, f"{sender.name} said in {count} messages that it is {said} ms since 1970 ({Skew(offset)})"
        )
        receiver.wait_for_deliveries(sent, deadline=self.deadline)
        sender.reconnect()
        self.scenario.recorder.fault_end(fault)

    def send_expiring(
        self,
        offset: float,
        sender: Device,
        receiver: Device,
        conversation: Conversation,
        count: int,
        ttl: float,
    ) -> None:
        """Sends messages with a time to live to somebody who is away until all of them have expired.

        Half of them come from a device whose own clock is off to the one side, and the server's clock steps to the
        other while they wait: neither makes their time any shorter or longer. The receiver comes back under the wrong
        clock.

        Args:
            offset: Seconds that the server's clock steps ahead; negative for back.
            sender: The device.
            receiver: To whom it writes.
            conversation: Where.
            count: How many messages.
            ttl: How many seconds they live.

        Raises:
            CapabilityMissing: The protocol has no such messages, or no word in which a client could say the time.
            DeadlinePassed: The sender was not told of their end.
            FaultWithoutEffect: No process looked at its clock.
        """
        if Capability.TTL not in self.scenario.driver.capabilities:
            raise CapabilityMissing(self.scenario.driver.name, Capability.TTL.value)
        receiver.close()
        half = count // 2
        sent = expiring.send_expiring_from_wrong_device(sender, conversation, half, ttl, -offset)
        sent += expiring.send_expiring(sender, conversation, count - half, ttl)
        self.scenario.wait_until_acknowledged(sent, deadline=self.deadline)
        with self.wrong(Skew(offset)):
            expiring.learn_what_expired(sender, sent, self.deadline)
            receiver.connect()

    def _talk(self, sender: Device, receiver: Device, conversation: Conversation, count: int) -> None:
        present = self.scenario.present
        sent = sender.send_many(conversation, count - count // 2)
        self._answered(present)
        receiver.wait_for_deliveries([one for one in sent if one.taken], deadline=self.deadline)
        # It says goodbye: what becomes of a connection that was lost is another guarantee's business.
        receiver.close()
        sent += sender.send_many(conversation, count // 2)
        self._answered([device for device in present if device is not receiver])
        if self.scenario.target.promises.get("dedup", "none") != "none":
            sender.retry_many([one for one in sent if one.taken][::2])
        self._answered(present)
        receiver.wait_for_deliveries([one for one in sent if one.taken], deadline=self.deadline)

    def _answered(self, present: Sequence[Device]) -> None:
        """Every send has an outcome and everybody is there: who was turned away came back, and retried."""
        self.scenario.wait_until_answered(deadline=self.deadline)
        self.scenario.wait_until_acknowledged(come_back_and_retry(present), deadline=self.deadline)

    def _restart(self) -> None:
        present = self.scenario.present
        self.faults.kill(self.node, "to be started under a wrong clock")
        recover(self.scenario, self.faults, self.node, present, self.deadline)
