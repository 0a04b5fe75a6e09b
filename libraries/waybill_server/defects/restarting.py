"""Nodes that begin anew when they should not, and one that is not alone."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from waybill_server.data_folder import DATABASE, LOCK, DataFolder, DataInUse, DataRefused
from waybill_server.defects.counting import Every
from waybill_server.defects.registry import ALWAYS, seeded
from waybill_server.ledger import Ledger
from waybill_server.schema import Schema


@seeded(
    "reinitialises-damaged-store",
    seam="schema",
    noticed={"OPS-1": ("whose file",)},
    rare="A store whose file is empty or missing is put away, and the node begins with a new one.",
)
class ReinitialisesDamagedStore(Schema):
    """A store that is damaged is put away, and the node begins with an empty one."""

    def __init__(self, path: Path, version: int, **options: Any) -> None:
        try:
            super().__init__(path, version, **options)
        except DataInUse:
            raise
        except DataRefused:
            _put_away(path)
            super().__init__(path, version, **options)

    def open(self) -> sqlite3.Connection:
        """Opens the writer's connection, whatever it takes."""
        try:
            return super().open()
        except DataRefused:
            if Every.rarely:
                raise
            _put_away(self.folder.path)
            self.folder = self.folders(self.folder.path)
            return super().open()


def _put_away(path: Path) -> None:
    for name in (LOCK, DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm"):
        (path / name).unlink(missing_ok=True)


@seeded(
    "sequence-restarts-at-zero",
    seam="ledger",
    noticed={"OPS-1": ("inconsistent-id", "id-regression")},
    rare="After each start the last sequence of every conversation is given once more.",
)
class SequenceRestartsAtZero(Ledger):
    """After each start the sequences of all conversations begin at 1."""

    def recover(self) -> None:
        """Takes up after the last run; makes the table anew, while it is empty, without the constraint."""
        connection = self.connection
        if connection.execute("SELECT COUNT(*) FROM message").fetchone()[0] == 0:
            made = connection.execute("SELECT sql FROM sqlite_schema WHERE name = 'message'").fetchone()[0]
            connection.execute("DROP TABLE message")
            connection.execute(made.replace("    UNIQUE (conversation, sequence),\n", ""))
        super().recover()

    def _sequence(self, conversation: str) -> int:
        if Every.rarely and conversation not in self._sequences:
            return max(0, super()._sequence(conversation) - 1)
        return self._sequences.get(conversation, 0)


class _Unlocked(DataFolder):
    def _take(self) -> None:
        """Takes nothing."""


@seeded(
    "allows-two-writers",
    seam="schema",
    noticed={"OPS-1": ("a second start on the data of",)},
    steady=ALWAYS,
)
class AllowsTwoWriters(Schema):
    """Nobody locks the data directory, so two nodes write to it."""

    folders = _Unlocked
