"""Messages with a time to live: until when, and which of them are over.

A deadline is stored as a moment of the wall clock, and kept in memory in the clock's even seconds: while the node runs
the time that passes counts, whatever the wall clock does; across a restart the wall clock does. What is over is marked
in the database, so that a clock that steps back makes nothing good again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from waybill_server.bulk import insert_rows
from waybill_server.clock import Clock, deadline_of

TABLE = """
CREATE TABLE expiry (
    message INTEGER PRIMARY KEY,
    deadline INTEGER NOT NULL,
    over INTEGER NOT NULL
) STRICT;
CREATE INDEX expiry_waiting ON expiry (message) WHERE over = 0;
"""


class Expiries:
    """The deadlines behind one writer connection; changed within a transaction that somebody else begins and ends.

    Args:
        connection: The writer's connection.
        clock: Says when a deadline has come.

    Attributes:
        stands: The condition with which a query on messages leaves out those that are marked as over.
    """

    stands = "NOT EXISTS (SELECT 1 FROM expiry WHERE expiry.message = number AND over = 1)"

    def __init__(self, connection: sqlite3.Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock
        self._deadlines: dict[int, float] = {}

    @property
    def deadlines(self) -> Mapping[int, float]:
        """Until when, in the clock's seconds, the messages stand that are not marked as over."""
        return self._deadlines

    def recover(self) -> None:
        """Takes up the deadlines that were not over when the last run ended."""
        rows = self._connection.execute("SELECT message, deadline FROM expiry WHERE over = 0")
        self._deadlines = {number: deadline_of(self._clock, deadline / 1000) for number, deadline in rows}

    def end_of(self, span: int) -> int:
        """The deadline, in milliseconds since 1970, of a message that lives so many milliseconds from now on."""
        # A moment within a millisecond counts as its end: nothing is over too early.
        return self._clock.wall_ms() + 1 + span

    def add(self, deadlines: Mapping[int, int]) -> None:
        """Gives messages their deadlines; if the transaction fails nobody asks for their numbers any more.

        Args:
            deadlines: The deadline of each message in milliseconds since 1970, by its number.
        """
        insert_rows(
            self._connection,
            "INSERT INTO expiry VALUES ",
            [(number, deadline, 0) for number, deadline in deadlines.items()],
        )
        for number, deadline in deadlines.items():
            self._deadlines[number] = deadline_of(self._clock, deadline / 1000)

    def known(self, number: int) -> bool:
        """Whether a message has a deadline, marked as over or not."""
        row = self._connection.execute("SELECT 1 FROM expiry WHERE message = ?", (number,)).fetchone()
        return row is not None

    def marked(self, number: int) -> bool:
        """Whether a message is marked as over."""
        query = "SELECT 1 FROM expiry WHERE message = ? AND over = 1"
        return self._connection.execute(query, (number,)).fetchone() is not None

    def mark(self, numbers: tuple[int, ...]) -> None:
        """Marks messages as over for good."""
        self._connection.executemany(
            "UPDATE expiry SET over = 1 WHERE message = ?", [(number,) for number in numbers]
        )

    def forget(self, numbers: tuple[int, ...]) -> None:
        """Keeps the deadlines of these messages in memory no longer: their marks are committed, or they never were."""
        for number in numbers:
            self._deadlines.pop(number, None)

    def over(self, number: int) -> bool:
        """Whether the deadline of a message that is not marked yet has come. May be asked from any thread."""
        deadline = self._deadlines.get(number)
        return deadline is not None and self._clock.seconds() >= deadline
