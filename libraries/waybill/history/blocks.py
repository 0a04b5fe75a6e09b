"""Who blocked whom, and when that was certain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .events import Completion, Operation
from .membership import NEVER
from .model import History


@dataclass(frozen=True, slots=True)
class Block:
    """One user on the block list of another, from one event to another.

    Attributes:
        user: Who blocks.
        other: Who is blocked.
        begin: The event from which on it certainly held; NEVER if nobody knows.
        end: The event until which it certainly held.
        earliest: The event from which on it may have held.
        latest: The event until which it may have held.
    """

    user: int
    other: int
    begin: int
    end: int
    earliest: int
    latest: int


def blocks(history: History) -> list[Block]:
    """Every block that may have taken effect, in the order in which they began.

    A block that a user is asked to make twice is two, of which the first one ends with the same UNBLOCK.
    """
    invokes, operations = history.invokes, history.operations
    found = []
    ends = np.flatnonzero((invokes.what == Operation.UNBLOCK) & (invokes.user >= 0))
    for row in np.flatnonzero((invokes.what == Operation.BLOCK) & (invokes.user >= 0)).tolist():
        operation = int(invokes.operation[row])
        completion = operations.completion[operation]
        if completion == Completion.FAIL:
            continue
        user, other = int(history.sessions.user[invokes.session[row]]), int(invokes.user[row])
        begin = int(operations.done[operation]) if completion == Completion.OK else NEVER
        end = latest = NEVER
        for later in ends[ends > row].tolist():
            lifting = int(invokes.operation[later])
            same = invokes.user[later] == other and history.sessions.user[invokes.session[later]] == user
            if same and operations.completion[lifting] != Completion.FAIL:
                end = min(end, int(operations.event[lifting]))
                if operations.completion[lifting] == Completion.OK:
                    latest = int(operations.done[lifting])
                    break
        found.append(Block(user, other, begin, end, int(operations.event[operation]), latest))
    return found
