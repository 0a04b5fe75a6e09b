"""Who has taken over what: the counts of XEP-0198 in both directions.

Each side counts the stanzas (messages, questions, presences) that it was given since stream management began, and
says how many when the other asks (`<r/>`, answered by `<a h='COUNT'/>`).
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple


class Stanza(NamedTuple):
    """Something to be written.

    Attributes:
        data: Its text.
        operation: The operation that it begins; -1 for none.
        number: The id of a message that waits for its acknowledgement; "" for anything else.
        forged: It names somebody else as sender.
        begin: Called when it is about to be written.
    """

    data: bytes
    operation: int = -1
    number: str = ""
    forged: bool = False
    begin: Callable[[], None] | None = None


@dataclass(slots=True)
class Send:
    """A message that was sent and has no outcome yet.

    Attributes:
        operation: Its operation number.
        count: Which stanza of the stream it is.
        forged: It names a sender that is not the session's own account.
    """

    operation: int
    count: int
    forged: bool = False


class Outgoing:
    """What was sent. Written to under the stream's writing lock while the reader takes the answers.

    An `<a/>` that covers a message says that the server took it over; what the server makes of it then, an error
    included, comes after. So a message is done with the second `<a/>`: the answer to an `<r/>` that was written
    when the first one had been read. Whatever the server had to say at once has come by then.

    Without stream management a question takes the place of `<r/>`: its answer comes after whatever the server had to
    say at once, and covers nothing.

    Attributes:
        count: Stanzas sent.
        covered: How many of them the server says it took over.
    """

    def __init__(self, *, managed: bool) -> None:
        self.count = 0
        self.covered = 0
        self._managed = managed
        self._counting = threading.Lock()
        self._waiting: dict[str, Send] = {}
        self._marks: deque[tuple[int, int]] = deque()

    def add(self, operation: int, number: str, *, forged: bool) -> None:
        """Counts a stanza; one with a number is a message that waits for its outcome."""
        with self._counting:
            self.count += 1
            if number:
                self._waiting[number] = Send(operation, self.count, forged)

    @property
    def waiting(self) -> list[Send]:
        """The messages without an outcome, in the order of their sending."""
        with self._counting:
            return list(self._waiting.values())

    @property
    def open(self) -> bool:
        """Whether a message has no outcome."""
        return bool(self._waiting)

    @property
    def asked(self) -> bool:
        """Whether an answer is under way."""
        return bool(self._marks)

    def ask(self, acknowledged: int) -> None:
        """Notes that the server is asked now, after it was told that so many of its stanzas are acknowledged."""
        self._marks.append((self.covered if self._managed else self.count, acknowledged))

    def answered(self, handled: int | None) -> tuple[list[Send], int]:
        """Takes an answer: the messages that are done now, and how many of its own stanzas the server certainly knows
        to be acknowledged."""
        if handled is not None:
            self.covered = max(self.covered, handled)
        passed, acknowledged = self._marks.popleft() if self._marks else (0, 0)
        numbers: list[str] = []
        with self._counting:
            for number, send in self._waiting.items():
                if send.count > passed:
                    break
                numbers.append(number)
            done = [self._waiting.pop(number) for number in numbers]
        return done, acknowledged

    def refused(self, number: str) -> Send | None:
        """Takes an error that names a message; None if that one has an outcome, or never was."""
        with self._counting:
            return self._waiting.pop(number, None)


class Incoming:
    """What was received. A message that the device has not acknowledged holds back the count at that point.

    Attributes:
        received: Stanzas received.
        told: The highest count that was told to the server.
    """

    def __init__(self) -> None:
        self.received = 0
        self.told = 0
        self._counting = threading.Lock()
        self._held: deque[int] = deque()
        self._acknowledged: set[int] = set()
        self._operations: deque[tuple[int, int]] = deque()

    def take(self, *, hold: bool) -> int:
        """Counts a stanza; with `hold` it is a message for the device, which will acknowledge it."""
        with self._counting:
            self.received += 1
            if hold:
                self._held.append(self.received)
            return self.received

    def acknowledge(self, operation: int, number: int) -> None:
        """Notes that the device acknowledged a message."""
        with self._counting:
            self._acknowledged.add(number)
            self._operations.append((number, operation))
            while self._held and self._held[0] in self._acknowledged:
                self._acknowledged.discard(self._held.popleft())

    @property
    def handled(self) -> int:
        """How many stanzas may be called handled."""
        with self._counting:
            return self._held[0] - 1 if self._held else self.received

    @property
    def news(self) -> bool:
        """Whether the device acknowledged what the server was not told of yet."""
        handled = self.handled
        with self._counting:
            return any(self.told < number <= handled for number, _ in self._operations)

    @property
    def unconfirmed(self) -> list[tuple[int, int]]:
        """Numbers and operations of acknowledgements without an outcome."""
        with self._counting:
            return list(self._operations)

    def unconfirmed_to(self, count: int) -> bool:
        """Whether an acknowledgement up to this count has no outcome."""
        with self._counting:
            return any(number <= count for number, _ in self._operations)

    def confirmed(self, count: int) -> list[int]:
        """The operations that are done when the server knows so many stanzas to be acknowledged."""
        with self._counting:
            done = [operation for number, operation in self._operations if number <= count]
            if done:
                self._operations = deque(one for one in self._operations if one[0] > count)
            return done
