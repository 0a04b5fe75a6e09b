"""The waits of a device. Each says on a miss what was expected, what is there and what is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from waybill.devices.sending import Sending
from waybill.devices.waiting import Deadline, DeadlinePassed, NotAcknowledged, some
from waybill.drivers.base import Presence

if TYPE_CHECKING:
    from waybill.devices.device import Device


class Unanswered:
    """The sends that still have no outcome; asking costs what was answered since the last time."""

    def __init__(self, sendings: Iterable[Sending]) -> None:
        self._left = [one for one in sendings if not one.answered]
        self._left.reverse()

    def count(self) -> int:
        """At most how many are left; exact as soon as the oldest ones are answered."""
        left = self._left
        while left and left[-1].answered:
            left.pop()
        return len(left)

    def is_down_to(self, most: int) -> Callable[[], bool]:
        """A condition that holds when so many are left; one answer that never comes does not hide the others."""
        return lambda: self.count() <= most or (most > 0 and self._compacted() <= most)

    def left(self) -> list[Sending]:
        """Those without an outcome, oldest first."""
        return [one for one in reversed(self._left) if not one.answered]

    def _compacted(self) -> int:
        self._left = [one for one in self._left if not one.answered]
        return len(self._left)


def wait_until_answered(devices: Sequence[Device], sendings: Sequence[Sending], deadline: Deadline) -> None:
    """Waits until every send has an outcome, whichever.

    Raises:
        DeadlinePassed: Some have none; their open attempts are recorded as unknown.
    """
    for device in devices:
        mine = Unanswered(one for one in sendings if one.open and device.name in one.tried_by)
        if not device.signal.wait_until(mine.is_down_to(0), deadline):
            break
    missing = [one for one in sendings if not one.answered]
    if not missing:
        return
    for one in missing:
        devices[0].scenario.give_up(one)
    tried = {name for one in missing for name in one.tried_by}
    states = "; ".join(f"{device.name} is {device.state}" for device in devices if device.name in tried)
    raise DeadlinePassed(
        f"Expected an outcome for {len(sendings)} sends within {deadline.seconds:g} s; {len(missing)} have none: "
        f"{some(one.name for one in missing)}. {states}."
    )


def require_acknowledged(sendings: Sequence[Sending]) -> None:
    """Says which of the answered sends were neither acknowledged nor, where a server answers with nothing, accepted.

    Raises:
        NotAcknowledged: There are some.
    """
    others = [one for one in sendings if not one.taken]
    if not others:
        return
    listed = []
    for one in others[:5]:
        assert one.outcome is not None
        what = "refused" if one.refused else "unknown"
        listed.append(f"{one.name} {what} ({one.outcome.code})")
    more = f" and {len(others) - 5} more" if len(others) > 5 else ""
    raise NotAcknowledged(
        f"Expected {len(sendings)} sends to be acknowledged; {len(sendings) - len(others)} were, "
        f"{len(others)} were not: {', '.join(listed)}{more}."
    )


def wait_for_messages(device: Device, wanted: Iterable[Sending], deadline: Deadline) -> None:
    """Waits until the device was given these messages."""
    all_wanted = list(wanted)
    left = [one for one in all_wanted if not device.inbox.holds(one)]
    left.reverse()

    def complete() -> bool:
        while left and device.inbox.holds(left[-1]):
            left.pop()
        return not left

    if device.signal.wait_until(complete, deadline):
        return
    missing = [one for one in reversed(left) if not device.inbox.holds(one)]
    raise DeadlinePassed(
        f"{device.name} expected {len(all_wanted)} messages within {deadline.seconds:g} s and was given "
        f"{len(all_wanted) - len(missing)} of them; missing: {some(one.name for one in missing)}. "
        f"{device.name} is {device.state}."
    )


def wait_for_count(device: Device, count: int, in_session: bool, deadline: Deadline) -> None:
    """Waits until the device holds so many messages, or its present session was given so many."""

    def given() -> int:
        if not in_session:
            return device.inbox.distinct
        return len(device.epoch.deliveries) if device.epoch is not None else 0

    if not device.signal.wait_until(lambda: given() >= count, deadline):
        where = "on its present session" if in_session else "in all"
        raise DeadlinePassed(
            f"{device.name} expected {count} messages {where} within {deadline.seconds:g} s and was given "
            f"{given()}. {device.name} is {device.state}."
        )


def wait_for_presence(device: Device, user: str, online: bool, deadline: Deadline) -> Presence:
    """Waits until the server told the device, unasked, that a user is online or offline."""

    def told() -> Presence | None:
        return device.epoch.presences.get(user) if device.epoch is not None else None

    def right() -> bool:
        presence = told()
        return presence is not None and presence.online is online

    if not device.signal.wait_until(right, deadline):
        seen = told()
        saw = (
            "was told nothing" if seen is None else f"was last told {'online' if seen.online else 'offline'}"
        )
        raise DeadlinePassed(
            f"{device.name} expected to be told within {deadline.seconds:g} s that {user} is "
            f"{'online' if online else 'offline'} and {saw}. {device.name} is {device.state}."
        )
    presence = told()
    assert presence is not None
    return presence


def wait_for_receipt(
    device: Device, conversation: str, user: str, delivered: int, read: int, deadline: Deadline
) -> None:
    """Waits until the device saw these watermarks or higher ones."""

    def reached() -> bool:
        seen = device.inbox.receipt(conversation, user)
        return seen[0] >= delivered and seen[1] >= read

    if not device.signal.wait_until(reached, deadline):
        seen = device.inbox.receipt(conversation, user)
        raise DeadlinePassed(
            f"{device.name} expected receipts of {user} in {conversation} up to delivered {delivered}, "
            f"read {read} within {deadline.seconds:g} s and saw delivered {seen[0]}, read {seen[1]} "
            f"(-1 for none). {device.name} is {device.state}."
        )


def wait_for_typing(device: Device, conversation: str, user: str, active: bool, deadline: Deadline) -> None:
    """Waits until the device saw that a user is typing, or no longer is."""
    if not device.signal.wait_until(
        lambda: device.inbox.typing.get((conversation, user)) is active, deadline
    ):
        seen = device.inbox.typing.get((conversation, user))
        saw = {None: "no notice", True: "that the user types", False: "that the user stopped"}[seen]
        raise DeadlinePassed(
            f"{device.name} expected to see within {deadline.seconds:g} s that {user} "
            f"{'types' if active else 'stopped typing'} in {conversation}, and saw {saw}. "
            f"{device.name} is {device.state}."
        )
