"""The issuer's memory: what it gave to whom, in one SQLite database that survives restarts."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from waybill_server import revocations

DATABASE = "issuer.sqlite3"
APPLICATION_ID = 0x57424932
SCHEMA_VERSION = 1

TABLES = f"""
CREATE TABLE family (
    family TEXT PRIMARY KEY,
    user TEXT NOT NULL,
    client TEXT NOT NULL,
    device TEXT NOT NULL,
    key TEXT NOT NULL,
    once INTEGER NOT NULL,
    scope TEXT NOT NULL,
    expires INTEGER NOT NULL,
    ended INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE TABLE refresh (
    digest BLOB PRIMARY KEY,
    family TEXT NOT NULL,
    used INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE TABLE issued (
    token TEXT PRIMARY KEY,
    family TEXT NOT NULL,
    user TEXT NOT NULL,
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX issued_end ON issued (expires);
CREATE INDEX refresh_family ON refresh (family);
CREATE INDEX family_user ON family (user);
CREATE INDEX family_end ON family (expires);
{revocations.TABLE}"""


class IssuerDataRefused(Exception):
    """The database cannot be used as it is; the text says why."""


class IssuerStore:
    """The database.

    Args:
        folder: The data directory; None keeps everything in memory alone.

    Attributes:
        connection: For whoever is in a `transaction`.
        revocations: What is revoked.

    Raises:
        IssuerDataRefused: It is no issuer's database, of another schema, or damaged.
    """

    def __init__(self, folder: Path | None) -> None:
        path = folder / DATABASE if folder else None
        try:
            if path is not None:
                path.touch(mode=0o600)
            self.connection = sqlite3.connect(
                path or ":memory:", isolation_level=None, check_same_thread=False
            )
            self.connection.execute("PRAGMA journal_mode=WAL")
            self.connection.execute("PRAGMA synchronous=FULL")
            self._prepare(str(path))
            self.revocations = revocations.Revocations(self.connection)
            self.revocations.load()
        except (OSError, sqlite3.Error) as error:
            raise IssuerDataRefused(f"{path} cannot be used: {error}") from None
        self._turn = threading.RLock()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One transaction, whose turn it is alone; rolled back if it raises."""
        with self._turn:
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield self.connection
                self.connection.execute("COMMIT")
            except BaseException:
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                self.revocations.load()
                raise

    def close(self) -> None:
        """Closes the database once nobody is in a transaction."""
        with self._turn:
            self.connection.close()

    def _prepare(self, place: str) -> None:
        application, version = (
            self.connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("application_id", "user_version")
        )
        if (application, version) == (0, 0):
            self.connection.executescript(
                f"BEGIN IMMEDIATE; {TABLES} PRAGMA application_id={APPLICATION_ID}; "
                f"PRAGMA user_version={SCHEMA_VERSION}; COMMIT;"
            )
        elif (application, version) != (APPLICATION_ID, SCHEMA_VERSION):
            raise IssuerDataRefused(
                f"{place} is no issuer's database of schema {SCHEMA_VERSION} (application id {application}, "
                f"schema {version}); it was left untouched"
            )
