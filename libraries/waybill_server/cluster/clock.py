"""Message numbers that no two nodes give twice."""

from __future__ import annotations

from waybill_server.clock import COUNTER_BITS, HybridClock

PLACE_BITS = 4
"""Of the 16 bits of the counter the lowest four say which node counted: 4,096 numbers per millisecond are left."""

LARGEST_CLUSTER = 1 << PLACE_BITS


class PlacedClock(HybridClock):
    """The hybrid logical clock of one node of several.

    Args:
        place: The node's place among the names, from 0.
    """

    def __init__(self, place: int) -> None:
        super().__init__()
        self._place = place

    def next_number(self) -> int:
        """A message number above every earlier one of this node, which no other node gives."""
        now = self.wall_ms() << (COUNTER_BITS - PLACE_BITS)
        count = max(now, (self._last >> PLACE_BITS) + 1)
        self._last = count << PLACE_BITS | self._place
        return self._last
