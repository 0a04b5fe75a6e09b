"""An observer that keeps everything and holds the session to the contract while it does."""

from __future__ import annotations

import threading
import time

from waybill.drivers.base import Delivery, Membership, Outcome, Presence, Receipt, Typing
from waybill.history.events import Completion, End


class Tape:
    """What a session reported, in order. `broken` lists every breach of the observer's contract."""

    def __init__(self) -> None:
        self.outcomes: dict[int, Outcome] = {}
        self.unmatched_outcomes: list[tuple[int, Outcome]] = []
        self.deliveries: list[Delivery] = []
        self.receipts: list[Receipt] = []
        self.presences: list[Presence] = []
        self.typings: list[Typing] = []
        self.memberships: list[Membership] = []
        self.events: list[str] = []
        self.end: End | None = None
        self.reason = ""
        self.idles = 0
        self.broken: list[str] = []
        self._inside = threading.Lock()
        self._changed = threading.Condition()

    def completed(self, operation: int, outcome: Outcome) -> None:
        late = outcome.completion is Completion.FAIL and self.end is not None
        if operation in self.outcomes:
            self.broken.append(f"operation {operation} completed twice")
        self.outcomes[operation] = outcome
        self._note(f"completed {operation}", late=late)

    def unmatched(self, operation: int, outcome: Outcome) -> None:
        self.unmatched_outcomes.append((operation, outcome))
        self._note(f"unmatched {operation}")

    def delivered(self, delivery: Delivery) -> None:
        self.deliveries.append(delivery)
        self._note(f"delivered {delivery.cursor}")

    def receipted(self, receipt: Receipt) -> None:
        self.receipts.append(receipt)
        self._note("receipted")

    def presence_changed(self, presence: Presence) -> None:
        self.presences.append(presence)
        self._note("presence")

    def typed(self, typing: Typing) -> None:
        self.typings.append(typing)
        self._note("typed")

    def membership_changed(self, membership: Membership) -> None:
        self.memberships.append(membership)
        self._note("membership")

    def idle(self) -> None:
        self.idles += 1
        self._note("idle")

    def ended(self, end: End, reason: str) -> None:
        self._note(f"ended {end.name}: {reason}")
        self.end, self.reason = end, reason
        with self._changed:
            self._changed.notify_all()

    def wait(self, condition, what: str, seconds: float = 5.0) -> None:
        """Waits until a condition holds.

        Raises:
            AssertionError: It did not in time; with everything that was reported.
        """
        until = time.monotonic() + seconds
        with self._changed:
            while not condition():
                left = until - time.monotonic()
                assert left > 0, f"expected {what} within {seconds} s; reported: {self.events}"
                self._changed.wait(left)

    def outcome(self, operation: int, seconds: float = 5.0) -> Outcome:
        """The outcome of an operation, waited for."""
        self.wait(lambda: operation in self.outcomes, f"an outcome of {operation}", seconds)
        return self.outcomes[operation]

    def wait_end(self, seconds: float = 5.0) -> End:
        """How the session ended, waited for."""
        self.wait(lambda: self.end is not None, "the end", seconds)
        assert self.end is not None
        return self.end

    def _note(self, event: str, *, late: bool = False) -> None:
        if not late:
            if not self._inside.acquire(blocking=False):
                self.broken.append(f"{event}: two calls at a time")
            else:
                self._inside.release()
            if self.end is not None:
                self.broken.append(f"{event}: after the end")
        self.events.append(event)
        with self._changed:
            self._changed.notify_all()
