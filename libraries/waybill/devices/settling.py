"""Ending a history without waiting for time to pass, and showing that something does not come."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from waybill.devices import waits
from waybill.devices.conversation import Conversation
from waybill.devices.epoch import Call, Epoch
from waybill.devices.goodbyes import close_all
from waybill.devices.policy import Acknowledge
from waybill.devices.sending import Sending
from waybill.devices.together import together
from waybill.devices.waiting import Deadline, DeadlinePassed, some
from waybill.drivers.base import Capability, Delivery, LoginRefused
from waybill.history.events import Completion

if TYPE_CHECKING:
    from waybill.devices.device import Device
    from waybill.devices.scenario import Scenario


READING: Final = 10.0
"""Seconds that the final reads have at least."""


@dataclass(slots=True)
class Settlement:
    """What a scenario's end came to.

    Attributes:
        missing: Acknowledged messages that a device lacked at the deadline, by device.
        unread: Devices whose final read is not complete, with the reason.
    """

    missing: dict[str, list[Sending]] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Everything arrived and every final read is complete."""
        return not self.missing and not self.unread


def settle(scenario: Scenario, deadline: Deadline) -> Settlement:
    """See `Scenario.settle`."""
    settlement = Settlement()
    for stream in scenario.streams:
        stream.abandon()
    if scenario.streams:
        scenario.stop_sending(deadline=deadline.remaining())
    try:
        scenario.wait_until_answered(deadline=deadline.remaining())
    except DeadlinePassed:
        for sending in scenario.sendings:
            scenario.give_up(sending)
    readers = _reopen(scenario, settlement, deadline)
    sentinels = (
        []
        if all(_syncs(device) for device in scenario.devices)
        else _send_sentinels(scenario, readers, deadline)
    )
    for device in readers:
        _drain(scenario, device, sentinels, settlement, deadline)
        _rest(device, deadline)
    syncing = [device for device in readers if _syncs(device)]
    if syncing:
        # What is still missing now is a finding already; the final reads must show how it ended all the same.
        _renew(syncing, settlement, Deadline(max(READING, deadline.remaining())))
        _read_all(syncing, settlement, Deadline(max(READING, deadline.remaining())))
    for device in scenario.devices:
        if device.name not in settlement.unread and device not in readers:
            settlement.unread[device.name] = "it has no session"
        scenario.recorder.final(device.name, complete=device.name not in settlement.unread)
    return settlement


def send_sentinel(
    scenario: Scenario,
    device: Device,
    conversation: Conversation | str | None,
    sender: Device | None,
    deadline: Deadline,
) -> list[Delivery]:
    """See `Scenario.send_sentinel`."""
    thread = (
        scenario.conversation(conversation) if conversation is not None else _common(scenario, device, sender)
    )
    source = sender or _other_member(scenario, thread, device)
    epoch = device.epoch
    if epoch is None or source is None:
        raise RuntimeError(
            f"A sentinel for {device.name} needs a session of it and a connected device of another member of "
            f"{thread.name}; {device.name} is {device.state}."
        )
    sentinel = source.send(thread)
    waits.wait_until_answered([source], [sentinel], deadline)
    waits.require_acknowledged([sentinel])
    waits.wait_for_messages(device, [sentinel], deadline)
    given = epoch.deliveries
    place = next(index for index, one in enumerate(given) if device.inbox.is_of(one, sentinel))
    return given[:place]


def prove_absence(
    scenario: Scenario,
    device: Device,
    unwanted: Iterable[Sending] | Callable[[Delivery], bool],
    conversation: Conversation | str | None,
    sender: Device | None,
    deadline: Deadline,
) -> None:
    """See `Scenario.prove_absence`."""
    given = send_sentinel(scenario, device, conversation, sender, deadline)
    if callable(unwanted):
        found = [delivery.id or delivery.key for delivery in given if unwanted(delivery)]
    else:
        found = [one.name for one in unwanted if any(device.inbox.is_of(delivery, one) for delivery in given)]
    if found:
        raise AssertionError(
            f"{device.name} was given {len(found)} messages that it must not be given on this session: "
            f"{some(found)}. The sentinel came after {len(given)} deliveries."
        )


def _reopen(scenario: Scenario, settlement: Settlement, deadline: Deadline) -> list[Device]:
    """Connects every device without a session, and lets all of them acknowledge: a device that holds back its
    acknowledgements is given no more than the window."""
    readers = []
    for device in scenario.devices:
        if device.acknowledge_policy is Acknowledge.MANUAL:
            device.acknowledge_policy = Acknowledge.AUTO
        if not device.connected:
            try:
                device.connect(deadline=max(1.0, deadline.remaining()))
            except LoginRefused as refused:
                settlement.unread[device.name] = f"it could not log in ({refused})"
                continue
        elif device.epoch is not None:
            device.epoch.acknowledge_by_itself()
        readers.append(device)
    return readers


def _drain(
    scenario: Scenario, device: Device, sentinels: list[Sending], settlement: Settlement, deadline: Deadline
) -> None:
    """Waits for the newest message of every stream that the device must be given; those before it came before
    it, or never will."""
    if device.acknowledge_policy is Acknowledge.NONE and _syncs(device):
        # It is given no more than the window; what the server keeps for it is seen in its final read.
        return
    marks = []
    for thread in scenario.conversations.values():
        for stream in thread.taken.values():
            newest = next((one for one in reversed(stream) if scenario.must_be_given(device, one)), None)
            if newest is not None:
                marks.append(newest)
    own = [one for one in sentinels if scenario.must_be_given(device, one)]
    try:
        waits.wait_for_messages(device, marks + own, deadline)
    except DeadlinePassed as passed:
        missing = [one for one in scenario.owed(device) if not device.inbox.holds(one)]
        scenario.recorder.deadline(device.name, [(one.conversation.name, one.key) for one in missing])
        settlement.missing[device.name] = missing
        if any(not device.inbox.holds(one) for one in own):
            settlement.unread[device.name] = str(passed)


def _rest(device: Device, deadline: Deadline) -> None:
    """Waits until the device acknowledged everything it was given, so that the final read finds it at rest:
    what was held back from it until then shows as a gap, not as a late arrival."""
    epoch = device.epoch
    if epoch is None or device.acknowledge_policy is not Acknowledge.AUTO:
        return
    epoch.acknowledge_by_itself()
    if not device.signal.wait_until(lambda: epoch.over is not None or epoch.settled, deadline):
        epoch.give_up_all()


def _renew(readers: list[Device], settlement: Settlement, deadline: Deadline) -> None:
    """Opens a new session for every device, so that no state of the old one hides what the server kept, and what the
    device acknowledged has every occasion to come again. Those that cannot log in are no readers any more."""
    close_all(readers)

    def again(device: Device) -> None:
        try:
            device.reconnect(deadline=max(1.0, deadline.remaining()))
        except LoginRefused as refused:
            settlement.unread[device.name] = f"it could not log in again ({refused})"

    together(readers, again)
    readers[:] = [device for device in readers if device.name not in settlement.unread]


def _read_all(readers: list[Device], settlement: Settlement, deadline: Deadline) -> None:
    """Pages through every device's whole log, all devices at once, one page of each under way at a time."""
    under_way = [(device, *_next_page(device, 0)) for device in readers]
    while under_way:
        device, epoch, call = under_way.pop(0)
        if not device.signal.wait_until(call.is_over, deadline):
            epoch.give_up(call.operation)
        outcome = call.outcome
        assert outcome is not None
        if outcome.completion is not Completion.OK:
            settlement.unread[device.name] = f"its log could not be read ({outcome.code})"
        elif not outcome.complete:
            under_way.append((device, *_next_page(device, outcome.cursor)))


def _syncs(device: Device) -> bool:
    """Whether it can read its log."""
    return Capability.SYNC in device.driver.capabilities


def _next_page(device: Device, after: int) -> tuple[Epoch, Call]:
    limits = device.welcome.limits if device.welcome is not None else {}
    return device.begin_sync(after, limits.get("page", 500), final=True)


def _send_sentinels(scenario: Scenario, readers: list[Device], deadline: Deadline) -> list[Sending]:
    """Two last messages for each conversation, from two members, so that every device is given at least one
    that another device sent after everything else."""
    sentinels = []
    for thread in scenario.conversations.values():
        if not thread.taken:
            continue
        senders: dict[str, Device] = {}
        for device in readers:
            if device.connected and device.user in thread.members:
                senders.setdefault(device.user, device)
        sentinels += [device.send(thread) for device in list(senders.values())[:2]]
    try:
        waits.wait_until_answered(scenario.devices, sentinels, deadline)
    except DeadlinePassed:
        return sentinels
    return sentinels


def _common(scenario: Scenario, device: Device, sender: Device | None) -> Conversation:
    """A conversation of the device's user with the sender's user, or with anybody who is connected."""
    for thread in scenario.conversations.values():
        if device.user not in thread.members:
            continue
        if sender is not None and sender.user in thread.members:
            return thread
        if sender is None and _other_member(scenario, thread, device) is not None:
            return thread
    raise RuntimeError(f"No conversation joins {device.name} with a connected device of somebody else.")


def _other_member(scenario: Scenario, thread: Conversation, device: Device) -> Device | None:
    for member in thread.members:
        if member != device.user:
            for other in scenario.users[member].devices.values():
                if other.connected:
                    return other
    return None
