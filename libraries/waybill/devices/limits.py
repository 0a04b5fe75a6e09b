"""Messages at the limits that a server promises, and one beyond."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from waybill.devices.waiting import Deadline, DeadlinePassed, some

if TYPE_CHECKING:
    from waybill.devices.conversation import Conversation
    from waybill.devices.device import Device
    from waybill.devices.scenario import Scenario
    from waybill.devices.sending import Sending


def body_limit(device: Device) -> int | None:
    """The largest body that the server takes: what it told at login, else what the target promises."""
    told = device.welcome.limits.get("body") if device.welcome is not None else None
    promised = device.scenario.target.promises.get("body")
    return told if told is not None else None if promised is None else int(promised)


def disconnects(scenario: Scenario) -> bool:
    """Whether the target promises to end the connection that a too large message came on, instead of refusing it."""
    return str(scenario.target.promises.get("oversize", "refused")) == "disconnected"


def send_some_oversize(
    device: Device, conversation: Conversation, count: int, *, deadline: float
) -> list[Sending]:
    """Sends messages of which every other one is one byte larger than the limit.

    Where such a message ends the connection, the device connects again after each, and the next message shows that the
    server lives.

    Raises:
        AssertionError: Nobody says what the limit is.
        DeadlinePassed: A connection that had to end did not.
    """
    limit = body_limit(device)
    if limit is None:
        raise AssertionError(
            f"The server did not tell {device.name} its limit for bodies, and the target promises none, so none can be "
            f"put to the proof. State 'body' under [promises]."
        )
    made = [device.compose(conversation, size=limit + 1 if number % 2 else 64) for number in range(count)]
    if not disconnects(device.scenario):
        device.send_composed(made)
        return made
    for sending in made:
        device.send_composed([sending])
        if len(sending.body) > limit:
            if not device.signal.wait_until(lambda: not device.connected, Deadline(deadline)):
                raise DeadlinePassed(
                    f"{sending.name} has {len(sending.body)} bytes, {limit} are allowed, and the target promises that "
                    f"it ends the connection; after {deadline:g} s {device.name} is {device.state}."
                )
            device.connect()
        else:
            device.scenario.wait_until_answered([sending], deadline=deadline)
    return made


def oversize(scenario: Scenario) -> list[Sending]:
    """Every message of the scenario that is larger than its sender may send."""
    return [
        sending
        for device in scenario.devices
        if (limit := body_limit(device)) is not None
        for sending in device.sent
        if len(sending.body) > limit
    ]


def require_refused(scenario: Scenario, sendings: Sequence[Sending], *, deadline: float) -> None:
    """Says which of these messages have no definite refusal.

    Where the target ends the connection instead, none of them may reach anybody: what the same sender sent behind them
    must have arrived, and they must not.

    Raises:
        AssertionError: Some were taken, or nothing was sent.
    """
    if not sendings:
        raise AssertionError("No oversize message was sent, so nothing is shown; send some first.")
    scenario.wait_until_answered(sendings, deadline=deadline)
    if not disconnects(scenario):
        taken = [one.name for one in sendings if not one.refused]
        if taken:
            raise AssertionError(
                f"Expected a definite refusal for each of {len(sendings)} oversize messages; {len(taken)} have none: "
                f"{some(taken)}."
            )
        return
    taken = [one.name for one in sendings if one.acknowledged]
    for device in scenario.devices:
        device.wait_for_deliveries(deadline=deadline)
        taken += [one.name for one in sendings if device.inbox.holds(one)]
    if taken:
        raise AssertionError(
            f"Expected each of {len(sendings)} oversize messages to end the connection and nothing else; "
            f"{len(taken)} were acknowledged or delivered: {some(taken)}."
        )


def fill_inbox(
    sender: Device, conversation: Conversation, *, unlimited: int, deadline: float
) -> tuple[list[Sending], Sending | None]:
    """Fills the inbox of an offline user to its promised limit, then sends one message more.

    Args:
        sender: Who writes.
        conversation: With whom; nothing waits there yet.
        unlimited: How many messages to send where the target promises no limit, so that all of them must be kept.
        deadline: Seconds until all of them must be acknowledged.

    Returns:
        The messages up to the limit, and the one beyond it (None without a limit).
    """
    scenario = sender.scenario
    limit = scenario.target.promises.get("inbox")
    within = sender.send_many(conversation, unlimited if limit is None else int(limit), deadline=deadline)
    scenario.wait_until_acknowledged(within, deadline=deadline)
    if limit is None:
        return within, None
    beyond = sender.send(conversation, over_quota=True)
    scenario.wait_until_answered([beyond], deadline=deadline)
    return within, beyond
