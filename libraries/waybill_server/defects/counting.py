"""When a defect strikes: what chance or a moment decides elsewhere, without chance.

In the blatant form of a defect each of these says yes as often as the class that asks wants it; in the rare form only
once in a while, or at a moment of its own.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Hashable
from pathlib import Path
from typing import ClassVar


class Every:
    """True at every `nth` asking, from whatever thread; in the rare form of a defect at every `rare`-th.

    Attributes:
        rarely: Whether this process runs the rare form of its defect.
    """

    rarely: ClassVar[bool] = False

    def __init__(self, nth: int, *, rare: int = 0) -> None:
        self._nth = nth
        self._rare = rare or nth
        self._asked = 0
        self._asking = threading.Lock()

    def now(self) -> bool:
        """Whether this asking is one of them."""
        with self._asking:
            self._asked += 1
            return self._asked % (self._rare if Every.rarely else self._nth) == 0


def strikes(moment: bool) -> bool:
    """True always; in the rare form of a defect at this moment alone."""
    return moment or not Every.rarely


class FromOn:
    """True at every asking; in the rare form of a defect from the `rare`-th asking about the same thing on."""

    def __init__(self, rare: int) -> None:
        self._rare = rare
        self._asked: Counter[Hashable] = Counter()

    def now(self, thing: Hashable = None) -> bool:
        """Whether a thing was asked about so often, this asking included."""
        self._asked[thing] += 1
        return strikes(self._is_it(self._asked[thing]))

    def _is_it(self, asked: int) -> bool:
        return asked >= self._rare


class OfEach(FromOn):
    """True at every asking; in the rare form of a defect at the `rare`-th asking about the same thing alone."""

    def _is_it(self, asked: int) -> bool:
        return asked == self._rare


class SoonAfter:
    """True at every asking; in the rare form of a defect only within so many seconds of the asking before."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._last = float("-inf")

    def now(self) -> bool:
        """Whether the asking before was a moment ago."""
        last, self._last = self._last, time.monotonic()
        return strikes(self._last - last < self._seconds)


def every_start(rare: int, folder: Path) -> bool:
    """True at every start of a process on this data; in the rare form of a defect at every `rare`-th, which a file in
    the folder counts."""
    if not Every.rarely:
        return True
    counted = folder / "starts"
    starts = 1 + (int(counted.read_text()) if counted.exists() else 0)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    counted.write_text(str(starts))
    return starts % rare == 0


def figure(blatant: int, *, rare: int) -> int:
    """A figure of a defect, as its form has it."""
    return rare if Every.rarely else blatant
