"""Bystanders: two people whose traffic must not notice what is done elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from waybill.devices.waiting import Deadline, DeadlinePassed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from waybill.devices.device import Device
    from waybill.devices.scenario import Scenario

LEAST = 20
"""Messages that each bystander must have got through for "noticed nothing" to mean anything."""


def begin(scenario: Scenario, one: str, other: str, *, rate: float) -> list[Device]:
    """Logs two people in on a phone each and lets them write to each other in the background, at a steady rate."""
    devices = [scenario.user(name).devices["phone"] for name in (one, other)]
    for device in devices:
        device.connect()
    conversation = scenario.direct(one, other)
    scenario.bystanders += devices
    for device in devices:
        scenario.start_sending(device, conversation, rate=rate)
    return devices


def require_unbroken(devices: Sequence[Device]) -> None:
    """Says whose connection did not last from its first login until now.

    Raises:
        AssertionError: Naming the device, which of its sessions ended, and how.
    """
    for device in devices:
        first = device.epochs[0] if device.epochs else None
        if first is None or first.over is not None or len(device.epochs) > 1:
            how = "never connected" if first is None else "ended by itself"
            if first is not None and first.over is not None:
                how = f"ended ({first.over.name.lower()}{f': {first.reason}' if first.reason else ''})"
            raise AssertionError(
                f"{device.name} had nothing to do with what happened and should have stayed connected; its first "
                f"session {how}."
            )


def losses(devices: Sequence[Device]) -> int:
    """How much they lost so far: sends that were refused or whose fate is unknown, and messages that one of them was
    not given."""
    scenario = devices[0].scenario
    unsent = sum(not one.taken for device in devices for one in device.sent)
    return unsent + sum(not device.inbox.holds(one) for device in devices for one in scenario.owed(device))


def require_untouched(scenario: Scenario, devices: Sequence[Device], *, deadline: float) -> None:
    """Says what bystanders noticed: a lost connection, a send without an answer, a message that did not arrive.

    Their streams go on until each of them has got some messages through.

    Raises:
        AssertionError: A connection was lost, or a send was not acknowledged.
        DeadlinePassed: They could not get their messages through.
    """
    limit = Deadline(deadline)

    def enough() -> bool:
        return all(sum(one.taken for one in device.sent) >= LEAST for device in devices)

    lively = scenario.signal.wait_until(
        lambda: enough() or any(not device.connected for device in devices), limit
    )
    require_unbroken(devices)
    if not lively:
        counts = ", ".join(f"{device.name} {sum(one.taken for one in device.sent)}" for device in devices)
        raise DeadlinePassed(
            f"Each bystander should have had {LEAST} messages acknowledged within {deadline:g} s: {counts}."
        )
    scenario.stop_sending(devices, deadline=max(1.0, limit.remaining()))
    scenario.wait_until_acknowledged(
        [sending for device in devices for sending in device.sent], deadline=max(1.0, limit.remaining())
    )
    for device in devices:
        device.wait_for_deliveries(deadline=max(1.0, limit.remaining()))
    require_unbroken(devices)
