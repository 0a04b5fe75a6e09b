"""What each device was given and must have been given, as the checks ask for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .columns import stable_order
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
    device's first login; and not those that have expired (see `expiry.over`).
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
    keep = ~sent_by(history, device, must) & ~history.over[must]
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
