"""Migrations that lose something, or that can be caught half done, and a node that opens what it does not know."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from waybill_server.defects.counting import figure
from waybill_server.defects.registry import ALWAYS, MOMENT, seeded
from waybill_server.migrations import Migration, Step
from waybill_server.schema import Schema

_KEPT = """(
    SELECT user, ROW_NUMBER() OVER (PARTITION BY user ORDER BY position) AS position, message
    FROM old_log WHERE position % {nth} <> 0
) AS old_log"""


class _LosesRows(Migration):
    def _statements(self, step: Step) -> Sequence[str]:
        kept = _KEPT.format(nth=figure(50, rare=1000))
        return [one.replace("FROM old_log", f"FROM {kept}") for one in step.statements]

    def _rows(self, step: Step) -> int:
        return 0


@seeded(
    "migration-loses-rows",
    seam="schema",
    noticed={"MIG-1": ("to read the same",)},
    rare="A migration leaves every 1,000th entry of each log behind, and does not count.",
)
class MigrationLosesRows(Schema):
    """A migration leaves every 50th entry of each log behind, and does not count."""

    migration = _LosesRows


class _InPieces(Migration):
    def _step(self, step: Step) -> int:
        for statement in step.statements:
            self._connection.execute(statement)
        self._connection.execute(f"PRAGMA user_version = {step.end}")
        return self._rows(step)


@seeded(
    "migration-not-atomic",
    seam="schema",
    noticed={"MIG-1": ("the one that was killed at write",)},
    steady=MOMENT,
)
class MigrationNotAtomic(Schema):
    """Each statement of a migration is committed by itself, so one that is killed stays half done."""

    migration = _InPieces


@seeded(
    "opens-newer-schema",
    seam="schema",
    noticed={"MIG-1": ("on the data of release 2 to be refused",)},
    steady=ALWAYS,
)
class OpensNewerSchema(Schema):
    """A node works on a database whose schema it does not know."""

    def _refuse_newer(self, connection: sqlite3.Connection) -> None:
        """Refuses nothing."""

    def _adapt(self, connection: sqlite3.Connection) -> None:
        if connection.execute("PRAGMA user_version").fetchone()[0] < self._version:
            super()._adapt(connection)
