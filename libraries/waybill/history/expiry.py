"""Messages with a time to live: when their senders were told that it is over, and whether it can have been."""

from __future__ import annotations

import numpy as np

from .events import Completion, Operation
from .membership import NEVER, Bools, Ints
from .model import History


def told(history: History) -> tuple[Ints, Ints]:
    """For each message the first event at which a device of its sender was told that it has expired (NEVER if none),
    and its time (-1 where nobody knows).

    A device is told by a notice, or by the answer to a STATUS.
    """
    event = np.full(len(history.messages.sent), NEVER, dtype=np.int64)
    time = np.full(len(event), -1, dtype=np.int64)
    receipts, invokes, operations = history.receipts, history.invokes, history.operations
    notices = np.flatnonzero(receipts.expired >= 0)
    asked = np.flatnonzero((invokes.what == Operation.STATUS) & (invokes.message >= 0))
    operation = invokes.operation[asked]
    ended = operations.completion[operation] == Completion.OK
    asked, operation = asked[ended], operation[ended]
    over = history.oks.value[operations.row[operation]] == 1
    asked, operation = asked[over], operation[over]
    message = np.concatenate((receipts.expired[notices], invokes.message[asked]))
    at = np.concatenate((receipts.event[notices], operations.done[operation]))
    when = np.concatenate((receipts.time[notices], operations.done_time[operation]))
    latest_first = np.argsort(at, kind="stable")[::-1]
    event[message[latest_first]] = at[latest_first]
    time[message[latest_first]] = when[latest_first]
    return event, time


def lives(history: History) -> Ints:
    """For each message its time to live in microseconds, as its first attempt asked for it; -1 for none."""
    sends = history.sends
    found = np.full(len(history.messages.sent), -1, dtype=np.int64)
    rows = np.flatnonzero(sends.expires >= 0)[::-1]
    found[sends.message[rows]] = sends.expires[rows] * 1000
    return found


def over(history: History) -> Bools:
    """For each message whether it is owed to nobody any more: its sender was told that it has expired, and no earlier
    than its time to live after the first attempt. What is said to have expired too early is owed like any other."""
    event, time = told(history)
    span, begun = lives(history), history.messages.invoked_time
    timed = (time >= 0) & (begun >= 0)
    due = ~timed | (time >= begun + span)
    found: Bools = (event < NEVER) & (span >= 0) & due
    return found
