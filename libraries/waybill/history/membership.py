"""Who was certainly a member of a conversation, who certainly was not, and when nobody can tell."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[Any]

START = 0
"""Before the first event."""
NEVER = 2**31 - 1
"""After the last event; the time of what did not happen."""


@dataclass(frozen=True, slots=True)
class Change:
    """One operation that adds or removes a user.

    Attributes:
        added: Whether it adds.
        begun: The event of its invoke.
        done: The event of its completion; NEVER while its outcome is unknown.
        definite: It took effect; else it may have, at any time after its begin.
        told: It was an operation of the history, not the state at the start.
    """

    added: bool
    begun: int
    done: int
    definite: bool
    told: bool = True


@dataclass(slots=True)
class Membership:
    """One user's membership of one conversation, as intervals of event numbers."""

    changes: list[Change] = field(default_factory=list)
    inside: list[tuple[int, int]] = field(default_factory=list)
    """From ... until: certainly a member."""
    outside: list[tuple[int, int]] = field(default_factory=list)
    """From ... until: certainly no member."""

    def settle(self) -> None:
        """Works the changes out into intervals.

        An addition counts from its completion until the begin of the first removal that is not wholly before it; a
        removal likewise. Whatever overlaps or has an unknown outcome leaves both views legal.
        """
        adds = [change for change in self.changes if change.added]
        removes = [change for change in self.changes if not change.added]
        self.inside = _intervals(adds, removes)
        self.outside = _intervals(removes, adds)
        first_add = min((change.begun for change in adds), default=NEVER)
        if first_add > START:
            self.outside.append((START, first_add))

    @property
    def joined(self) -> bool:
        """An operation of the history added the user."""
        return any(change.added and change.told for change in self.changes)

    def certainly_in(self, begin: Ints, end: Ints) -> Bools:
        """Whether the user was certainly a member from each begin to each end."""
        return _within(self.inside, begin, end)

    def certainly_out(self, begin: Ints, end: Ints) -> Bools:
        """Whether the user was certainly no member from each begin to each end."""
        return _within(self.outside, begin, end)

    def ever_before(self, event: int) -> bool:
        """Whether the user may have been a member at some time before an event."""
        return any(change.added and change.begun <= event for change in self.changes)


def _intervals(mine: Iterable[Change], others: list[Change]) -> list[tuple[int, int]]:
    intervals = []
    for change in mine:
        if change.definite:
            end = min((other.begun for other in others if other.done > change.begun), default=NEVER)
            if end > change.done:
                intervals.append((change.done, end))
    return intervals


def _within(intervals: list[tuple[int, int]], begin: Ints, end: Ints) -> Bools:
    found = np.zeros(len(begin), dtype=np.bool_)
    for first, last in intervals:
        found |= (begin >= first) & (end < last)
    return found
