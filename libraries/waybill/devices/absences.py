"""Devices that go away and come back while messages pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from waybill.devices.connection import SECONDS
from waybill.devices.nodes import node_after
from waybill.devices.waiting import Deadline, DeadlinePassed

if TYPE_CHECKING:
    from waybill.devices.conversation import Conversation
    from waybill.devices.device import Device
    from waybill.devices.scenario import Scenario
    from waybill.devices.sending import Sending


def leave(devices: Sequence[Device], *, goodbye: bool) -> None:
    """Ends the connections of these devices, with goodbye or by a cut."""
    for device in devices:
        if goodbye:
            device.close()
        else:
            device.cut()


def come_back(devices: Sequence[Device], *, elsewhere: bool = False) -> None:
    """Connects those that have no session, where they were before, or each at the next one of the target's nodes."""
    for device in devices:
        if not device.connected:
            device.connect(_next_node(device) if elsewhere else None)


def _next_node(device: Device) -> str:
    """The node after the one that a device was at.

    Raises:
        ValueError: The target has no other.
    """
    node = node_after(device.scenario.target.nodes, device.node)
    if node == device.node:
        raise ValueError(f"{device.name} cannot go to another node: {node} is the only one.")
    return node


def wait_until_gone(devices: Sequence[Device], node: str, seconds: float) -> None:
    """Returns when every one of these devices that was at a node has noticed that it is gone.

    Raises:
        DeadlinePassed: One of them has not.
    """
    wait_until_cut_off([device for device in devices if device.node == node], node, seconds)


def wait_until_cut_off(devices: Sequence[Device], gone: str, seconds: float) -> None:
    """Returns when every one of these devices has noticed that its connection is over.

    Args:
        devices: Who is to notice.
        gone: What is gone, in words.
        seconds: How long each may take.

    Raises:
        DeadlinePassed: One of them has not.
    """
    for device in devices:
        if not device.signal.wait_until(lambda device=device: not device.connected, Deadline(seconds)):  # type: ignore[misc]
            raise DeadlinePassed(f"{gone} is gone, but {device.name} is still {device.state}.")


def come_back_and_retry(devices: Sequence[Device]) -> list[Sending]:
    """Does what clients do after a loss: connects again, and retries under the same idempotency keys every send whose
    outcome is unknown. Returns these sends."""
    come_back(devices)
    return [sending for device in devices for sending in device.resend_unknown()]


def away_during_traffic(
    scenario: Scenario,
    devices: Sequence[Device],
    times: int,
    messages: int,
    *,
    goodbye: bool,
    elsewhere: bool = False,
    deadline: float,
) -> None:
    """Lets devices be away several times while streams run: half of each share of the messages passes meanwhile.

    Args:
        scenario: Whose streams run.
        devices: Who goes away.
        times: How often.
        messages: How many messages must be acknowledged in all before this returns.
        goodbye: Whether the devices say goodbye.
        elsewhere: Whether they come back at another node each time.
        deadline: Seconds that each half share may take.
    """
    base = scenario.acknowledged_count
    for turn in range(1, times + 1):
        scenario.wait_for_acknowledged_count(
            base + messages * (2 * turn - 1) // (2 * times), deadline=deadline
        )
        leave(devices, goodbye=goodbye)
        scenario.wait_for_acknowledged_count(base + messages * turn // times, deadline=deadline)
        come_back(devices, elsewhere=elsewhere)


def send_during_absences(
    sender: Device,
    devices: Sequence[Device],
    conversation: Conversation,
    times: int,
    messages: int,
    *,
    goodbye: bool,
    deadline: float = SECONDS,
) -> None:
    """Sends each share of the messages while the devices are away, and sees it arrive when they are back."""
    scenario = sender.scenario
    for turn in range(times):
        leave(devices, goodbye=goodbye)
        share = messages * (turn + 1) // times - messages * turn // times
        sent = sender.send_many(conversation, share)
        scenario.wait_until_acknowledged(sent)
        come_back(devices)
        for device in devices:
            device.wait_for_deliveries(sent, deadline=deadline)


def bursts_cut_off(sender: Device, conversation: Conversation, bursts: int, messages: int) -> list[Sending]:
    """Sends bursts whose connection is cut when their first acknowledgements are in; connects again after each."""
    scenario, sent = sender.scenario, []
    for _ in range(bursts):
        before = scenario.acknowledged_count
        burst = sender.send_many(conversation, messages, in_flight=2 * messages)
        scenario.wait_for_acknowledged_count(before + 1)
        sender.cut()
        sent += burst
        sender.connect()
    return sent
