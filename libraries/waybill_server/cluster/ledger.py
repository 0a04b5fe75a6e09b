"""What a node with peers does to its stored state, and what it tells them in the same transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from waybill_server.clock import Clock
from waybill_server.cluster.homes import Homes
from waybill_server.cluster.outbox import Outbox, Row
from waybill_server.cluster.records import (
    AnyRecord,
    Append,
    BlockListed,
    DeviceCursor,
    Entered,
    GroupState,
    RevokedAt,
    Ruled,
    SeenAt,
    Sent,
    Settled,
    Unread,
    Watermarks,
    unpack_known,
)
from waybill_server.cluster.requests import Produced, QueueRequest
from waybill_server.ledger import Ledger
from waybill_server.limits import RETRY_AFTER_MS, Limits
from waybill_server.log_rows import Entry
from waybill_server.logs import log
from waybill_server.records import (
    AckRequest,
    Blocked,
    BlockRequest,
    LoginRequest,
    Message,
    Moved,
    Place,
    Queued,
    ReadRequest,
    Refusal,
    Regrouped,
    Revoked,
    RevokeRequest,
    RuleRequest,
    SeenRequest,
    SendRequest,
    Stored,
)
from waybill_server.releases import Release
from waybill_server.router import Router
from waybill_server.used_tokens import UsedToken


class ClusterLedger(Ledger):
    """The state of one node of several.

    Args:
        homes: Where users and conversations are at home.
        release: The release of the node.

    Attributes:
        outbox: What is on its way to the other nodes.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        clock: Clock,
        router: Router,
        limits: Limits,
        *,
        homes: Homes,
        release: Release,
    ) -> None:
        super().__init__(connection, clock, router, limits)
        self.homes = homes
        self.release = release
        self.outbox = Outbox(connection)
        self._produced: list[Row] = []
        self._expiring: list[int] = []

    def recover(self) -> None:
        """Takes up after the last run; see `Ledger.recover`."""
        super().recover()
        self.outbox.recover()
        self._read_on()

    def forget(self) -> None:
        """Drops what is kept in memory; see `Ledger.forget`."""
        super().forget()
        self.outbox.forget()
        self._expiring.clear()

    def produced(self) -> Produced:
        """The rows of the outbox since the last call."""
        rows = tuple(self._produced)
        self._produced.clear()
        return rows

    def expiring(self) -> list[int]:
        """The messages of other nodes that were given deadlines since the last call."""
        numbers = list(self._expiring)
        self._expiring.clear()
        return numbers

    # What its own clients ask.

    def queue(self, request: QueueRequest) -> Queued | Stored | Refusal:
        """Accepts a message for the home of its conversation, by what this node knows; it is not refused later."""
        again = self._queued_before(request)
        if again is not None:
            return again
        members = self.members(request.conversation)
        if request.user not in members:
            return Refusal("not-a-member", f"{request.user} is not a member of {request.conversation}")
        if (forbidden := self._forbidden(self._as_send(request), members)) is not None:
            return forbidden
        if full := self._full(members, request.user):
            text = f"the inbox of {full} holds {self._limits.inbox} unacknowledged messages"
            return Refusal("inbox-full", text, retry_after=RETRY_AFTER_MS)
        now = self._clock.wall_ms()
        home = self.homes.conversation(request.conversation)
        expires = None if request.ttl is None else self.expiries.end_of(request.ttl)
        sent = Sent(
            request.user, request.device, request.conversation, request.key, request.body, now, expires
        )
        row = self.put(home, sent)
        self.connection.execute(
            "INSERT INTO pending VALUES (?, ?, ?, ?, ?, ?)",
            (request.user, request.key, request.device, request.conversation, request.body, row.number),
        )
        return Queued(request.conversation, request.key, now, duplicate=False)

    def acknowledge(self, request: AckRequest) -> Moved | Refusal:
        """Stores a device's cursor; see `Ledger.acknowledge`."""
        moved = super().acknowledge(request)
        if isinstance(moved, Moved) and moved.value == request.cursor:
            self.tell_all(DeviceCursor(request.user, request.device, request.cursor))
            self._tell_watermarks(moved)
        return moved

    def read(self, request: ReadRequest) -> Moved | Refusal:
        """Moves a user's read marker; see `Ledger.read`."""
        moved = super().read(request)
        if isinstance(moved, Moved):
            self._tell_watermarks(moved)
        return moved

    def login(self, request: LoginRequest) -> Place | Refusal:
        """Finds where a device goes on; see `Ledger.login`. A cursor beyond this node's copy of the log is one that
        the device has from another node, and stays."""
        place = super().login(request)
        if isinstance(place, Place):
            self.tell_all(SeenAt(request.user, request.time))
            stored = self._cursor(request.user, request.device)
            known = [cursor for cursor in (stored, request.cursor) if cursor is not None]
            return Place(min(known, default=0), place.head)
        return place

    def seen(self, request: SeenRequest) -> None:
        """Notes when the user's last session here ended."""
        super().seen(request)
        self.tell_all(SeenAt(request.user, request.time))

    def revoke(self, request: RevokeRequest) -> Revoked:
        """Revokes, from now on."""
        revoked = super().revoke(request)
        self.tell_all(RevokedAt(*request.target, revoked.at))
        return revoked

    def block(self, request: BlockRequest) -> Blocked | Refusal:
        """Changes a user's block list."""
        blocked = super().block(request)
        if isinstance(blocked, Blocked):
            self.tell_all(BlockListed(request.user, blocked.users, request.other))
        return blocked

    def rule(self, request: RuleRequest) -> None:
        """Changes the rule for a pair."""
        super().rule(request)
        self.tell_all(Ruled(request.sender, request.recipient, request.allowed))

    def new_group(self) -> str:
        """An id that no group has yet, whose home is this node."""
        while self.homes.conversation(conversation := super().new_group()) != self.homes.own:
            pass
        return conversation

    def tell_group(self, result: Regrouped, asked_by: str) -> None:
        """Tells the other nodes of a changed group; the node that asked tells its sessions by itself."""
        for peer in self.homes.peers:
            told = peer == asked_by
            self.put(peer, GroupState(*result.group, result.user, result.action, told))

    # What other nodes tell.

    def applied(self, origin: str, store: str) -> int:
        """The number of the last record of a node that connects."""
        return self.outbox.applied(origin, store)

    def store_sent(self, origin: str, sent: Sent) -> tuple[Message, tuple[tuple[str, int], ...]]:
        """Numbers a message that another node accepted, unless its key names it already; tells that node."""
        request = SendRequest(_nobody, sent.user, sent.device, sent.conversation, sent.key, sent.body)
        first = self._known([(sent.user, sent.key)]).get((sent.user, sent.key))
        duplicate = first is not None and self.names_it(first, request)
        positions: tuple[tuple[str, int], ...] = ()
        expires = None
        if first is not None and duplicate:
            message = first
        else:
            expires = sent.expires if self.release.lets_expire else None
            message = self._number(request)
            if first is not None:
                # Two nodes that could not ask each other accepted one key for two messages: both stay.
                message = message._replace(key=substitute(message))
            members = self.members(sent.conversation)
            recipients = members if sent.user in members else (*members, sent.user)
            self.insert_message(message, expires)
            positions = self.place(message, recipients, expires)
        self.put(
            origin,
            Settled(
                sent.user, sent.key, message.number, message.sequence, message.device, message.key, duplicate,
                expires,
            ),
        )  # fmt: skip
        return message, positions

    def names_it(self, first: Message, request: SendRequest) -> bool:
        """Whether a send is of the message that is stored under its key."""
        return isinstance(self._again(first, request), Stored)

    def settle(self, settled: Settled) -> Message | None:
        """Notes what became of a message that this node had accepted; gives it, if it was still open."""
        row = self.connection.execute(
            "DELETE FROM pending WHERE sender = ? AND key = ? RETURNING conversation, body",
            (settled.user, settled.key),
        ).fetchone()
        if row is None:
            return None
        return self.insert_message(
            Message(
                settled.number,
                row[0],
                settled.sequence,
                settled.user,
                settled.device,
                settled.stored_key,
                row[1],
            ),
            settled.expires,
        )

    def place(
        self, message: Message, recipients: Sequence[str], expires: int | None
    ) -> tuple[tuple[str, int], ...]:
        """Gives a message of another node its places in the logs."""
        entries: list[Entry] = []
        positions = self._enter(message, recipients, entries, expires)
        self._log_rows.add(entries)
        return positions

    def enter_copy(self, entered: Entered) -> Message:
        """Notes a place of a log that another node numbers; gives the message as it is stored.

        Raises:
            ValueError: It does not follow the last one.
        """
        user, position = entered.user, entered.position
        end = self._log(user)
        if position != end.head + 1:
            raise ValueError(f"position {position} of {user}'s log came after {end.head}")
        message = self.insert_message(entered.message, entered.expires)
        end.head = position
        if entered.received is None:
            end.received += user != message.sender
        else:
            end.received = entered.received
        self._log_rows.add([(user, position, message.number, end.received)])
        if position <= end.cursor:
            end.acknowledged = end.received
        return message

    def insert_message(self, message: Message, expires: int | None) -> Message:
        """Stores a message of another node with its deadline, unless it is there; gives it as it is stored."""
        if expires is not None and not self.expiries.known(message.number):
            self.expiries.add({message.number: expires})
            if self.release.lets_expire:
                self._expiring.append(message.number)
        insert = "INSERT INTO message VALUES (?, ?, ?, ?, ?, ?, ?)"
        if self.connection.execute(f"{insert} ON CONFLICT DO NOTHING", message).rowcount == 1:
            self._remember(message)
            return message
        row = self.connection.execute("SELECT * FROM message WHERE number = ?", (message.number,)).fetchone()
        if row is not None:
            return Message(*row)
        log("key-used-twice", user=message.sender, conversation=message.conversation)
        message = message._replace(key=substitute(message))
        self.connection.execute(insert, message)
        self._remember(message)
        return message

    def raise_cursor(self, user: str, device: str, cursor: int) -> None:
        """Notes how far a device acknowledged elsewhere."""
        self.connection.execute(
            "INSERT INTO device VALUES (?, ?, ?) "
            "ON CONFLICT DO UPDATE SET cursor = MAX(cursor, excluded.cursor)",
            (user, device, cursor),
        )
        self._logs.pop(user, None)

    def raise_watermarks(self, moved: Watermarks) -> Moved:
        """Notes how far a member was given and has read elsewhere."""
        marks = [
            self._mark(moved.conversation, moved.user, kind, sequence)
            for kind, sequence in (("delivered", moved.delivered), ("read", moved.read))
        ]
        # The second of two has both values.
        return Moved(0, tuple(mark for mark in marks if mark is not None)[-1:])

    def regroup(self, state: GroupState) -> None:
        """Notes a group as its home says it is."""
        execute = self.connection.execute
        execute(
            "INSERT INTO conversation VALUES (?, ?) ON CONFLICT DO NOTHING", (state.conversation, state.name)
        )
        execute("DELETE FROM member WHERE conversation = ?", (state.conversation,))
        for user in state.members:
            execute("INSERT INTO member (conversation, user) VALUES (?, ?)", (state.conversation, user))
        self.regrouped(state.conversation)

    def list_blocked(self, state: BlockListed) -> None:
        """Notes a block list as its home says it is."""
        for other in self.permissions.blocked(state.user):
            if other not in state.users:
                self.permissions.unblock(state.user, other)
        for other in state.users:
            self.permissions.block(state.user, other)

    def use(self, token: UsedToken) -> bool:
        """Uses up a token that is good for one login; false if it was used before."""
        return self._used.use(token, self._clock.wall_ms() / 1000)

    def sighted(self, user: str, time: int) -> None:
        """Notes a sign of life of a user at another node."""
        self.connection.execute(
            "INSERT INTO presence VALUES (?, ?, 0) ON CONFLICT DO UPDATE SET seen = MAX(seen, excluded.seen)",
            (user, time),
        )

    def keep(self, record: Unread) -> None:
        """Keeps a record for a release that knows its kind."""
        self.connection.execute("INSERT INTO unread (record) VALUES (?)", (record.data,))

    def _read_on(self) -> None:
        """Applies what an older release kept, as far as this one knows it."""
        self.connection.execute("BEGIN IMMEDIATE")
        for place, data in self.connection.execute(
            "SELECT place, record FROM unread ORDER BY place"
        ).fetchall():
            match unpack_known(data, self.release.unknown):
                case BlockListed() as listed:
                    self.list_blocked(listed)
                case Ruled(sender, recipient, allowed):
                    self.permissions.rule(sender, recipient, allowed)
                case _:
                    continue
            self.connection.execute("DELETE FROM unread WHERE place = ?", (place,))
        self.connection.execute("COMMIT")

    # Telling.

    def put(self, peer: str, record: AnyRecord) -> Row:
        """Tells one other node."""
        row = self.outbox.put(peer, record, self._clock.wall_ms())
        self._produced.append(row)
        return row

    def tell_all(self, record: AnyRecord) -> None:
        """Tells every other node."""
        for peer in self.homes.peers:
            self.put(peer, record)

    def _tell_watermarks(self, moved: Moved) -> None:
        for watermark, _ in moved.watermarks:
            self.tell_all(Watermarks(*watermark))

    def _enter(
        self, message: Message, recipients: Sequence[str], entries: list[Entry], expires: int | None
    ) -> tuple[tuple[str, int], ...]:
        here = [user for user in recipients if self.homes.user(user) == self.homes.own]
        before = len(entries)
        positions = super()._enter(message, here, entries, expires)
        expires = expires if self.release.lets_expire else None
        for user, position, _, received in entries[before:]:
            counted = received if self.release.counts_received else None
            self.tell_all(Entered(user, position, message, counted, expires))
        for user in recipients:
            if (home := self.homes.user(user)) != self.homes.own:
                self.put(home, Append(user, message, expires))
        return positions

    def _queued_before(self, request: QueueRequest) -> Queued | Stored | Refusal | None:
        first = self._known([(request.user, request.key)]).get((request.user, request.key))
        if first is not None:
            return self._again(first, self._as_send(request))
        row = self.connection.execute(
            "SELECT device, conversation, body, number FROM pending WHERE sender = ? AND key = ?",
            (request.user, request.key),
        ).fetchone()
        if row is None:
            return None
        waiting = Message(0, row[1], 0, request.user, row[0], request.key, row[2])
        verdict = self._again(waiting, self._as_send(request))
        if isinstance(verdict, Refusal):
            return verdict
        # Who asks again waits for what whoever asked first waits for.
        self._produced.append(Row(self.homes.conversation(request.conversation), row[3]))
        return Queued(request.conversation, request.key, self._clock.wall_ms(), duplicate=True)

    def _as_send(self, request: QueueRequest) -> SendRequest:
        return SendRequest(
            _nobody, request.user, request.device, request.conversation, request.key, request.body
        )

    def _remember(self, message: Message) -> None:
        if message.conversation in self._sequences:
            last = self._sequences[message.conversation]
            self._sequences[message.conversation] = max(last, message.sequence)


def substitute(message: Message) -> str:
    """The key of a message whose own key names another message already."""
    return f"{message.key}#{message.number:016x}"


def _nobody(result: object) -> None:
    """Nobody waits for the request."""
