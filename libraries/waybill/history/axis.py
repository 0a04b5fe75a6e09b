"""A time axis on which both a burst of a millisecond and a silence of a minute can be read."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from statistics import median

LONG = 5.0
"""How many times the usual step a silence may be drawn; a longer one is cut, and says so."""


ROOM = 4.0
"""How much wider a step is drawn that begins or ends at a weighty moment."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A silence that is drawn shorter than it was: where its middle is, and how long it was."""

    x: float
    length: int


class Axis:
    """Places moments between two x coordinates.

    Every step between neighbouring moments is as wide as the root of its length, so that short steps stay apart and
    the order is always true; it is wider beside weighty moments, and a step beyond `LONG` times the usual one is cut.

    Args:
        moments: What must be on the axis.
        left: Where the first one is.
        right: Where the last one is.
        weighty: Moments around which there must be room.
    """

    def __init__(
        self, moments: Iterable[int], left: float, right: float, weighty: Collection[int] = ()
    ) -> None:
        self._moments = sorted(set(moments))
        self._left, self._right = left, right
        pairs = list(pairwise(self._moments))
        steps = [later - earlier for earlier, later in pairs]
        room = [ROOM if earlier in weighty or later in weighty else 1.0 for earlier, later in pairs]
        most = LONG * median(map(sqrt, steps)) if steps else 1.0
        kept = [min(sqrt(step), most) * wide for step, wide in zip(steps, room, strict=True)]
        scale = (right - left) / (sum(kept) or 1.0)
        self._places = [left]
        self.cuts: list[Cut] = []
        for step, drawn in zip(steps, kept, strict=True):
            self._places.append(self._places[-1] + drawn * scale)
            if sqrt(step) > most:
                self.cuts.append(Cut((self._places[-1] + self._places[-2]) / 2, step))
        if len(self._moments) == 1:
            self._places = [(left + right) / 2]

    def place(self, moment: int) -> float:
        """The x coordinate of a moment; one beyond the ends is placed at the end."""
        if not self._moments or moment < self._moments[0]:
            return self._left
        if moment > self._moments[-1]:
            return self._right
        number = bisect_right(self._moments, moment) - 1
        if self._moments[number] == moment or number + 1 == len(self._moments):
            return self._places[number]
        share = (moment - self._moments[number]) / (self._moments[number + 1] - self._moments[number])
        return self._places[number] + share * (self._places[number + 1] - self._places[number])
