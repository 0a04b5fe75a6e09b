"""A data directory and its lock.

One node writes a data directory. The lock file says so by an advisory lock, which the kernel drops with the process,
and by its text it remembers that a database was made: a directory whose database has gone is damaged, not new.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from pathlib import Path
from types import TracebackType

DATABASE = "node.sqlite3"
LOCK = "node.lock"


class DataRefused(Exception):
    """The data directory cannot be used as it is; the text says why and what to do."""


class DataInUse(DataRefused):
    """Another process writes the data directory."""


class DataFolder:
    """A data directory that this process holds the lock of.

    Args:
        path: The directory; made if it is not there.

    Attributes:
        made: A database was made here once.

    Raises:
        DataInUse: Another process writes it.
        DataRefused: It is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = os.open(path / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise DataRefused(f"cannot use data directory {path}: {error.strerror}") from None
        try:
            self._take()
        except OSError:
            owner = os.read(self._lock, 64).decode("ascii", "replace").split("\n")[0] or "unknown"
            os.close(self._lock)
            raise DataInUse(
                f"data directory {path} is in use by another node ({owner}); one node writes one directory: "
                "stop that node or choose another --data"
            ) from None
        try:
            self._check_present()
        except DataRefused:
            os.close(self._lock)
            raise

    @property
    def database(self) -> Path:
        """The file of the database, which need not be there."""
        return self.path / DATABASE

    @property
    def empty(self) -> bool:
        """Whether there is no database yet."""
        return not self.database.exists() or self.database.stat().st_size == 0

    def _take(self) -> None:
        """Takes the lock.

        Raises:
            OSError: Somebody else has it.
        """
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _check_present(self) -> None:
        self.made = b"database made" in os.read(self._lock, 256)
        if self.made and self.empty:
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
            self.database,
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

    def look(self) -> sqlite3.Connection | None:
        """Opens the database for looking alone, which changes no byte in the directory.

        What stands only in a log that a killed node left is not seen.

        Returns:
            The connection; None if the file is no database at all.
        """
        connection = sqlite3.connect(f"{self.database.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
        try:
            connection.execute("PRAGMA schema_version").fetchone()
        except sqlite3.Error:
            connection.close()
            return None
        return connection

    def at_rest(self) -> bool:
        """Whether everything stands in the database itself, as a node that ended in good order leaves it."""
        log = self.path / f"{DATABASE}-wal"
        return not log.exists() or log.stat().st_size == 0

    def close(self) -> None:
        """Gives the lock back."""
        os.close(self._lock)

    def __enter__(self) -> DataFolder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
