"""A crowd: many people on many devices, of whom some write to each other, in the background, all the time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from waybill.devices import bystanders
from waybill.devices.together import together
from waybill.devices.waiting import Deadline, DeadlinePassed, some

if TYPE_CHECKING:
    from waybill.devices.conversation import Conversation
    from waybill.devices.device import Device
    from waybill.devices.scenario import Scenario
    from waybill.devices.sending import Sending


IN_FLIGHT: Final = 2
"""Unanswered sends of each writer: on a machine that is busy the crowd waits for the server instead of burying it."""

LEAST: Final = 5
"""Messages that each writer must have got through for "noticed nothing" to mean anything: the crowd makes up for it."""


def arrive(devices: Iterable[Device]) -> None:
    """Logs in those of these devices that have no session; at first they spread over the nodes of the target."""
    away = [device for device in devices if not device.connected]
    nodes = list(away[0].scenario.target.nodes) if away else []
    place = {device: nodes[index % len(nodes)] for index, device in enumerate(away) if not device.epochs}
    together(away, lambda device: device.connect(place.get(device)))


def renew(devices: Iterable[Device]) -> None:
    """Obtains a new credential for each device, which it shows at its next login."""
    together(
        list(devices),
        lambda device: device.scenario.target.credential(device.account, device.device, fresh=True),
    )


def ring(scenario: Scenario, people: Sequence[str]) -> dict[str, Conversation]:
    """Whom each of these people writes to: the next one, and the last one to the first."""
    return {
        person: scenario.direct(person, other)
        for person, other in zip(people, [*people[1:], *people[:1]], strict=True)
    }


def write(routes: Iterable[tuple[Device, Conversation]], *, rate: float, deadline: float) -> None:
    """Lets devices write in the background, and returns when each of them got a message through.

    Raises:
        DeadlinePassed: Some did not.
    """
    listed = list(routes)
    for device, conversation in listed:
        device.scenario.start_sending(device, conversation, rate=rate, in_flight=IN_FLIGHT)
    require_through([device for device, _ in listed], {}, 1, Deadline(deadline))


def require_through(
    writers: Sequence[Device], before: dict[Device, int], least: int, deadline: Deadline
) -> None:
    """Waits until each of these devices got so many messages through, beside those of `before`, or has no session.

    Raises:
        DeadlinePassed: Some did not.
    """

    def behind() -> list[Device]:
        return [
            device
            for device in writers
            if device.connected and sum(one.taken for one in device.sent) < before.get(device, 0) + least
        ]

    if writers and not writers[0].scenario.signal.wait_until(lambda: not behind(), deadline):
        raise DeadlinePassed(
            f"Each of {len(writers)} writers should have got {least} messages through within {deadline.seconds:g} s; "
            f"these did not: {some(device.name for device in behind())}."
        )


def require_untouched(devices: Sequence[Device], before: dict[Device, int], *, deadline: float) -> None:
    """Says what these devices noticed: a lost connection, a send without an acknowledgement, a missing message.

    Args:
        devices: Who must have noticed nothing.
        before: The writers among them, with how many messages each had got through when it began.
        deadline: How long the last messages may take.

    Raises:
        AssertionError: A connection was lost, or a send was not acknowledged.
        DeadlinePassed: Messages did not get through.
    """
    limit = Deadline(deadline)
    scenario = devices[0].scenario
    require_through(list(before), before, LEAST, limit)
    bystanders.require_unbroken(devices)
    scenario.stop_sending(deadline=max(1.0, limit.remaining()))
    scenario.wait_until_acknowledged(
        [sending for device in devices for sending in device.sent], deadline=max(1.0, limit.remaining())
    )
    for device in devices:
        device.wait_for_deliveries(owed(device, devices), deadline=max(1.0, limit.remaining()))
    bystanders.require_unbroken(devices)


def owed(device: Device, devices: Sequence[Device]) -> list[Sending]:
    """What a device must have been given: everything acknowledged, and what these devices sent where a server answers
    a send with nothing. What was written last on a session that the server ended may have come too late there."""
    names = {one.name for one in devices}
    return [one for one in device.scenario.owed(device) if one.acknowledged or one.device in names]


def losses(devices: Sequence[Device]) -> int:
    """How much these devices lost so far: sends that were refused or whose fate is unknown, and messages that one of
    them was not given."""
    unsent = sum(not one.taken for device in devices for one in device.sent)
    return unsent + sum(not device.inbox.holds(one) for device in devices for one in owed(device, devices))


def counted(writers: Iterable[Device]) -> dict[Device, int]:
    """How many messages each of these devices got through so far."""
    return {device: sum(one.taken for one in device.sent) for device in writers}
