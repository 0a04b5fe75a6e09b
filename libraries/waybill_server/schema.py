"""Opening a node's database: made anew, or checked and brought to the schema of the release.

A database that is damaged, of another kind or of a newer schema is refused. As long as no killed node left its log
beside it, not a byte of it is touched before.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from waybill_server.data_folder import LOCK, DataFolder, DataRefused
from waybill_server.migrations import Migration, MigrationFailed, Step, steps
from waybill_server.tables import NEWEST_SCHEMA, TABLES, table_names

APPLICATION_ID = 0x57425332

CHECKED_BYTES = 33_554_432
"""A database up to this size is checked page by page at every start (about 0.1 s); a larger one by its structure."""


class Schema:
    """How a data directory is opened.

    Args:
        path: The data directory.
        version: The schema that it is opened with.
        migrate: Bring an older database to this schema; without it one is refused.
        newest: The newest schema that this release knows, the others being older; by default `version`.

    Attributes:
        folder: The directory, which this process holds the lock of.

    Raises:
        DataRefused: The directory is in use, or cannot be used.
    """

    folders: type[DataFolder] = DataFolder
    migration: type[Migration] = Migration

    def __init__(self, path: Path, version: int, *, migrate: bool = True, newest: int = 0) -> None:
        self._version = version
        self._migrate = migrate
        self._newest = newest or version
        self.folder = self.folders(path)

    def open(self) -> sqlite3.Connection:
        """Opens the writer's connection.

        Raises:
            DataRefused: It is not a node's database, of a schema that cannot be used, or damaged. Nothing in it is
                changed then.
        """
        folder = self.folder
        connection: sqlite3.Connection | None = None
        try:
            if folder.empty or self._unfinished():
                connection = self._made()
            else:
                self._look()
                connection = folder.connect(writer=True)
                if not folder.at_rest():
                    self._check(connection)
                self._adapt(connection)
        except sqlite3.Error as error:
            self._let_go(connection)
            raise DataRefused(
                f"{folder.database} is damaged or no database: {error}; restore it from a copy, or choose an empty "
                "directory"
            ) from None
        except (DataRefused, MigrationFailed):
            self._let_go(connection)
            raise
        folder.claim()
        return connection

    def _let_go(self, connection: sqlite3.Connection | None) -> None:
        if connection is not None:
            connection.close()
        self.folder.close()

    def _unfinished(self) -> bool:
        """Whether the directory's first start ended before there was any table."""
        if self.folder.made:
            return False
        with closing(self.folder.connect(writer=False)) as connection:
            tables = connection.execute("SELECT COUNT(*) FROM sqlite_schema").fetchone()[0]
            kind = connection.execute("PRAGMA application_id").fetchone()[0]
        return bool(tables == 0 and kind == 0)

    def _made(self) -> sqlite3.Connection:
        connection = self.folder.connect(writer=True)
        connection.executescript(
            f"BEGIN IMMEDIATE; {TABLES[self._version]} PRAGMA application_id={APPLICATION_ID}; "
            f"PRAGMA user_version={self._version}; COMMIT;"
        )
        # The version in the file itself lets others refuse it without opening its log.
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return connection

    def _look(self) -> None:
        """Refuses what can be refused by looking alone."""
        looking = self.folder.look()
        if looking is None:
            if not self.folder.at_rest():
                # Killed while the log was moved into the database: together they are whole, which opening will show.
                return
            raise DataRefused(
                f"{self.folder.database} is damaged or no database; restore it from a copy, or choose an empty "
                "directory"
            )
        with closing(looking):
            self._refuse_newer(looking)
            if self.folder.at_rest():
                self._check(looking)

    def _refuse_newer(self, connection: sqlite3.Connection) -> None:
        found = _version(connection)
        if found > self._newest:
            raise DataRefused(
                f"{self.folder.database} has schema {found}, which is newer than this release knows (schema "
                f"{self._newest}); it was left untouched. Start the newer release, or let it go back: `waybill-server "
                f"migrate --data {self.folder.path} --to {self._newest}`"
            )

    def _check(self, connection: sqlite3.Connection) -> None:
        database = self.folder.database
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        if application != APPLICATION_ID:
            raise DataRefused(
                f"{database} is not a node's database (application id {application}, expected {APPLICATION_ID})"
            )
        self._refuse_newer(connection)
        version = _version(connection)
        if version not in TABLES:
            raise DataRefused(
                f"{database} has schema {version}, which there never was; restore it from a copy"
            )
        found = {
            str(row[0]) for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        }
        if missing := table_names(version) - found:
            raise DataRefused(
                f"{database} is damaged: no table {', '.join(sorted(missing))}; restore it from a copy"
            )
        if database.stat().st_size <= CHECKED_BYTES:
            answer = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if answer != "ok":
                raise DataRefused(f"{database} is damaged: {answer}; restore it from a copy")

    def _adapt(self, connection: sqlite3.Connection) -> None:
        """Brings the database to the schema that is wanted."""
        found = _version(connection)
        if found == self._version:
            return
        if not self._migrate:
            raise DataRefused(
                f"{self.folder.database} has schema {found}, older than this release works with (schema "
                f"{self._version}), and --no-migrate was given; it was left untouched. `waybill-server migrate --data "
                f"{self.folder.path} --to {self._version}` brings it forward"
            )
        try:
            self.migration(connection).run(steps(found, self._version))
        except MigrationFailed as failed:
            raise DataRefused(
                f"{self.folder.database} stays at schema {_version(connection)}: {failed}; nothing is lost, "
                f"make room or restore it from a copy"
            ) from None


class Migrated(Schema):
    """The same, for the command that migrates and does nothing else: it goes back as well as forward.

    Attributes:
        found: The schema that the database had.
        way: The steps that were done.
        rows: How many rows were written anew.
    """

    def __init__(self, path: Path, version: int) -> None:
        if not (path / LOCK).exists():
            raise DataRefused(f"{path} is no data directory of a node: there is no {LOCK} in it")
        super().__init__(path, version, newest=NEWEST_SCHEMA)
        self.found = 0
        self.way: list[Step] = []
        self.rows = 0

    def _adapt(self, connection: sqlite3.Connection) -> None:
        self.found = _version(connection)
        self.way = steps(self.found, self._version)
        self.rows = self.migration(connection).run(self.way)


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
