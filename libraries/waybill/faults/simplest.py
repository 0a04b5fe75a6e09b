"""The simplest schedule that still fails."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from waybill.faults.schedule import Schedule


@dataclass(frozen=True, slots=True)
class Simplest:
    """What a search came to.

    Attributes:
        schedule: The simplest schedule that was seen to fail.
        tries: How many schedules were tried.
        final: Nothing can be left out of it; without this the time, or the tries, were over.
    """

    schedule: Schedule
    tries: int
    final: bool


def simplest(
    schedule: Schedule, fails: Callable[[Schedule], bool], *, seconds: float, tries: int
) -> Simplest:
    """Leaves out of a failing schedule what its failure does not need, until everything in it is needed.

    Args:
        schedule: It fails.
        fails: Carries a schedule out on a fresh target and says whether it fails in the same way.
        seconds: No further try begins after so many.
        tries: At most so many schedules are tried.
    """
    until = time.monotonic() + seconds
    known: set[Schedule] = {schedule}
    made = 0
    while True:
        for simpler in schedule.simpler:
            if simpler in known:
                continue
            if made >= tries or time.monotonic() > until:
                return Simplest(schedule, made, final=False)
            known.add(simpler)
            made += 1
            if fails(simpler):
                schedule = simpler
                break
        else:
            return Simplest(schedule, made, final=True)
