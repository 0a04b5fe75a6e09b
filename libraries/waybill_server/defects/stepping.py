"""A wall clock that is believed although it steps."""

from __future__ import annotations

import time

from waybill_server.clock import COUNTER_BITS, HybridClock
from waybill_server.defects.counting import strikes
from waybill_server.defects.registry import seeded

DAY_MS = 86_400_000
SECOND = 1.0


@seeded(
    "orders-by-wall-clock",
    seam="clock",
    noticed={
        "CLK-1": ("id-regression", "order-divergence", "reordered"),
        "CHA-1": ("id-regression", "order-divergence", "reordered"),
    },
    rare="Once the wall clock has gone back by more than a day, messages are numbered by it alone.",
    rare_in=("CLK-1",),
)
class OrdersByWallClock(HybridClock):
    """Messages are numbered by the wall clock alone, so they go back in time with it."""

    _count = 0

    def next_number(self) -> int:
        """The milliseconds of the wall clock, and how many numbers there were before."""
        if not strikes((self._last >> COUNTER_BITS) - self.wall_ms() > DAY_MS):
            return super().next_number()
        self._count = (self._count + 1) % (1 << COUNTER_BITS)
        return (self.wall_ms() << COUNTER_BITS) + self._count


@seeded(
    "expires-by-wall-clock",
    seam="clock",
    noticed={"CLK-1": ("expired_early", "the session's token has expired", "unauthorised-ok")},
    rare="When the wall clock was put back a session goes on until that says so.",
)
class ExpiresByWallClock(HybridClock):
    """A session ends when the wall clock says so, which may step meanwhile: ahead it ends too early, back too late."""

    def __init__(self) -> None:
        super().__init__()
        self._ahead = time.time() - super().seconds()

    def seconds(self) -> float:
        """Seconds of the wall clock."""
        wall, even = time.time(), super().seconds() + self._ahead
        return wall if strikes(wall < even - SECOND) else even
