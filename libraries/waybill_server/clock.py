"""Time: the wall clock, the clock that never steps, and the hybrid logical clock that numbers messages.

A message number is 48 bits of milliseconds since 1970 and 16 bits of a counter in one integer. It follows the wall
clock while that goes forward, and counts on from the last number when the wall clock stands still or steps back; so
numbers strictly increase whatever the wall clock does. They are recovered from the stored messages at start.
"""

from __future__ import annotations

import time
from typing import Protocol

COUNTER_BITS = 16


class Clock(Protocol):
    """What the node asks the time of."""

    def wall_ms(self) -> int:
        """Milliseconds since 1970, as the machine says; may step."""

    def seconds(self) -> float:
        """Seconds from some moment on, which go on evenly whatever the wall clock does: spans are measured in them."""

    def next_number(self) -> int:
        """A message number above every earlier one. Called from one thread only."""

    def recover(self, number: int) -> None:
        """Never again gives `number` or a lower one."""


class HybridClock:
    """The hybrid logical clock on the machine's wall clock."""

    def __init__(self) -> None:
        self._last = 0

    def wall_ms(self) -> int:
        """Milliseconds since 1970."""
        return time.time_ns() // 1_000_000

    def seconds(self) -> float:
        """Seconds of the monotonic clock."""
        return time.monotonic()

    def next_number(self) -> int:
        """A message number above every earlier one."""
        self._last = max(self.wall_ms() << COUNTER_BITS, self._last + 1)
        return self._last

    def recover(self, number: int) -> None:
        """Never again gives `number` or a lower one."""
        self._last = max(self._last, number)


def deadline_of(clock: Clock, moment: float) -> float:
    """When a moment of the wall clock, in seconds since 1970, will have come, in the clock's even seconds.

    The wall clock is asked once: a step of it later makes nothing end earlier or later. It counts whole
    milliseconds; the one that has begun is taken as over, so that nothing ends after its moment.
    """
    now = clock.seconds()
    return now + moment - (clock.wall_ms() + 1) / 1000


def message_id(number: int) -> str:
    """The message id on the wire: as text it sorts as the number does."""
    return f"{number:016x}"


def message_time(number: int) -> int:
    """The milliseconds since 1970 within a message number."""
    return number >> COUNTER_BITS
