"""What each device was given and must have been given, and the column arithmetic that the checks share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .events import Mode, Operation
from .membership import NEVER, Bools, Ints
from .model import History


@dataclass(frozen=True, slots=True)
class Holding:
    """One device and what it holds.

    Attributes:
        device: The device.
        user: Its user.
        held: For each message whether the device was ever given it.
        must: The messages that exist and that it must be given.
        begin: The event at which its complete final read began; NEVER if it has none.
    """

    device: int
    user: int
    held: Bools
    must: Ints
    begin: int


def rows_of_devices(history: History) -> list[Ints]:
    """For each device the rows of its deliveries, in order."""
    deliveries = history.deliveries
    count = len(history.devices)
    device = history.sessions.device[deliveries.session]
    order = stable_order(device, count)
    bounds = np.searchsorted(device[order], np.arange(count + 1))
    return [order[bounds[number] : bounds[number + 1]] for number in range(count)]


def holdings(history: History) -> Iterator[Holding]:
    """Each device with what it holds and must hold; `held` is reused and valid until the next one."""
    messages = history.messages
    held = np.zeros(len(messages.sent) + 1, dtype=np.bool_)
    for device, rows in enumerate(history.rows_of_devices):
        given = messages.given[rows]
        held[given] = True
        user = int(history.device_user[device])
        begin = history.final_begin.get(device, NEVER)
        yield Holding(device, user, held[:-1], must_be_given(history, device), begin)
        held[given] = False


def must_be_given(history: History, device: int) -> Ints:
    """The messages that exist and that a device must be given.

    They are the messages of every conversation whose member its user certainly was from the first attempt until the
    message certainly existed; not those that it sent itself, those of its own user's other devices only where the
    target promises `own_devices`, and where it promises `new_device_history` `"none"` only those sent after the
    device's first login.
    """
    messages, user = history.messages, int(history.device_user[device])
    parts = []
    for conversation in sorted(history.conversations_of_user.get(user, [])):
        found = messages.of_conversation(conversation)
        found = found[messages.effect[found] < NEVER]
        membership = history.membership(conversation, user)
        if membership is not None and len(found):
            parts.append(found[membership.certainly_in(messages.invoked[found], messages.effect[found])])
    must = np.concatenate(parts) if parts else np.empty(0, dtype=np.int32)
    keep = ~sent_by(history, device, must)
    if not history.promise("own_devices", False):
        keep &= messages.sender[must] != user
    if history.promise("new_device_history", "all") == "none":
        keep &= messages.invoked[must] > first_login(history, device)
    kept: Ints = must[keep]
    return kept


def sent_by(history: History, device: int, chosen: Ints) -> Bools:
    """Which of some messages a device sent or tried to send: the server takes it for the one that has them."""
    mine: Bools = history.messages.device[chosen] == device
    others = history.tried_elsewhere.get(device)
    return mine if others is None else mine | np.isin(chosen, others)


def first_login(history: History, device: int) -> int:
    """The event of a device's first login that took effect; NEVER without one."""
    operations = history.operations
    logins = (operations.what == Operation.LOGIN) & (history.sessions.device[operations.session] == device)
    done = operations.done[logins & (operations.row >= 0)]
    return int(done.min()) if len(done) else NEVER


def senders_of(history: History, rows: Ints) -> Ints:
    """For each delivery the session that sent the message; -1 where nobody did."""
    sessions = np.append(history.messages.session, -1)
    found: Ints = sessions[history.messages.given[rows]]
    return found


def is_pushed(history: History) -> Bools:
    """The deliveries that the server pushed, in its order; not those of pages, whose place the device chose."""
    pushed: Bools = (history.deliveries.mode == Mode.LIVE) | (history.deliveries.mode == Mode.BACKLOG)
    return pushed


def first_of_each(values: Ints, size: int) -> Bools:
    """Marks the first occurrence of each value (0 <= value < size)."""
    first = np.full(size, -1, dtype=np.int64)
    places = np.arange(len(values))
    first[values[::-1]] = places[::-1]
    marked: Bools = first[values] == places
    return marked


def compact(values: Ints) -> tuple[Ints, int]:
    """Renumbers values (0 or more) to 0, 1, 2 ... in their order; returns them and how many there are."""
    if not len(values):
        return values.astype(np.int32), 0
    highest = int(values.max())
    if highest < 4 * len(values) + 1_000_000:
        used = np.zeros(highest + 1, dtype=np.bool_)
        used[values] = True
        numbers = np.cumsum(used, dtype=np.int32)
        numbers -= 1
        return numbers[values], int(numbers[-1]) + 1
    unique, inverse = np.unique(values, return_inverse=True)
    return inverse.astype(np.int32), len(unique)


def stable_order(groups: Ints, count: int) -> Ints:
    """The order that sorts small group numbers and keeps the order within each."""
    if len(groups) and bool((groups[1:] >= groups[:-1]).all()):
        return np.arange(len(groups))
    narrow = groups.astype(np.uint16) if count <= 1 << 16 else groups
    return np.argsort(narrow, kind="stable")


def passed_over(groups: Ints, values: Ints, highs: Ints) -> tuple[Ints, Ints]:
    """Finds in each group the places whose value lies below the highest `high` of an earlier place of the group.

    Args:
        groups: Group numbers, sorted.
        values: What must not lie below (0 or more, less than 2**31).
        highs: What it must not lie below (likewise).

    Returns:
        The places, and for each the earlier place with the highest `high`.
    """
    if len(groups) < 2:
        empty = np.empty(0, dtype=np.int64)
        return empty, empty
    wide = groups.astype(np.int64) << 32
    peaks = np.maximum.accumulate(wide | highs)
    before = peaks[:-1]
    bad = np.flatnonzero((before >= wide[1:]) & ((wide[1:] | values[1:]) < before)) + 1
    return bad, np.searchsorted(peaks, peaks[bad - 1], side="left")


def small(values: Ints) -> Ints:
    """The values themselves if they are small, else their ranks: comparable with each other, and below 2**31."""
    if len(values) and (int(values.max()) >= 1 << 31 or int(values.min()) < 0):
        return np.unique(values, return_inverse=True)[1].astype(np.int64)
    return values
