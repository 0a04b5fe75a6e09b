"""The node's memory: requests that change it go through the writer, reads are answered at once.

Reads run on the event loop's thread with a connection of their own: a page of the log costs less than handing it to
another thread. They see every commit that was answered.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from waybill_server.clock import Clock
from waybill_server.expiries import Expiries
from waybill_server.ledger import Ledger
from waybill_server.limits import Limits
from waybill_server.logs import log
from waybill_server.permissions import Permissions
from waybill_server.records import (
    Group,
    LogEntry,
    Message,
    Request,
    Revoked,
    RevokeRequest,
    Status,
    Watermark,
)
from waybill_server.revocations import Admission, Revocation, Target
from waybill_server.router import Router
from waybill_server.schema import Schema
from waybill_server.tables import NEWEST_SCHEMA
from waybill_server.writer import Answers, Writer


class StoreFailed(Exception):
    """A read failed; the text is the database's."""


class Store(Protocol):
    """What the node asks of its memory. All calls come from the event loop's thread, and `done` is called there."""

    @property
    def permissions(self) -> Permissions:
        """Who may write to whom."""

    @property
    def expiries(self) -> Expiries:
        """Until when messages stand."""

    def submit(self, request: Request) -> None:
        """Changes the state; calls `request.done` with the result once it is committed, in the order of requests."""

    def entries(self, user: str, after: int, upto: int, *, without: str | None = None) -> list[LogEntry]:
        """The user's log entries with `after` < position <= `upto`, ascending, without those that the user's device
        `without` sent, and without what is over."""

    def status(self, user: str, key: str) -> Status | None:
        """What became of the user's message of this key; None if there is none."""

    def head(self, user: str) -> int:
        """The last position of the user's log."""

    def watermarks(self, conversation: str, members: tuple[str, ...]) -> list[Watermark]:
        """The watermarks of these members."""

    def group(self, conversation: str) -> Group | None:
        """A group's present state."""

    def last_seen(self, user: str) -> int | None:
        """When the user's last session was known to be there."""

    def concern(self, admission: Admission) -> bool:
        """Whether an admission is revoked."""

    def revocations(self) -> list[Revocation]:
        """What is revoked, by time."""

    async def settled(self) -> None:
        """Returns when every request so far is answered."""

    def close(self) -> None:
        """Answers what is open and gives the data directory back."""


MakeLedger = Callable[[sqlite3.Connection, Clock, Router, Limits], Ledger]


class SqliteStore:
    """The store in one SQLite database.

    Args:
        path: The data directory.
        clock: Numbers the messages; recovered from the database.
        router: Decides whose logs a message enters.
        limits: The bounds.
        ledger: What requests do to the state.
        writer: When they are committed.
        schema: How the directory is opened.
        version: The schema that it is opened with.
        migrate: Bring an older database to it; without it one is refused.

    Raises:
        DataRefused: The directory is in use or damaged.
    """

    def __init__(
        self,
        path: Path,
        clock: Clock,
        router: Router,
        limits: Limits,
        *,
        ledger: MakeLedger = Ledger,
        writer: type[Writer] = Writer,
        schema: type[Schema] = Schema,
        version: int = NEWEST_SCHEMA,
        migrate: bool = True,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        opening = schema(path, version, migrate=migrate)
        self._folder = opening.folder
        self._connection = opening.open()
        self._reader = self._folder.connect(writer=False)
        self._ledger = ledger(self._connection, clock, router, limits)
        self._ledger.recover()
        self.permissions = self._ledger.permissions
        self.expiries = self._ledger.expiries
        self._revocations = self._ledger.revocations
        self._open = 0
        self._settled = asyncio.Event()
        self._settled.set()
        self._writer = writer(self._ledger, limits, self._answered)
        self._writer.start()

    def submit(self, request: Request) -> None:
        """Queues a request for the writer."""
        self._open += 1
        self._settled.clear()
        self._writer.submit(request)

    def _answered(self, answers: Answers) -> None:
        self._loop.call_soon_threadsafe(self._hand_over, answers)

    def _hand_over(self, answers: Answers) -> None:
        for request, result in answers:
            try:
                if isinstance(request, RevokeRequest) and isinstance(result, Revoked):
                    request.enforce(result)
                request.done(result)
            except Exception as error:
                # One answer's fault must not cost the others theirs.
                log("fault", request=type(request).__name__, error=f"{type(error).__name__}: {error}")
        self._open -= len(answers)
        if not self._open:
            self._settled.set()

    def entries(self, user: str, after: int, upto: int, *, without: str | None = None) -> list[LogEntry]:
        """A stretch of a user's log."""
        query = (
            "SELECT position, message.* FROM log JOIN message ON number = message "
            "WHERE user = ? AND position > ? AND position <= ? AND NOT (sender = ? AND device = ?) "
            f"AND {self.expiries.stands} ORDER BY position"
        )
        values = (user, after, upto, "" if without is None else user, without or "")
        over = self.expiries.over
        return [
            LogEntry(row[0], Message(*row[1:])) for row in self._select(query, values) if not over(row[1])
        ]

    def status(self, user: str, key: str) -> Status | None:
        """What became of the user's message of this key."""
        query = (
            "SELECT message.*, deadline, over FROM message LEFT JOIN expiry ON message = number "
            "WHERE sender = ? AND key = ?"
        )
        rows = self._select(query, (user, key))
        if not rows:
            return None
        *stored, deadline, over = rows[0]
        message = Message(*stored)
        return Status(message, deadline, bool(over) or self.expiries.over(message.number))

    def head(self, user: str) -> int:
        """The last position of the user's log."""
        return int(self._select("SELECT COALESCE(MAX(position), 0) FROM log WHERE user = ?", (user,))[0][0])

    def watermarks(self, conversation: str, members: tuple[str, ...]) -> list[Watermark]:
        """The watermarks of these members; 0 where nothing is stored."""
        query = "SELECT user, delivered, read FROM marker WHERE conversation = ?"
        stored = {row[0]: (row[1], row[2]) for row in self._select(query, (conversation,))}
        return [Watermark(conversation, user, *stored.get(user, (0, 0))) for user in members]

    def group(self, conversation: str) -> Group | None:
        """A group's present state; None if there is no such group."""
        name = self._select("SELECT name FROM conversation WHERE conversation = ?", (conversation,))
        if not name:
            return None
        members = self._select(
            "SELECT user FROM member WHERE conversation = ? ORDER BY place", (conversation,)
        )
        return Group(conversation, name[0][0], tuple(row[0] for row in members))

    def last_seen(self, user: str) -> int | None:
        """The newest sign of life that is stored."""
        rows = self._select("SELECT seen FROM presence WHERE user = ?", (user,))
        return int(rows[0][0]) if rows else None

    def concern(self, admission: Admission) -> bool:
        """Whether an admission is revoked."""
        return self._revocations.concern(admission)

    def revocations(self) -> list[Revocation]:
        """What is revoked, by time."""
        rows = self._select("SELECT token, user, device, at FROM revocation ORDER BY at", ())
        return [Revocation(Target(*names), at) for *names, at in rows]

    async def settled(self) -> None:
        """Returns when every request so far is answered."""
        await self._settled.wait()

    def close(self) -> None:
        """Commits what is queued, ends the writer, gives the lock back."""
        self._writer.stop()
        self._reader.close()
        self._connection.close()
        self._folder.close()

    def _select(self, query: str, values: tuple[object, ...]) -> list[Any]:
        try:
            return self._reader.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise StoreFailed(f"{type(error).__name__}: {error}") from None


class OpenStore(Protocol):
    """How a node gets its store."""

    def __call__(
        self, path: Path, clock: Clock, router: Router, limits: Limits, /, *, version: int, migrate: bool
    ) -> Store:
        """Opens it."""
