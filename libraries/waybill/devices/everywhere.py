"""Traffic from every device of everybody, wherever these are, and waiting until all of them hold it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from waybill.devices import waits
from waybill.devices.together import together
from waybill.devices.waiting import Deadline

if TYPE_CHECKING:
    from waybill.devices.conversation import Conversation
    from waybill.devices.device import Device
    from waybill.devices.scenario import Scenario
    from waybill.devices.sending import Sending


def pairs(scenario: Scenario) -> list[Conversation]:
    """A direct conversation of each two people of the scenario."""
    return [scenario.direct(one, other) for one, other in itertools.combinations(scenario.users, 2)]


def send_from(scenario: Scenario, devices: Sequence[Device], count: int, deadline: float) -> list[Sending]:
    """Sends so many messages from each of these devices at the same moment, to everybody else in turn, and waits until
    each is acknowledged, or refused for good.

    Raises:
        DeadlinePassed: Some have no outcome, or could not be written.
        NotAcknowledged: The outcome of some is unknown.
    """
    threads = pairs(scenario)
    made = {
        device.name: [
            device.compose(thread)
            for _, thread in zip(range(count), itertools.cycle(_of(device, threads)), strict=False)
        ]
        for device in devices
    }
    together(
        devices,
        lambda device: device.send_composed(made[device.name], in_flight=count, deadline=deadline),
        at_once=len(devices),
    )
    sent = [one for each in made.values() for one in each]
    scenario.wait_until_answered(sent, deadline=deadline)
    waits.require_acknowledged([one for one in sent if not one.refused])
    return sent


def wait_until_everybody_holds(devices: Sequence[Device], deadline: float) -> None:
    """Waits until each of these devices was given everything acknowledged so far that it must have.

    Raises:
        DeadlinePassed: Saying what is missing, and where.
    """
    limit = Deadline(deadline)
    for device in devices:
        device.wait_for_deliveries(deadline=limit.remaining())


def _of(device: Device, threads: Sequence[Conversation]) -> list[Conversation]:
    return [thread for thread in threads if device.user in thread.members]
