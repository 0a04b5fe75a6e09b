"""What every request does to the stored state, within a transaction that somebody else begins and ends.

The ledger runs in the writer's thread alone. It keeps ends of logs and conversations in memory, as read from the
database; `forget` drops them after a transaction that did not commit. Sends of a batch are decided one after the
other in memory and written with a few statements for all of them: each statement hands the interpreter lock over
twice, which costs more than the rows.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Sequence

from waybill_server.bulk import insert_rows, select_pairs
from waybill_server.clock import Clock
from waybill_server.conversations import direct_members
from waybill_server.expiries import Expiries
from waybill_server.limits import BLOCKED_USERS, RETRY_AFTER_MS, Limits
from waybill_server.log_rows import Entry, LogRows
from waybill_server.permissions import Permissions
from waybill_server.records import (
    NOT_ADMITTED,
    AckRequest,
    Blocked,
    BlockRequest,
    EndRequest,
    Expired,
    ExpireRequest,
    LoginRequest,
    Message,
    Moved,
    Place,
    ReadRequest,
    Refusal,
    Request,
    Revoked,
    RevokeRequest,
    RuleRequest,
    SeenRequest,
    SendRequest,
    Stored,
    Watermark,
)
from waybill_server.revocations import Admission, Revocations
from waybill_server.router import Router
from waybill_server.tables import NEWEST_SCHEMA
from waybill_server.used_tokens import UsedTokens

REMEMBERED = 50_000
"""Logs and conversations whose ends are kept in memory; past it they are read again."""


class LogEnd:
    """The end of a user's log, and how much of it was acknowledged.

    Attributes:
        head: The last position.
        received: How many entries up to `head` came from others.
        cursor: The highest cursor of any device of the user.
        acknowledged: How many entries up to `cursor` came from others.
    """

    __slots__ = ("acknowledged", "cursor", "head", "received")

    def __init__(self, head: int, received: int, cursor: int, acknowledged: int) -> None:
        self.head = head
        self.received = received
        self.cursor = cursor
        self.acknowledged = acknowledged


class Ledger:
    """The state behind one writer connection.

    Args:
        connection: The writer's connection.
        clock: Numbers the messages.
        router: Decides whose logs a message enters.
        limits: The bounds.

    Attributes:
        permissions: Who may write to whom.
        revocations: What is revoked.
        expiries: Until when messages stand.
    """

    def __init__(self, connection: sqlite3.Connection, clock: Clock, router: Router, limits: Limits) -> None:
        self.connection = connection
        self.permissions, self._log_rows, self.expiries = _of_schema(connection, clock)
        self.revocations = Revocations(connection)
        self._used = UsedTokens(connection)
        self._clock = clock
        self._router = router
        self._limits = limits
        self._logs: dict[str, LogEnd] = {}
        self._sequences: dict[str, int] = {}
        self._groups: dict[str, tuple[str, ...]] = {}

    def recover(self) -> None:
        """Takes up after the last run: numbers go on from the newest, whoever was online is not."""
        newest = self.connection.execute("SELECT MAX(number) FROM message").fetchone()[0]
        if newest is not None:
            self._clock.recover(newest)
        self.connection.execute("UPDATE presence SET online = 0 WHERE online = 1")
        self.permissions.load()
        self.revocations.load()
        self.expiries.recover()

    def forget(self) -> None:
        """Drops what is kept in memory; the database is the truth."""
        self._logs.clear()
        self._sequences.clear()
        self._groups.clear()

    def trim(self) -> None:
        """Bounds what is kept in memory; called between transactions."""
        if len(self._logs) + len(self._sequences) + len(self._groups) > REMEMBERED:
            self.forget()

    def send(self, requests: Sequence[SendRequest]) -> list[Stored | Refusal]:
        """Stores messages in the order given; each gets its own verdict, in the same order."""
        known = self._known([(request.user, request.key) for request in requests])
        messages: list[Message] = []
        entries: list[Entry] = []
        deadlines: dict[int, int] = {}
        verdicts: list[Stored | Refusal] = []
        for request in requests:
            first = known.get((request.user, request.key))
            if first is not None:
                verdicts.append(self._again(first, request))
                continue
            members = self.members(request.conversation)
            if request.user not in members:
                verdicts.append(
                    Refusal("not-a-member", f"{request.user} is not a member of {request.conversation}")
                )
                continue
            if (forbidden := self._forbidden(request, members)) is not None:
                verdicts.append(forbidden)
                continue
            recipients = self._router.recipients(request.conversation, request.user, members)
            full = self._full(recipients, request.user)
            if full:
                text = f"the inbox of {full} holds {self._limits.inbox} unacknowledged messages"
                verdicts.append(Refusal("inbox-full", text, retry_after=RETRY_AFTER_MS))
                continue
            message = self._number(request)
            known[request.user, request.key] = message
            messages.append(message)
            expires = None
            if request.ttl is not None:
                expires = deadlines[message.number] = self.expiries.end_of(request.ttl)
            positions = self._enter(message, recipients, entries, expires)
            verdicts.append(Stored(message, positions, duplicate=False, expires=request.ttl is not None))
        insert_rows(self.connection, "INSERT INTO message VALUES ", messages)
        self._log_rows.add(entries)
        if deadlines:
            self.expiries.add(deadlines)
        return verdicts

    def acknowledge(self, request: AckRequest) -> Moved | Refusal:
        """Stores a device's cursor, which never goes back, and moves the delivered watermarks that it covers."""
        log = self._log(request.user)
        if request.cursor > log.head:
            return Refusal("beyond-log", f"cursor {request.cursor} is beyond the log's end, {log.head}")
        stored = self._cursor(request.user, request.device)
        if stored is not None and request.cursor <= stored:
            return Moved(stored, ())
        self.connection.execute(
            "INSERT INTO device VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET cursor = excluded.cursor",
            (request.user, request.device, request.cursor),
        )
        if request.cursor <= log.cursor:
            return Moved(request.cursor, ())
        covered = self.connection.execute(
            "SELECT conversation, MAX(sequence) FROM log JOIN message ON number = message "
            f"WHERE user = ? AND position > ? AND position <= ? AND {self.expiries.stands} GROUP BY conversation",
            (request.user, log.cursor, request.cursor),
        ).fetchall()
        log.cursor = request.cursor
        log.acknowledged = self._log_rows.received(request.user, request.cursor)
        moved = [
            self._mark(conversation, request.user, "delivered", sequence)
            for conversation, sequence in covered
        ]
        return Moved(request.cursor, tuple(each for each in moved if each is not None))

    def read(self, request: ReadRequest) -> Moved | Refusal:
        """Moves a user's read marker, which never goes back."""
        if request.user not in self.members(request.conversation):
            return Refusal("not-a-member", f"{request.user} is not a member of {request.conversation}")
        last = self._sequence(request.conversation)
        if request.sequence > last:
            return Refusal(
                "no-such-sequence", f"sequence {request.sequence} is beyond the conversation's last, {last}"
            )
        moved = self._mark(request.conversation, request.user, "read", request.sequence)
        if moved is not None:
            return Moved(request.sequence, (moved,))
        row = self.connection.execute(
            "SELECT read FROM marker WHERE conversation = ? AND user = ?",
            (request.conversation, request.user),
        ).fetchone()
        return Moved(row[0] if row else 0, ())

    def admits(self, request: Request) -> bool:
        """Whether the session that asks may still do so."""
        admission = request.admission
        return admission is None or (not admission.ended and self.revocations.admits(admission))

    def revoke(self, request: RevokeRequest) -> Revoked:
        """Revokes, from now on."""
        now = self._clock.wall_ms()
        self.revocations.purge(now)
        return Revoked(self.revocations.revoke(request.target, now if request.at is None else request.at).at)

    def end(self, request: EndRequest) -> None:
        """Ends a session, from now on."""
        request.ended.ended = True

    def login(self, request: LoginRequest) -> Place | Refusal:
        """Notes that the user is online; finds where the device goes on. A token that is good for one login is used."""
        admission = request.admission
        if admission is not None and admission.once and not self._use(admission):
            return NOT_ADMITTED
        self.connection.execute(
            "INSERT INTO presence VALUES (?, ?, 1) "
            "ON CONFLICT DO UPDATE SET seen = MAX(seen, excluded.seen), online = 1",
            (request.user, request.time),
        )
        head = self._log(request.user).head
        stored = self._cursor(request.user, request.device)
        if stored is None:
            cursor = request.cursor or 0
        elif request.cursor is None:
            cursor = stored
        else:
            cursor = min(stored, request.cursor)
        return Place(min(cursor, head), head)

    def seen(self, request: SeenRequest) -> None:
        """Notes when the user's last session ended."""
        self.connection.execute(
            "UPDATE presence SET seen = MAX(seen, ?), online = 0 WHERE user = ?", (request.time, request.user)
        )

    def block(self, request: BlockRequest) -> Blocked | Refusal:
        """Changes a user's block list."""
        permissions = self.permissions
        if not request.blocked:
            permissions.unblock(request.user, request.other)
        elif len(permissions.blocked(request.user)) < BLOCKED_USERS or permissions.blocks(
            request.user, request.other
        ):
            permissions.block(request.user, request.other)
        else:
            return Refusal("too-many-blocked", f"a user blocks at most {BLOCKED_USERS} others")
        return Blocked(permissions.blocked(request.user))

    def rule(self, request: RuleRequest) -> None:
        """Changes the rule for a pair."""
        self.permissions.rule(request.sender, request.recipient, request.allowed)

    def expire(self, request: ExpireRequest) -> Expired:
        """Marks messages as over; whoever was not given them will not get them any more."""
        self.expiries.mark(request.numbers)
        rows = [
            self.connection.execute("SELECT * FROM message WHERE number = ?", (number,)).fetchone()
            for number in request.numbers
        ]
        return Expired(tuple(Message(*row) for row in rows if row is not None))

    def new_group(self) -> str:
        """An id that no group has yet."""
        return f"g:{secrets.token_hex(8)}"

    def members(self, conversation: str) -> tuple[str, ...]:
        """The conversation's members in the order of joining; empty if it does not exist."""
        pair = direct_members(conversation)
        if pair is not None:
            return pair
        members = self._groups.get(conversation)
        if members is None:
            rows = self.connection.execute(
                "SELECT user FROM member WHERE conversation = ? ORDER BY place", (conversation,)
            )
            members = tuple(row[0] for row in rows)
            if members:
                self._groups[conversation] = members
        return members

    def regrouped(self, conversation: str) -> None:
        """A group's members changed in the database."""
        self._groups.pop(conversation, None)

    def _enter(
        self, message: Message, recipients: Sequence[str], entries: list[Entry], expires: int | None
    ) -> tuple[tuple[str, int], ...]:
        """Gives a message its place in the log of every recipient; adds the rows to `entries`. Its deadline is for
        whoever passes it on."""
        positions = []
        for user in recipients:
            log = self._log(user)
            log.head += 1
            log.received += user != message.sender
            entries.append((user, log.head, message.number, log.received))
            positions.append((user, log.head))
        return tuple(positions)

    def _use(self, admission: Admission) -> bool:
        return self._used.use(admission, self._clock.wall_ms() / 1000)

    def _known(self, pairs: list[tuple[str, str]]) -> dict[tuple[str, str], Message]:
        rows = select_pairs(self.connection, "message", ("sender", "key"), pairs)
        return {(row[3], row[5]): Message(*row) for row in rows}

    def _forbidden(self, request: SendRequest, members: Sequence[str]) -> Refusal | None:
        """The refusal of a direct message that its recipient, or a rule, does not want; a group's messages go to all
        its members. It does not say which of the two it was."""
        if len(members) > 2 or not request.conversation.startswith("d:"):
            return None
        recipient = members[0] if members[-1] == request.user else members[-1]
        if self.permissions.may_write(request.user, recipient):
            return None
        return Refusal("not-permitted", f"{request.user} may not write to {recipient}")

    def _again(self, first: Message, request: SendRequest) -> Stored | Refusal:
        if first.conversation == request.conversation and first.body == request.body:
            return Stored(first, (), duplicate=True)
        what = "body" if first.conversation == request.conversation else "conversation"
        return Refusal("key-conflict", f"key {request.key!r} was used for a message with another {what}")

    def _number(self, request: SendRequest) -> Message:
        sequence = self._sequence(request.conversation) + 1
        self._sequences[request.conversation] = sequence
        return Message(
            self._clock.next_number(),
            request.conversation,
            sequence,
            request.user,
            request.device,
            request.key,
            request.body,
        )

    def _full(self, recipients: Sequence[str], sender: str) -> str:
        for user in recipients:
            log = self._log(user)
            if user != sender and log.received - log.acknowledged >= self._limits.inbox:
                return user
        return ""

    def _log(self, user: str) -> LogEnd:
        log = self._logs.get(user)
        if log is None:
            head, received = self._log_rows.end(user)
            highest = self.connection.execute("SELECT MAX(cursor) FROM device WHERE user = ?", (user,))
            cursor = highest.fetchone()[0] or 0
            log = self._logs[user] = LogEnd(head, received, cursor, self._log_rows.received(user, cursor))
        return log

    def _sequence(self, conversation: str) -> int:
        sequence = self._sequences.get(conversation)
        if sequence is None:
            row = self.connection.execute(
                "SELECT MAX(sequence) FROM message WHERE conversation = ?", (conversation,)
            )
            sequence = self._sequences[conversation] = row.fetchone()[0] or 0
        return sequence

    def _cursor(self, user: str, device: str) -> int | None:
        row = self.connection.execute(
            "SELECT cursor FROM device WHERE user = ? AND device = ?", (user, device)
        ).fetchone()
        return int(row[0]) if row else None

    def _mark(
        self, conversation: str, user: str, kind: str, sequence: int
    ) -> tuple[Watermark, tuple[str, ...]] | None:
        """Moves one watermark up; None if it stands there or higher."""
        if sequence <= 0:
            return None
        row = self.connection.execute(
            f"INSERT INTO marker (conversation, user, {kind}) VALUES (?, ?, ?) "
            f"ON CONFLICT DO UPDATE SET {kind} = excluded.{kind} WHERE {kind} < excluded.{kind} "
            "RETURNING delivered, read",
            (conversation, user, sequence),
        ).fetchone()
        if row is None:
            return None
        return Watermark(conversation, user, row[0], row[1]), self.members(conversation)


def _of_schema(connection: sqlite3.Connection, clock: Clock) -> tuple[Permissions, LogRows, Expiries]:
    """What depends on the schema of the database."""
    if connection.execute("PRAGMA user_version").fetchone()[0] == NEWEST_SCHEMA:
        return Permissions(connection), LogRows(connection), Expiries(connection, clock)
    from waybill_server.release_one import EarlyLogRows, NoExpiries, NoPermissions

    return NoPermissions(connection), EarlyLogRows(connection), NoExpiries(connection, clock)
