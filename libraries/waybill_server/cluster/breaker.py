"""A circuit breaker: after failures nobody waits for a link any more, until a probe gets through."""

from __future__ import annotations

import enum
import time

from waybill_server.cluster.settings import Thresholds
from waybill_server.logs import log


class State(enum.Enum):
    """Of a breaker."""

    CLOSED = "closed"
    """The link is used; a failure or two is tried again."""
    OPEN = "open"
    """Nobody waits for the link."""
    HALF_OPEN = "half-open"
    """Nobody waits for the link, and an attempt is under way."""


class Breaker:
    """The breaker of one link.

    Args:
        peer: The node at the other end, for the log.
        thresholds: When it opens.

    Attributes:
        state: What it is now.
        since: Milliseconds since 1970 when it was opened or closed last.
        failures: Failed attempts in a row.
    """

    def __init__(self, peer: str, thresholds: Thresholds) -> None:
        self.peer = peer
        self.thresholds = thresholds
        self.state = State.CLOSED
        self.since = time.time_ns() // 1_000_000
        self.failures = 0

    @property
    def passes(self) -> bool:
        """Whether anybody should wait for the link."""
        return self.state is State.CLOSED

    @property
    def pause(self) -> float:
        """Seconds until the next attempt."""
        return self.thresholds.pause if self.passes else self.thresholds.probe

    def attempt(self) -> None:
        """An attempt begins."""
        if self.state is State.OPEN:
            self.state = State.HALF_OPEN

    def failed(self, cause: str, *, silent: bool) -> None:
        """An attempt failed, or a connection ended; `silent`: for want of a sign of life."""
        self.failures += 1
        if self.state is State.HALF_OPEN:
            self.state = State.OPEN
        elif self.passes and (silent or self.failures >= self.thresholds.failures):
            self._become(State.OPEN)
            log("breaker-opened", peer=self.peer, failures=self.failures, silent=silent, cause=cause)

    def succeeded(self) -> None:
        """The peer welcomed this node."""
        self.failures = 0
        if not self.passes:
            self._become(State.CLOSED)
            log("breaker-closed", peer=self.peer)

    def _become(self, state: State) -> None:
        self.state = state
        self.since = time.time_ns() // 1_000_000
