"""A wall clock that is believed although it steps."""

from __future__ import annotations

import time

from waybill_server.clock import COUNTER_BITS, HybridClock
from waybill_server.defects.registry import seeded


@seeded(
    "orders-by-wall-clock",
    seam="clock",
    noticed={
        "CLK-1": ("id-regression", "order-divergence", "reordered"),
        "CHA-1": ("id-regression", "order-divergence", "reordered"),
    },
)
class OrdersByWallClock(HybridClock):
    """Messages are numbered by the wall clock alone, so they go back in time with it."""

    _count = 0

    def next_number(self) -> int:
        """The milliseconds of the wall clock, and how many numbers there were before."""
        self._count = (self._count + 1) % (1 << COUNTER_BITS)
        return (self.wall_ms() << COUNTER_BITS) + self._count


@seeded(
    "expires-by-wall-clock",
    seam="clock",
    noticed={"CLK-1": ("expired_early", "the session's token has expired", "unauthorised-ok")},
)
class ExpiresByWallClock(HybridClock):
    """A session ends when the wall clock says so, which may step meanwhile: ahead it ends too early, back too late."""

    def seconds(self) -> float:
        """Seconds of the wall clock."""
        return time.time()
