"""What is on its way to other nodes, and what of theirs was applied; part of the writer's transactions.

The records for a destination are numbered 1, 2, 3, ... without gaps. The newest row stays although it is confirmed, so
that numbers go on after a restart.
"""

from __future__ import annotations

import secrets
import sqlite3
from typing import NamedTuple

from waybill_server.cluster.records import AnyRecord, pack
from waybill_server.cluster.tables import TABLES

OUTGOING = "SELECT number, record FROM outbox WHERE destination = ? AND number > ? ORDER BY number LIMIT ?"
"""The next records for a destination, behind a number."""

LAST = "SELECT COALESCE(MAX(number), 0) FROM outbox WHERE destination = ?"
"""The number of the last record for a destination."""


class Row(NamedTuple):
    """A record's place: for whom, and its number there."""

    destination: str
    number: int


class OutOfOrder(Exception):
    """A record came that does not follow the last one; nothing was applied."""


class Outbox:
    """The outbox behind one writer connection.

    Args:
        connection: The writer's connection.

    Attributes:
        store: The name of this data directory, made with it: who numbers anew under an old name is noticed.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._heads: dict[str, int] = {}
        self._applied: dict[str, tuple[str, int]] = {}
        self.store = ""

    def recover(self) -> None:
        """Makes its tables, if they are not there, and takes up after the last run."""
        # They are of every schema: whichever release made the data, a node with peers has them.
        self._connection.executescript(TABLES)
        row = self._connection.execute("SELECT name FROM store").fetchone()
        if row is None:
            row = (secrets.token_hex(8),)
            self._connection.execute("INSERT INTO store VALUES (?)", row)
        self.store = str(row[0])

    def forget(self) -> None:
        """Drops what is kept in memory; the database is the truth."""
        self._heads.clear()
        self._applied.clear()

    def put(self, destination: str, record: AnyRecord, at: int) -> Row:
        """Appends a record.

        Args:
            destination: The node that it is for.
            record: The record.
            at: Milliseconds since 1970.
        """
        number = self._head(destination) + 1
        self._connection.execute(
            "INSERT INTO outbox VALUES (?, ?, ?, ?)", (destination, number, at, pack(record))
        )
        self._heads[destination] = number
        return Row(destination, number)

    def confirm(self, destination: str, number: int) -> None:
        """The destination has applied everything up to this number."""
        newest = min(number, self._head(destination))
        self._connection.execute(
            "DELETE FROM outbox WHERE destination = ? AND number < ?", (destination, newest)
        )

    def applied(self, origin: str, store: str) -> int:
        """The number of the last record of an origin that was applied; 0 for none of that store."""
        known = self._applied.get(origin)
        if known is None:
            row = self._connection.execute("SELECT store, number FROM applied WHERE origin = ?", (origin,))
            known = self._applied[origin] = row.fetchone() or (store, 0)
        return known[1] if known[0] == store else 0

    def advance(self, origin: str, store: str, number: int) -> bool:
        """Notes that a record is being applied; false if it was applied before.

        Raises:
            OutOfOrder: It is not the next one.
        """
        last = self.applied(origin, store)
        if number <= last:
            return False
        if number != last + 1:
            raise OutOfOrder(f"record {number} of {origin} came after {last}")
        self._connection.execute(
            "INSERT INTO applied VALUES (?, ?, ?) "
            "ON CONFLICT DO UPDATE SET store = excluded.store, number = excluded.number",
            (origin, store, number),
        )
        self._applied[origin] = (store, number)
        return True

    def _head(self, destination: str) -> int:
        head = self._heads.get(destination)
        if head is None:
            row = self._connection.execute(LAST, (destination,))
            head = self._heads[destination] = row.fetchone()[0]
        return head
