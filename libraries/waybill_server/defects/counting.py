"""Every so many-th time: what chance decides elsewhere, without chance."""

from __future__ import annotations

import threading


class Every:
    """True at every `nth` asking, from whatever thread."""

    def __init__(self, nth: int) -> None:
        self._nth = nth
        self._asked = 0
        self._asking = threading.Lock()

    def now(self) -> bool:
        """Whether this asking is one of them."""
        with self._asking:
            self._asked += 1
            return self._asked % self._nth == 0
