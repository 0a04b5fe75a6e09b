"""The columns of a history in memory, one table for each kind of event."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .events import Completion
from .membership import NEVER, Ints


@dataclass(frozen=True, slots=True)
class Sends:
    """One row for each attempt of a send: `message` says of which; `over_quota` is 1 or -1."""

    event: Ints
    time: Ints
    operation: Ints
    session: Ints
    conversation: Ints
    message: Ints
    digest: Ints
    length: Ints
    over_quota: Ints
    expires: Ints


@dataclass(frozen=True, slots=True)
class Invokes:
    """One row for each other operation: `what` is an `Operation`."""

    event: Ints
    time: Ints
    operation: Ints
    session: Ints
    what: Ints
    conversation: Ints
    user: Ints
    message: Ints
    value: Ints
    id: Ints
    delivery: Ints


@dataclass(frozen=True, slots=True)
class Oks:
    """One row for each completion that took effect: `message` is the send that the answer names."""

    event: Ints
    time: Ints
    operation: Ints
    id: Ints
    sequence: Ints
    value: Ints
    user: Ints
    conversation: Ints
    message: Ints
    complete: Ints


@dataclass(frozen=True, slots=True)
class NotOks:
    """One row for each other completion: `outcome` is FAIL or INFO."""

    event: Ints
    time: Ints
    operation: Ints
    outcome: Ints
    code: Ints


@dataclass(frozen=True, slots=True)
class Deliveries:
    """One row for each delivery: `sender` and `message` are what the server named, not what is true; `number` is -1
    where it is the place of the delivery among all."""

    event: Ints
    time: Ints
    session: Ints
    conversation: Ints
    sender: Ints
    message: Ints
    digest: Ints
    length: Ints
    id: Ints
    sequence: Ints
    cursor: Ints
    mode: Ints
    read: Ints
    server_time: Ints
    number: Ints


@dataclass(frozen=True, slots=True)
class Receipts:
    """One row for each receipt that a device saw; `operation` is the MARKERS that asked for it, `expired` the message
    of the device's user whose time was said to be over."""

    event: Ints
    time: Ints
    session: Ints
    conversation: Ints
    user: Ints
    delivered: Ints
    read: Ints
    id: Ints
    operation: Ints
    unread: Ints
    expired: Ints


@dataclass(frozen=True, slots=True)
class Cursors:
    """One row for each cursor that the server stated."""

    event: Ints
    time: Ints
    session: Ints
    value: Ints


@dataclass(frozen=True, slots=True)
class Presences:
    """One row for each presence change that a device was told."""

    event: Ints
    time: Ints
    session: Ints
    user: Ints
    online: Ints


@dataclass(frozen=True, slots=True)
class Sessions:
    """By session number: whose it is, how it was made, when it began and ended (`end` 0: it did not); `token` is a
    number for what it showed (0: none, or nobody knows)."""

    device: Ints
    user: Ints
    version: Ints
    transport: Ints
    credential: Ints
    token: Ints
    event: Ints
    time: Ints
    end: Ints
    end_event: Ints
    end_time: Ints
    node: list[str]
    protocol: list[str]


@dataclass(frozen=True, slots=True)
class Operations:
    """By operation number: what it was and how it ended (`what` 0: there is none of that number; `completion` 0: it
    never ended; `row` its row in `oks`)."""

    what: Ints
    session: Ints
    event: Ints
    time: Ints
    completion: Ints
    done: Ints
    done_time: Ints
    row: Ints
    code: Ints


@dataclass(slots=True)
class Fault:
    """A fault with its observed effect and its end (events, NEVER where there was none; times, -1 where nobody knows).

    `effect` says what it did, as whoever caused it observed it.
    """

    number: int
    kind: str
    scope: str
    event: int
    time: int
    observed: int = NEVER
    end: int = NEVER
    details: dict[str, Any] = field(default_factory=dict)
    effect: str = ""
    observed_time: int = -1
    end_time: int = -1

    def seen(self, event: int, time: int, text: str) -> None:
        """Somebody saw its effect; the first time counts, the words are kept each time."""
        if self.observed == NEVER:
            self.observed, self.observed_time = event, time
        if text not in self.effect:
            self.effect = f"{self.effect}; {text}".removeprefix("; ")

    def over(self, event: int, time: int) -> None:
        """It is over; the first time counts."""
        if self.end == NEVER:
            self.end, self.end_time = event, time


@dataclass(slots=True)
class Administration:
    """An operation of administration: whom it was about (-1, or 0 for a token: nobody), and when and how it ended
    (NEVER and None: it did not)."""

    number: int
    operation: str
    event: int
    time: int
    user: int
    device: int
    session: int
    token: int
    done: int = NEVER
    done_time: int = -1
    outcome: Completion | None = None

    @property
    def confirmed(self) -> bool:
        """Whether the server said that it is done."""
        return self.outcome is Completion.OK


@dataclass(frozen=True, slots=True)
class Final:
    """A device's statement that its view ends here."""

    event: int
    time: int
    device: int
    complete: bool


@dataclass(frozen=True, slots=True)
class Deadline:
    """A drain deadline that passed, with what was still missing."""

    event: int
    time: int
    device: int
    missing: tuple[tuple[str, str], ...]
