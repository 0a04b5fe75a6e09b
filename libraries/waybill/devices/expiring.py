"""Messages with a time to live, and what their senders learn of its end."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from waybill.devices.conversation import Conversation
from waybill.devices.sending import Sending
from waybill.devices.waiting import CapabilityMissing, Deadline, DeadlinePassed, some
from waybill.drivers.base import Capability, Session
from waybill.history.events import Operation

if TYPE_CHECKING:
    from waybill.devices.device import Device
    from waybill.devices.scenario import Scenario


def send_expiring(device: Device, conversation: Conversation, count: int, ttl: float) -> list[Sending]:
    """Sends messages that live so many seconds from the server's acceptance on.

    Raises:
        CapabilityMissing: The protocol has no such messages, or does not tell the sender of their end.
    """
    if Capability.TTL not in device.driver.capabilities:
        raise CapabilityMissing(device.driver.name, Capability.TTL.value)
    made = [device.compose(conversation, ttl=round(ttl * 1000)) for _ in range(count)]
    device.send_composed(made)
    return made


def send_expiring_from_wrong_device(
    device: Device, conversation: Conversation, count: int, ttl: float, offset: float
) -> list[Sending]:
    """Sends messages with a time to live from a device whose own clock is off by so many seconds, and which says so in
    every frame; then it connects again with the right time.

    Raises:
        CapabilityMissing: The protocol has no such messages, or no word in which a client could say the time.
    """
    if Capability.EXTRA_MEMBERS not in device.driver.capabilities:
        raise CapabilityMissing(device.driver.name, Capability.EXTRA_MEMBERS.value)
    recorder = device.scenario.recorder
    fault = recorder.fault_start("clock-step", device.name, offset=offset, rate=1.0)
    said = round((time.time() + offset) * 1000)
    device.reconnect(extra={"time": said})
    sent = send_expiring(device, conversation, count, ttl)
    device.scenario.wait_until_acknowledged(sent)
    recorder.fault_observed(fault, f"{device.name} said in {count} messages that it is {said} ms since 1970")
    device.reconnect()
    recorder.fault_end(fault)
    return sent


def expiring(scenario: Scenario, user: str) -> list[Sending]:
    """The acknowledged messages of a user that have a time to live."""
    return [one for one in scenario.sendings if one.user == user and one.ttl is not None and one.acknowledged]


def wait_until_expired(scenario: Scenario, sendings: Sequence[Sending], deadline: float) -> None:
    """Waits until the sender was told of each message that it has expired.

    Args:
        scenario: The scenario.
        sendings: The messages.
        deadline: Seconds that the notices may take when the last of the messages has reached its end.

    Raises:
        DeadlinePassed: Saying of which messages nobody was told.
    """
    longest = max((one.ttl or 0 for one in sendings), default=0) / 1000
    limit = Deadline(longest + deadline)

    def told() -> bool:
        return all(one.expired for one in sendings)

    if not scenario.signal.wait_until(told, limit):
        missing = [one.name for one in sendings if not one.expired]
        raise DeadlinePassed(
            f"Expected the sender to be told of {len(sendings)} messages that they have expired, the longest after "
            f"{longest:g} s; {deadline:g} s later it was told nothing of {len(missing)} of them: {some(missing)}."
        )


def learn_what_expired(device: Device, sendings: Sequence[Sending], deadline: float) -> None:
    """Asks the server what became of each message of the device's user, then waits for the notices of those that had
    not expired yet: a sender that was away has missed some.

    Raises:
        DeadlinePassed: No answer in time, or no notice.
        OperationFailed: The server does not know the message.
    """
    for one in sendings:
        outcome = device.call(Operation.STATUS, partial(_ask, key=one.key), deadline=deadline, key=one.key)
        if outcome.values["expired"]:
            device.scenario.expiry_seen(one.user, one.key)
    wait_until_expired(device.scenario, sendings, deadline)


def _ask(session: Session, operation: int, *, key: str) -> None:
    session.status(operation, key)
