"""The logs of users as far as they are proven, and the pages that devices read of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .columns import distinct
from .events import Operation
from .membership import Ints
from .model import History

ENDLESS = 2**62
"""The end of a page that reached the end of the log."""


@dataclass(frozen=True, slots=True)
class Log:
    """The proven places of one user's log, in order: somebody was given this message at this cursor."""

    cursor: Ints
    message: Ints
    row: Ints

    def between(self, after: int, upto: int) -> slice:
        """The places behind one cursor, up to and including another."""
        return slice(*np.searchsorted(self.cursor, (after, upto), side="right").tolist())


@dataclass(frozen=True, slots=True)
class Page:
    """One SYNC that was answered.

    Attributes:
        operation: Its number.
        session: Where it was asked.
        device: Who asked.
        after: The place behind which it begins.
        upto: The last place that it covers; ENDLESS if it reached the end of the log.
        begun: The event of its invoke.
        done: The event of its completion.
        done_time: The time of its completion.
        messages: What it contained.
    """

    operation: int
    session: int
    device: int
    after: int
    upto: int
    begun: int
    done: int
    done_time: int
    messages: frozenset[int]


def logs(history: History) -> dict[int, Log]:
    """Each user's log as far as deliveries prove it; places that two messages claim belong to the first."""
    deliveries, messages = history.deliveries, history.messages
    rows = np.flatnonzero((deliveries.cursor >= 0) & (messages.given >= 0))
    rows = rows[~messages.ambiguous[messages.given[rows]]]
    user = history.sessions.user[deliveries.session[rows]]
    found = {}
    for number in distinct(user):
        mine = rows[user == number]
        cursor = deliveries.cursor[mine]
        if not (cursor[1:] > cursor[:-1]).all():
            cursor, first = np.unique(cursor, return_index=True)
            mine = mine[first]
        found[number] = Log(cursor, messages.given[mine], mine)
    return found


def pages(history: History) -> list[Page]:
    """Every page in the order of their invokes."""
    invokes, operations, deliveries = history.invokes, history.operations, history.deliveries
    rows = np.flatnonzero(invokes.what == Operation.SYNC)
    rows = rows[operations.row[invokes.operation[rows]] >= 0]
    if not len(rows):
        return []
    entries = np.flatnonzero(deliveries.read >= 0)
    read = deliveries.read[entries]
    order = np.argsort(read, kind="stable")
    entries, read = entries[order], read[order]
    found = []
    for row in rows.tolist():
        operation = int(invokes.operation[row])
        answer = int(operations.row[operation])
        begin, end = np.searchsorted(read, (operation, operation + 1)).tolist()
        mine = entries[begin:end]
        last = int(history.oks.value[answer])
        if last < 0 and len(mine):
            last = int(deliveries.cursor[mine].max())
        upto = ENDLESS if history.oks.complete[answer] == 1 else last
        session = int(invokes.session[row])
        found.append(
            Page(
                operation,
                session,
                int(history.sessions.device[session]),
                int(invokes.value[row]),
                upto,
                int(operations.event[operation]),
                int(operations.done[operation]),
                int(operations.done_time[operation]),
                frozenset(history.messages.given[mine].tolist()),
            )
        )
    return found
