"""The data directory: its lock, its database, and the checks before a node trusts it.

One node writes a data directory. The lock file says so by an advisory lock, which the kernel drops with the process,
and by its text it remembers that a database was made: a directory whose database has gone is damaged, not new.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from pathlib import Path
from types import TracebackType

from waybill_server import revocations, used_tokens
from waybill_server.cluster import tables

APPLICATION_ID = 0x57425332
SCHEMA_VERSION = 3
DATABASE = "node.sqlite3"
LOCK = "node.lock"

CHECKED_BYTES = 33_554_432
"""A database up to this size is checked page by page at every start (about 0.1 s); a larger one by its structure."""

TABLES = f"""
CREATE TABLE message (
    number INTEGER PRIMARY KEY,
    conversation TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    sender TEXT NOT NULL,
    device TEXT NOT NULL,
    key TEXT NOT NULL,
    body BLOB NOT NULL,
    UNIQUE (conversation, sequence),
    UNIQUE (sender, key)
) STRICT;
CREATE TABLE log (
    user TEXT NOT NULL,
    position INTEGER NOT NULL,
    message INTEGER NOT NULL,
    received INTEGER NOT NULL,
    PRIMARY KEY (user, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE device (
    user TEXT NOT NULL,
    device TEXT NOT NULL,
    cursor INTEGER NOT NULL,
    PRIMARY KEY (user, device)
) STRICT, WITHOUT ROWID;
CREATE TABLE marker (
    conversation TEXT NOT NULL,
    user TEXT NOT NULL,
    delivered INTEGER NOT NULL DEFAULT 0,
    read INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (conversation, user)
) STRICT, WITHOUT ROWID;
CREATE TABLE presence (
    user TEXT PRIMARY KEY,
    seen INTEGER NOT NULL,
    online INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE conversation (
    conversation TEXT PRIMARY KEY,
    name TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE member (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation TEXT NOT NULL,
    user TEXT NOT NULL,
    UNIQUE (conversation, user)
) STRICT;
CREATE TABLE block (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    user TEXT NOT NULL,
    other TEXT NOT NULL,
    UNIQUE (user, other)
) STRICT;
CREATE TABLE rule (
    sender TEXT NOT NULL,
    recipient TEXT NOT NULL,
    allowed INTEGER NOT NULL,
    PRIMARY KEY (sender, recipient)
) STRICT, WITHOUT ROWID;
{revocations.TABLE}{used_tokens.TABLE}{tables.TABLES}"""

TABLE_NAMES = frozenset(
    {
        *("message", "log", "device", "marker", "presence", "conversation", "member"),
        *("block", "rule", "revocation", "used_token"),
    }
)


class DataRefused(Exception):
    """The data directory cannot be used as it is; the text says why and what to do."""


class DataFolder:
    """A data directory that this process holds the lock of.

    Args:
        path: The directory; made if it is not there.

    Raises:
        DataRefused: Another process writes it, or it is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = os.open(path / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise DataRefused(f"cannot use data directory {path}: {error.strerror}") from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            owner = os.read(self._lock, 64).decode("ascii", "replace").split("\n")[0] or "unknown"
            os.close(self._lock)
            raise DataRefused(
                f"data directory {path} is in use by another node ({owner}); one node writes one directory: "
                "stop that node or choose another --data"
            ) from None
        try:
            self._check_present()
        except DataRefused:
            os.close(self._lock)
            raise

    def _check_present(self) -> None:
        made = b"database made" in os.read(self._lock, 256)
        database = self.path / DATABASE
        present = database.exists() and database.stat().st_size > 0
        if made and not present:
            raise DataRefused(
                f"data directory {self.path} is damaged: {DATABASE} is missing or empty although it was made before; "
                "restore it, or choose an empty directory to start anew"
            )

    def claim(self) -> None:
        """Writes who holds the lock, and that the database is made."""
        text = f"pid {os.getpid()}\ndatabase made\n".encode("ascii")
        os.pwrite(self._lock, text, 0)
        os.ftruncate(self._lock, len(text))
        os.fsync(self._lock)
        folder = os.open(self.path, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)

    def connect(self, *, writer: bool) -> sqlite3.Connection:
        """Opens the database; transactions are begun and ended by hand."""
        connection = sqlite3.connect(
            self.path / DATABASE,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
            timeout=10,
        )
        try:
            if writer:
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute("PRAGMA synchronous=FULL")
                connection.execute("PRAGMA journal_size_limit=67108864")
            else:
                connection.execute("PRAGMA query_only=ON")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def close(self) -> None:
        """Gives the lock back."""
        os.close(self._lock)

    def __enter__(self) -> DataFolder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_database(folder: DataFolder) -> sqlite3.Connection:
    """Opens the writer's connection, makes the tables in a new database, checks an old one.

    Raises:
        DataRefused: It is not a node's database, of a newer schema, or damaged. Nothing in it is changed then.
    """
    database = folder.path / DATABASE
    new = not database.exists() or database.stat().st_size == 0
    try:
        connection = folder.connect(writer=True)
        if new:
            connection.executescript(
                f"BEGIN IMMEDIATE; {TABLES} PRAGMA application_id={APPLICATION_ID}; "
                f"PRAGMA user_version={SCHEMA_VERSION}; COMMIT;"
            )
        else:
            _check(connection, database)
    except sqlite3.Error as error:
        raise DataRefused(
            f"{database} is damaged or no database: {error}; restore it from a copy, or choose an empty directory"
        ) from None
    folder.claim()
    return connection


def _check(connection: sqlite3.Connection, database: Path) -> None:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if application != APPLICATION_ID:
        raise DataRefused(
            f"{database} is not a node's database (application id {application}, expected {APPLICATION_ID})"
        )
    if version != SCHEMA_VERSION:
        raise DataRefused(
            f"{database} has schema {version}; this server knows {SCHEMA_VERSION}; it was left untouched"
        )
    found = {str(row[0]) for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    if missing := TABLE_NAMES - found:
        raise DataRefused(
            f"{database} is damaged: no table {', '.join(sorted(missing))}; restore it from a copy"
        )
    if database.stat().st_size <= CHECKED_BYTES:
        answer = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if answer != "ok":
            raise DataRefused(f"{database} is damaged: {answer}; restore it from a copy")
