"""Every so many-th time: what chance decides elsewhere, without chance."""

from __future__ import annotations

import threading
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
