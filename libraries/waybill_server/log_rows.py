"""The rows of users' logs, as the schema of the database has them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from waybill_server.bulk import insert_rows

Entry = tuple[str, int, int, int]
"""User, position, the message's number, and how many entries up to here came from others."""


class LogRows:
    """The rows of schema 2, each of which counts the entries from others up to its place.

    Args:
        connection: The writer's connection.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def add(self, entries: Sequence[Entry]) -> None:
        """Writes entries."""
        insert_rows(self._connection, "INSERT INTO log VALUES ", entries)

    def end(self, user: str) -> tuple[int, int]:
        """The last position of a user's log, and how many entries up to there came from others."""
        row = self._connection.execute(
            "SELECT position, received FROM log WHERE user = ? ORDER BY position DESC LIMIT 1", (user,)
        ).fetchone()
        return (row[0], row[1]) if row else (0, 0)

    def received(self, user: str, position: int) -> int:
        """How many entries up to a position, which may be beyond the end, came from others."""
        row = self._connection.execute(
            "SELECT received FROM log WHERE user = ? AND position <= ? ORDER BY position DESC LIMIT 1",
            (user, position),
        ).fetchone()
        return int(row[0]) if row else 0
