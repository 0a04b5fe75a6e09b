"""Conversations as people have them: typing, writing, receipts, read markers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from waybill.devices.waiting import Deadline, DeadlinePassed, some

if TYPE_CHECKING:
    from waybill.devices.conversation import Conversation
    from waybill.devices.device import Device
    from waybill.devices.scenario import Scenario
    from waybill.drivers.base import Receipt

CONVERGE = 10.0
"""Seconds for receipts to reach everybody at rest."""


def one_round(one: Device, other: Device, conversation: Conversation, messages: int) -> None:
    """One round of a talk: each types, writes half of the messages, is received, read, and sees that it was read."""
    for writer, reader, share in ((one, other, messages - messages // 2), (other, one, messages // 2)):
        writer.typing(conversation)
        reader.wait_for_typing(conversation, writer.user)
        sent = writer.send_many(conversation, share)
        writer.typing(conversation, False)
        reader.wait_for_typing(conversation, writer.user, False)
        writer.scenario.wait_until_acknowledged(sent)
        reader.wait_for_deliveries(sent)
        last = max(sending.outcome.sequence for sending in sent if sending.outcome)
        reader.mark_read(conversation, last)
        writer.wait_for_receipt(conversation, reader.user, delivered=last, read=last)


def set_markers(
    scenario: Scenario, conversation: Conversation, devices: Sequence[Device], count: int
) -> None:
    """Sets read markers at places that the seed draws, each from a device that the seed draws.

    Raises:
        ValueError: Nothing in the conversation is acknowledged yet.
    """
    sequences = [
        sending.outcome.sequence
        for sending in scenario.sendings
        if sending.conversation is conversation and sending.acknowledged and sending.outcome
    ]
    if not sequences or max(sequences) < 1:
        raise ValueError(f"Nothing is acknowledged in {conversation.name} yet, so nothing can be read.")
    newest = max(sequences)
    for _ in range(count):
        scenario.random.choice(list(devices)).mark_read(conversation, scenario.random.randint(1, newest))


def receipts_converge(conversation: Conversation, devices: Sequence[Device]) -> None:
    """Waits until the server's watermarks cover all that was sent, then asks for them from every device.

    The answers are in the history, where the checker compares them.

    Raises:
        DeadlinePassed: The watermarks of somebody stay behind what their devices were given and acknowledged.
    """
    limit = Deadline(CONVERGE)
    newest = _newest_from_others(conversation, devices[0].scenario)
    behind = _behind(devices[0].markers(conversation), newest)
    while behind:
        if limit.passed:
            raise DeadlinePassed(
                f"The receipts of {conversation.name} should cover everything within {CONVERGE:g} s; {some(behind)}. "
                f"{devices[0].name} is {devices[0].state}."
            )
        behind = _behind(devices[0].markers(conversation), newest)
    for device in devices:
        device.markers(conversation)


def _newest_from_others(conversation: Conversation, scenario: Scenario) -> dict[str, int]:
    """For each member the sequence of the newest message that somebody else sent it."""
    return {
        member: max(
            (
                sending.outcome.sequence
                for sending in scenario.sendings
                if sending.conversation is conversation and sending.acknowledged and sending.outcome
                if sending.user != member
            ),
            default=0,
        )
        for member in conversation.members
    }


def _behind(receipts: Sequence[Receipt], newest: dict[str, int]) -> list[str]:
    """Who was given less than was sent to them, in words."""
    delivered = {receipt.user: receipt.delivered for receipt in receipts}
    return [
        f"{user} was given {delivered.get(user, -1)} of {wanted}"
        for user, wanted in newest.items()
        if delivered.get(user, -1) < wanted
    ]
