"""Waiting for a condition with a deadline, and saying what was missing when it passes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Final

from waybill.drivers.base import Outcome
from waybill.history.events import Completion

LOOK_EVERY: Final = 0.005
"""Seconds between two looks at what nobody announces."""


class DeadlinePassed(AssertionError):
    """Something did not happen in time; the message says what was expected, what is there and what is
    missing."""


class NotAcknowledged(AssertionError):
    """A send that had to be acknowledged ended otherwise."""


class OperationFailed(AssertionError):
    """An operation that had to work ended in a refusal or with an unknown outcome.

    Attributes:
        outcome: How it ended.
    """

    def __init__(self, device: str, operation: str, outcome: Outcome) -> None:
        ending = "was refused" if outcome.completion is Completion.FAIL else "has an unknown outcome"
        text = f": {outcome.text}" if outcome.text else ""
        super().__init__(f"{operation} of {device} {ending} ({outcome.code}{text}).")
        self.outcome = outcome


class CapabilityMissing(AssertionError):
    """The protocol cannot express what the scenario needs."""

    def __init__(self, driver: str, capability: str) -> None:
        super().__init__(
            f"The scenario needs '{capability}', which the protocol of the driver '{driver}' cannot express. A server "
            f"that does not promise it waives the guarantee in its target file, with a reason, an owner and a date."
        )


class NoSession(RuntimeError):
    """A device was asked to do something that needs a session, and never had one."""


class Deadline:
    """A moment, and how far away it is."""

    __slots__ = ("_at", "seconds")

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._at = time.monotonic() + seconds

    def remaining(self) -> float:
        """Seconds left; 0.0 once it has passed."""
        return max(0.0, self._at - time.monotonic())

    @property
    def passed(self) -> bool:
        """Whether it has passed."""
        return time.monotonic() >= self._at


class Signal:
    """A condition that costs next to nothing while nobody waits for it.

    Changes are made first and announced with `changed` afterwards; a waiter looks at them again after each
    announcement. All waiting happens in the waiting thread with a timeout, so that whatever interrupts that
    thread interrupts the wait.
    """

    __slots__ = ("_condition", "_waiters")

    def __init__(self) -> None:
        self._condition = threading.Condition(threading.Lock())
        self._waiters = 0

    def changed(self) -> None:
        """Wakes whoever waits."""
        if self._waiters:
            with self._condition:
                self._condition.notify_all()

    def wait_until(self, satisfied: Callable[[], bool], deadline: Deadline) -> bool:
        """Waits until the condition holds; False if the deadline passed first."""
        with self._condition:
            self._waiters += 1
            try:
                while not satisfied():
                    left = deadline.remaining()
                    if not left:
                        return False
                    self._condition.wait(left)
                return True
            finally:
                self._waiters -= 1


def look_until(satisfied: Callable[[], bool], deadline: Deadline) -> bool:
    """Looks again and again at what nobody announces; False if the deadline passed first."""
    while not satisfied():
        if deadline.passed:
            return False
        threading.Event().wait(LOOK_EVERY)
    return True


def some(names: Iterable[str], most: int = 5) -> str:
    """The first few names, and how many more there are."""
    listed = list(names)
    shown = ", ".join(listed[:most])
    return f"{shown} and {len(listed) - most} more" if len(listed) > most else shown
