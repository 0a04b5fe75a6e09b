"""Operations that may be refused: begun, waited for, and never raised about."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from waybill.devices.waiting import Deadline, DeadlinePassed
from waybill.drivers.base import Delivery, Outcome, Session
from waybill.history.events import Completion, Operation

if TYPE_CHECKING:
    from waybill.devices.conversation import Conversation
    from waybill.devices.device import Device
    from waybill.devices.sending import Sending

ANSWER: Final = 5.0
"""Seconds for a server to answer one operation."""

INEXPRESSIBLE: Final = "no-direct-conversation"
"""The code of an operation that the protocol has no words for: nothing left the device."""

FAR: Final = 1_000_000
"""Further than any log of a scenario reaches."""


class NotTried(Exception):
    """A case cannot be tried against this target; the text says why."""


def need(device: Device, *operations: Operation) -> None:
    """Fails unless the protocol has these operations.

    Raises:
        NotTried: It lacks one.
    """
    for operation in operations:
        if not device.scenario.can(operation):
            raise NotTried(f"the protocol of {device.scenario.driver.name} has no {operation.name.lower()}")


def ask(device: Device, what: Operation, start: Callable[[Session, int], None], **details: Any) -> Outcome:
    """Begins one operation and gives its outcome, whatever it is.

    Raises:
        NotTried: The protocol has no such operation, or no words for this one.
    """
    need(device, what)
    epoch, session = device.usable()
    call = epoch.calling(what, **details)
    start(session, call.operation)
    if not device.signal.wait_until(call.is_over, Deadline(ANSWER)):
        epoch.give_up(call.operation)
    assert call.outcome is not None
    return _expressed(device, call.outcome)


def send(device: Device, conversation: Conversation) -> Sending:
    """Sends one message and waits for its outcome.

    Raises:
        NotTried: The protocol has no words for this conversation.
    """
    sending = device.send(conversation)
    with contextlib.suppress(DeadlinePassed):
        device.scenario.wait_until_answered([sending], deadline=ANSWER)
    assert sending.outcome is not None
    _expressed(device, sending.outcome)
    return sending


def _expressed(device: Device, outcome: Outcome) -> Outcome:
    if outcome.completion is Completion.FAIL and outcome.code == INEXPRESSIBLE:
        raise NotTried(f"the protocol of {device.scenario.driver.name} cannot name it")
    return outcome


def read(device: Device, conversation: Conversation, sequence: int = 1) -> Outcome:
    """Sets the user's read marker."""
    return ask(
        device, Operation.READ,
        lambda session, number: session.mark_read(number, conversation.server_name, sequence),
        conversation=conversation.name, value=sequence,
    )  # fmt: skip


def markers(device: Device, conversation: Conversation) -> Outcome:
    """Asks how far everybody is."""
    return ask(
        device, Operation.MARKERS, lambda session, number: session.markers(number, conversation.server_name),
        conversation=conversation.name,
    )  # fmt: skip


def members(device: Device, conversation: Conversation) -> Outcome:
    """Asks for a group's members."""
    return ask(
        device, Operation.ROSTER,
        lambda session, number: session.group_members(number, conversation.server_name),
        conversation=conversation.name,
    )  # fmt: skip


def create(device: Device, name: str, user: str) -> Outcome:
    """Makes a group with somebody; the scenario knows it if it came about."""
    account = device.scenario.names.account(user)
    outcome = ask(
        device, Operation.CREATE, lambda session, number: session.create_group(number, name, [account]),
        conversation=name, key=name, members=[user],
    )  # fmt: skip
    if outcome.completion is Completion.OK:
        device.scenario.add_group(name, outcome.conversation, [device.user, user])
    return outcome


def add(device: Device, conversation: Conversation, user: str) -> Outcome:
    """Adds somebody to a group; the scenario knows it if it took effect."""
    account = device.scenario.names.account(user)
    outcome = ask(
        device, Operation.ADD,
        lambda session, number: session.add_member(number, conversation.server_name, account),
        conversation=conversation.name, user=user,
    )  # fmt: skip
    if outcome.completion is Completion.OK:
        conversation.joined(user, device.scenario.next_order())
    return outcome


def remove(device: Device, conversation: Conversation, user: str) -> Outcome:
    """Removes somebody from a group; the scenario knows it if it took effect."""
    account = device.scenario.names.account(user)
    outcome = ask(
        device, Operation.REMOVE,
        lambda session, number: session.remove_member(number, conversation.server_name, account),
        conversation=conversation.name, user=user,
    )  # fmt: skip
    if outcome.completion is Completion.OK:
        conversation.left(user, device.scenario.next_order())
    return outcome


def leave(device: Device, conversation: Conversation) -> Outcome:
    """Leaves a group; the scenario knows it if it took effect."""
    outcome = ask(
        device, Operation.LEAVE,
        lambda session, number: session.leave_group(number, conversation.server_name),
        conversation=conversation.name,
    )  # fmt: skip
    if outcome.completion is Completion.OK:
        conversation.left(device.user, device.scenario.next_order())
    return outcome


def sync(device: Device, after: int = 0) -> Outcome:
    """Reads a page of the log."""
    return ask(device, Operation.SYNC, lambda session, number: session.sync(number, after, 500), value=after)


def presence(device: Device, user: str) -> Outcome:
    """Asks whether somebody is online."""
    account = device.scenario.names.account(user)
    return ask(
        device, Operation.PRESENCE, lambda session, number: session.presence(number, account), user=user
    )


def acknowledge(device: Device, cursor: int) -> Outcome:
    """Acknowledges the log up to a place, whatever the device was given."""
    return ask(
        device, Operation.ACKNOWLEDGE,
        lambda session, number: session.acknowledge(number, Delivery("", b"", cursor=cursor)),
        value=cursor,
    )  # fmt: skip


def round_trip(device: Device) -> None:
    """Returns when the server has read everything that the device said."""
    if device.scenario.can(Operation.PRESENCE):
        presence(device, device.user)
    elif device.scenario.can(Operation.SYNC):
        sync(device, FAR)
