"""One message from a sender to a receiver, measured: how many bytes each part of it is on the links of the two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from waybill.faults.disturbances import Records
from waybill.network.flow import Hook

if TYPE_CHECKING:
    from waybill.devices.conversation import Conversation
    from waybill.devices.device import Device
    from waybill.faults.links import Links
    from waybill.network.link import Link

SIZE: Final = 24
"""Bytes of a body: every byte of a frame is tried, so frames are short."""
PIECE: Final = 16
"""Bytes of a piece in the rehearsal that shows what a record of TLS adds to what it carries."""
_NEVER: Final = 1 << 62


@dataclass(frozen=True, slots=True)
class Measures:
    """How many bytes pass when one message is sent, acknowledged, delivered and acknowledged by its receiver.

    Attributes:
        send: From the sender to the node.
        answer: From the node to the sender.
        delivery: From the node to the receiver.
        receipt: From the receiver to the node; 0 where receivers acknowledge nothing.
        frame: Bytes of the send itself, without the records that carry it; 0 where it cannot be sent in pieces.
        around: Bytes that a record adds to what it carries.
    """

    send: int
    answer: int
    delivery: int
    receipt: int
    frame: int
    around: int


def added_by_records(in_pieces: tuple[int, int], whole: tuple[int, int]) -> int:
    """How many bytes a record adds to what it carries; 0 where a frame cannot be sent in pieces.

    Args:
        in_pieces: Bytes and records of one send in pieces.
        whole: Bytes and records of another send as a whole. It may be a few bytes longer or shorter, as numbers in
            frames are.
    """
    (more, many), (fewer, one) = in_pieces, whole
    return round((more - fewer) / (many - one)) if many > one else 0


class Exchange:
    """Rehearses the exchange of one message between two devices that are online and at rest.

    Args:
        links: The links of the target.
        sender: Who sends.
        receiver: Who receives, and acknowledges when told to.
        conversation: Where.
        deadline: Seconds for every answer and delivery.
    """

    def __init__(
        self, links: Links, sender: Device, receiver: Device, conversation: Conversation, deadline: float
    ) -> None:
        self._links = links
        self._sender = sender
        self._receiver = receiver
        self._conversation = conversation
        self._deadline = deadline

    def measure(self, times: int = 3) -> Measures:
        """What passes at most in a few rehearsals.

        Raises:
            DeadlinePassed: An answer or a delivery did not come.
        """
        self._sender.reconnect(piece=PIECE)
        in_pieces, many = self._rehearse()[:2]
        self._sender.reconnect(piece=0)
        rehearsed = [self._rehearse() for _ in range(times)]
        whole, one = rehearsed[0][:2]
        around = added_by_records((in_pieces, many), (whole, one))
        send, answer, delivery, receipt = (max(each[place] for each in rehearsed) for place in (0, 2, 3, 4))
        frame = whole - one * around if around else 0
        return Measures(send, answer, delivery, receipt, frame, around)

    def _rehearse(self) -> tuple[int, int, int, int, int]:
        """Bytes and records of one send, then bytes of its answer, its delivery and the receiver's acknowledgement."""
        ours, theirs = (self._link(device) for device in (self._sender, self._receiver))
        hook = Hook(Records(), _NEVER, lambda: None)
        network = self._links.network
        network.do(lambda: ours.up.hook(hook))
        before = [flow.passed for flow in (ours.up, ours.down, theirs.down, theirs.up)]
        sending = self._sender.send(self._conversation, size=SIZE)
        self._sender.scenario.wait_until_answered([sending], deadline=self._deadline)
        self._receiver.wait_for_deliveries([sending], deadline=self._deadline)
        after = [flow.passed for flow in (ours.up, ours.down, theirs.down)]
        self._receiver.acknowledge(deadline=self._deadline)
        after.append(theirs.up.passed)
        network.heal(ours)
        sent, answered, delivered, acknowledged = (
            end - begin for begin, end in zip(before, after, strict=True)
        )
        return sent, hook.seen, answered, delivered, acknowledged

    def _link(self, device: Device) -> Link:
        return self._links.link(device.name, device.node)
