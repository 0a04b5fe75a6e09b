"""Traffic while a disk fails: what is written fails or is answered, reads go on, and service returns with the disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from waybill.devices.absences import come_back_and_retry, wait_until_gone
from waybill.devices.waiting import Deadline, look_until
from waybill.faults.disk import DiskFault, DiskFaults
from waybill.faults.mechanisms import Mechanism
from waybill.history.events import Operation

if TYPE_CHECKING:
    from waybill.devices.conversation import Conversation
    from waybill.devices.device import Device
    from waybill.devices.scenario import Scenario
    from waybill.faults.process import ProcessFaults

LATEST_WRITE: Final = 40
"""The latest write of a burst that is torn."""
PAGE: Final = 4096
"""A torn write keeps fewer bytes than a page of a file system."""
BURST: Final = 200
PIECE: Final = 5
"""Messages of a burst that are sent at once."""
GOING: Final = 0.5
"""Seconds within which a process is gone whose connections are."""


class DiskFailures:
    """Failures of the disk of one node within a scenario.

    Args:
        scenario: Whose traffic it is.
        disk: Breaks and mends.
        faults: Starts the node again.
        node: The node.
        deadline: Seconds for every answer and return.
    """

    def __init__(
        self, scenario: Scenario, disk: DiskFaults, faults: ProcessFaults, node: str, deadline: float
    ) -> None:
        self.scenario = scenario
        self.disk = disk
        self.faults = faults
        self.node = node
        self.deadline = deadline

    def send_while(
        self,
        fault: DiskFault,
        sender: Device,
        reader: Device,
        conversation: Conversation,
        count: int,
        *,
        mechanism: Mechanism = Mechanism.INTERPOSED,
        first: int = 1,
        then_lose_power: bool = False,
    ) -> None:
        """Sends while the disk fails, reads meanwhile, and sees the service return.

        Args:
            fault: What is wrong with the disk.
            sender: Who writes.
            reader: Who reads; reading needs no write.
            conversation: Where.
            count: How many messages: half of them one after the other, the others at once.
            mechanism: What carries the fault out.
            first: The first call of the node that it is about.
            then_lose_power: The power fails while the disk still does, so that nothing can make good what it refused.

        Raises:
            AssertionError: The node ended by itself.
            DeadlinePassed: A send got no outcome, or the service did not return.
            FaultWithoutEffect: The node never met the fault.
        """
        present = self.scenario.present
        self.disk.begin(self.node, fault, mechanism, first=first)
        try:
            with self._found_dead(fault):
                self._send_and_read(sender, reader, conversation, count)
            self._require_alive(fault)
        finally:
            if then_lose_power:
                self.faults.lose_power(self.node, f"while its disk failed ({fault.value})")
            self.disk.end(self.node)
        if then_lose_power:
            wait_until_gone(present, self.node, self.deadline)
            self.scenario.wait_until_answered(deadline=self.deadline)
            self.faults.start(self.node)
            self._service_returns(present, sender, conversation)
        else:
            with self._found_dead(fault):
                self._service_returns(present, sender, conversation)

    def _send_and_read(self, sender: Device, reader: Device, conversation: Conversation, count: int) -> None:
        for _ in range(count - count // 2):
            if not sender.connected:
                break
            self.scenario.wait_until_answered([sender.send(conversation)], deadline=self.deadline)
        # What is committed together fails together, on another path than a message alone.
        if sender.connected and count > 1:
            self.scenario.wait_until_answered(
                sender.send_many(conversation, count // 2), deadline=self.deadline
            )
        if reader.connected and self.scenario.can(Operation.SYNC):
            reader.read_log()

    def tear_a_write(self, sender: Device, conversation: Conversation) -> None:
        """Ends the node in the middle of a write of a burst; the seed draws which one, and how much of it is left.

        Raises:
            FaultWithoutEffect: The burst made fewer writes.
            DeadlinePassed: The node did not come to the write, or the service did not return.
        """
        drawn = self.scenario.random
        present = self.scenario.present
        torn = self.disk.tear(
            self.node, write=drawn.randint(1, LATEST_WRITE), size=drawn.randint(0, PAGE - 1)
        )
        # In pieces, each with its own commit: what comes at once may be few writes however much it is.
        for _ in range(BURST // PIECE):
            self.scenario.wait_until_answered(sender.send_many(conversation, PIECE), deadline=self.deadline)
            if not sender.connected:
                break
        torn.happened()
        wait_until_gone(present, self.node, self.deadline)
        self.scenario.wait_until_answered(deadline=self.deadline)
        self.faults.processes.kill(self.node)
        self.faults.processes.start(self.node)
        torn.healed()
        self._service_returns(present, sender, conversation)

    def _service_returns(self, present: list[Device], sender: Device, conversation: Conversation) -> None:
        """Everybody who was there is there again, retries what is unknown, and one more message is acknowledged."""
        unknown = come_back_and_retry(present)
        self.scenario.wait_until_acknowledged([*unknown, sender.send(conversation)], deadline=self.deadline)

    @contextmanager
    def _found_dead(self, fault: DiskFault) -> Iterator[None]:
        """Whatever fails because the node ended by itself says that it did: somebody's login or read is no cause."""
        try:
            yield
        except Exception:
            look_until(lambda: not self.faults.processes.alive(self.node), Deadline(GOING))
            self._require_alive(fault)
            raise

    def _require_alive(self, fault: DiskFault) -> None:
        if self.faults.processes.alive(self.node) is False:
            raise AssertionError(
                f"Expected {self.node} to live on while its disk failed ({fault.value}); it ended by itself."
            )
