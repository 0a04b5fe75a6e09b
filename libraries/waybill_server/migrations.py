"""From one schema to the next and back: each step is one transaction, so a step that is cut off never happened.

What an older schema has no tables for is left where it is on the way back. The older release does not look at it, and
it is in force again when the database comes forward.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from waybill_server.tables import ADDED_BY_2, LOG_OF_1, LOG_OF_2, statements


class MigrationFailed(Exception):
    """A step was not done and left no trace; the text says why."""


class Step(NamedTuple):
    """What leads from one schema to a neighbour.

    Attributes:
        start: The schema before.
        end: The schema after.
        statements: What is done, in this order.
        rewritten: Tables all of whose rows are written anew; afterwards they must be as many as before.
    """

    start: int
    end: int
    statements: tuple[str, ...]
    rewritten: tuple[str, ...] = ()


def _unless_there(text: str) -> list[str]:
    """What makes tables that may have been left from an earlier stay in the newer schema."""
    for kind in ("TABLE", "INDEX"):
        text = text.replace(f"CREATE {kind} ", f"CREATE {kind} IF NOT EXISTS ")
    return statements(text)


STEPS = (
    Step(
        1,
        2,
        (
            "ALTER TABLE log RENAME TO old_log",
            *statements(LOG_OF_2),
            "INSERT INTO log SELECT user, position, message, "
            "SUM(sender <> user) OVER (PARTITION BY user ORDER BY position) "
            "FROM old_log JOIN message ON number = message",
            "DROP TABLE old_log",
            *_unless_there(ADDED_BY_2),
        ),
        rewritten=("log",),
    ),
    Step(
        2,
        1,
        (
            "ALTER TABLE log RENAME TO old_log",
            *statements(LOG_OF_1),
            "INSERT INTO log SELECT user, position, message FROM old_log",
            "DROP TABLE old_log",
        ),
        rewritten=("log",),
    ),
)


def steps(start: int, end: int) -> list[Step]:
    """The steps from one schema to another.

    Raises:
        MigrationFailed: There is no way.
    """
    found = []
    while start != end:
        towards = start + (1 if end > start else -1)
        step = next((one for one in STEPS if (one.start, one.end) == (start, towards)), None)
        if step is None:
            raise MigrationFailed(f"there is no way from schema {start} to schema {towards}")
        found.append(step)
        start = towards
    return found


class Migration:
    """Changes the schema of a database.

    Args:
        connection: A writer's connection on which no transaction is open.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def run(self, way: Sequence[Step]) -> int:
        """Does steps, each wholly or not at all; gives the number of rows that were written anew.

        Raises:
            MigrationFailed: A step was rolled back; those before it are done.
        """
        rows = 0
        for step in way:
            try:
                rows += self._step(step)
            except (sqlite3.Error, MigrationFailed) as error:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise MigrationFailed(
                    f"the step from schema {step.start} to {step.end} was rolled back: {error}"
                ) from None
        # The version in the file itself lets others refuse it without opening its log.
        with contextlib.suppress(sqlite3.Error):
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return rows

    def _step(self, step: Step) -> int:
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        before = self._rows(step)
        for statement in self._statements(step):
            connection.execute(statement)
        after = self._rows(step)
        if before != after:
            raise MigrationFailed(f"{before} rows of {', '.join(step.rewritten)} became {after}")
        connection.execute(f"PRAGMA user_version = {step.end}")
        connection.execute("COMMIT")
        return after

    def _statements(self, step: Step) -> Sequence[str]:
        return step.statements

    def _rows(self, step: Step) -> int:
        counts = [
            self._connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]
            for table in step.rewritten
        ]
        return sum(counts)
