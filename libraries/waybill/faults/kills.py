"""Kills at chosen moments of the traffic, each followed by a start on the same data and the clients' return.

After each of them the clients do what clients do: they connect again and retry what they do not know the outcome of,
under the same idempotency keys.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from waybill.devices.absences import come_back

if TYPE_CHECKING:
    from waybill.devices.conversation import Conversation
    from waybill.devices.device import Device
    from waybill.devices.scenario import Scenario
    from waybill.faults.process import ProcessFaults

BURST = 200
"""Messages in flight when a kill should meet some acknowledged and some not: a few of the server's commits."""


class Kills:
    """Kills of one node within a scenario.

    Args:
        scenario: Whose traffic it is.
        faults: What kills and starts.
        node: The node.
    """

    def __init__(self, scenario: Scenario, faults: ProcessFaults, node: str) -> None:
        self.scenario = scenario
        self.faults = faults
        self.node = node

    def after_acknowledgements(self, sender: Device, conversation: Conversation, count: int) -> None:
        """Kills when the last of so many messages was acknowledged and nothing else is under way."""
        sent = sender.send_many(conversation, count)
        self.scenario.wait_until_acknowledged(sent)
        self._kill(f"right after {count} messages were acknowledged")

    def during_burst(self, senders: Sequence[Device], conversations: Sequence[Conversation]) -> None:
        """Kills when a few messages of a burst are acknowledged and many are not."""
        before = self.scenario.acknowledged_count
        for sender, conversation in zip(senders, conversations, strict=True):
            sender.send_many(conversation, BURST, in_flight=2 * BURST)
        self.scenario.wait_for_acknowledged_count(before + 20)
        self._kill("in the middle of a burst")

    def on_acknowledgement(self, sender: Device, conversation: Conversation, number: int) -> None:
        """Kills on one particular acknowledgement, with later sends in flight."""
        sent = sender.send_many(conversation, 2 * number, in_flight=4 * number)
        self.scenario.wait_until_acknowledged(sent[:number])
        self._kill(f"on acknowledgement {number} of a burst")

    def during_backlog(self, sender: Device, receiver: Device, conversation: Conversation) -> None:
        """Kills when an offline device came back and holds the first part of what waited for it."""
        sent = sender.send_many(conversation, BURST)
        self.scenario.wait_until_acknowledged(sent)
        receiver.connect()
        receiver.wait_for_deliveries(sent[:10])
        self._kill("while a backlog was delivered")

    def after_restart(self, sender: Device, conversation: Conversation) -> None:
        """Kills twice: the second time on the first acknowledgement after the start."""
        self._kill("before a second kill")
        sent = sender.send(conversation)
        self.scenario.wait_until_acknowledged([sent])
        self._kill("on the first acknowledgement after a start")

    def _kill(self, moment: str) -> None:
        present = [device for device in self.scenario.devices if device.connected]
        self.faults.kill(self.node, moment)
        self.scenario.wait_until_answered()
        self.faults.start(self.node)
        come_back(present)
        unknown = [device.resend_unknown() for device in present]
        self.scenario.wait_until_acknowledged([sending for sent in unknown for sending in sent])
