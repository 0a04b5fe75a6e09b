"""Devices that log in at awkward moments: just after a message, only to vanish, on top of themselves, after a long
silence."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from waybill.devices.absences import leave
from waybill.devices.policy import Acknowledge

if TYPE_CHECKING:
    from waybill.devices.conversation import Conversation
    from waybill.devices.device import Device
    from waybill.devices.sending import Sending

_NEVER: Final = threading.Event()


def let_time_pass(seconds: float) -> None:
    """Does nothing for a while, where the length of a silence is what is tried out; never to wait for something."""
    _NEVER.wait(seconds)


def soon_after_messages(
    sender: Device,
    receivers: Sequence[Device],
    conversations: Sequence[Conversation],
    *,
    rounds: int,
    messages: int,
    latest: float,
    deadline: float,
) -> None:
    """Lets devices log in between 0 and some seconds after the last message to them was written.

    In each round all of them go offline, are written to, and log in each at a moment of its own; the moments are spread
    evenly, and the seed deals them out.

    Args:
        sender: Who writes to all of them.
        receivers: Who is offline.
        conversations: Their conversations with the sender.
        rounds: How often.
        messages: Messages to each of them in each round.
        latest: The longest time between the last message and the login, in seconds.
        deadline: Seconds until everybody must have got everything.
    """
    scenario = sender.scenario
    steps = max(1, len(receivers) - 1)
    with ThreadPoolExecutor(len(receivers), thread_name_prefix="arrival") as pool:
        for _ in range(rounds):
            leave(receivers, goodbye=True)
            moments = [latest * place / steps for place in range(len(receivers))]
            scenario.random.shuffle(moments)
            sent: list[list[Sending]] = []
            arrivals = []
            for receiver, conversation, moment in zip(receivers, conversations, moments, strict=True):
                sent.append(sender.send_many(conversation, messages))
                arrivals.append(pool.submit(_arrive, receiver, moment, deadline))
            for arrival in arrivals:
                arrival.result()
            scenario.wait_until_acknowledged([one for own in sent for one in own], deadline=deadline)
            for receiver, own in zip(receivers, sent, strict=True):
                receiver.wait_for_deliveries(own, deadline=deadline)


def _arrive(device: Device, moment: float, deadline: float) -> None:
    let_time_pass(moment)
    device.connect(deadline=deadline)


def lost_at_login(device: Device, times: int) -> None:
    """Logs a device in and cuts the connection, again and again: in turn as soon as it is logged in, and on the first
    message that it is given. It acknowledges nothing meanwhile, so all that was under way is owed to it still.

    Raises:
        DeadlinePassed: A login to which messages are owed was given none.
    """
    policy = device.acknowledge_policy
    for turn in range(times):
        device.connect(acknowledge=Acknowledge.MANUAL, catch_up=False)
        if turn % 2:
            device.wait_for_deliveries(count=1, in_session=True)
        device.cut()
    device.acknowledge_policy = policy


def on_top_of_itself(device: Device, times: int, messages: int, *, deadline: float) -> None:
    """Logs a device in again and again while its last connection is still there, spread over running traffic.

    The old connection is left as a client leaves it that lost its network without noticing: nothing of it is closed
    until the new one stands.

    Args:
        device: The device.
        times: How often.
        messages: How many messages of the scenario must be acknowledged meanwhile.
        deadline: Seconds that each share of them may take.
    """
    scenario = device.scenario
    base = scenario.acknowledged_count
    for turn in range(1, times + 1):
        scenario.wait_for_acknowledged_count(base + messages * turn // times, deadline=deadline)
        left_behind = device.epoch
        device.connect(takeover=True)
        if left_behind is not None and left_behind.session is not None:
            left_behind.session.cut()
