"""Turns recorded events into the lines of a history file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from .header import Header
from .layout import BLOCK, COLUMNS, LETTERS, MISSING, body_digest

Row = tuple[Any, ...]
"""One event as the recorder notes it: its letter (or `*` for a long line), its time, and what it carries."""

LONG = "*"
"""The letter of an event that is written as a long line of its own."""


class Table:
    """Strings that have got a number, and those among them that the file does not know yet."""

    def __init__(self, name: str, known: Sequence[str] = ()) -> None:
        self.name = name
        self.numbers: dict[str, int] = {text: number for number, text in enumerate(known)}
        self.fresh: list[str] = []

    def __call__(self, text: str) -> int:
        """The number of a string; the empty string has none."""
        number = self.numbers.get(text)
        if number is None:
            if not text:
                return MISSING
            number = self.numbers[text] = len(self.numbers)
            self.fresh.append(text)
        return number

    def line(self) -> dict[str, Any]:
        """The table line that tells the file about the fresh strings, which are fresh no more."""
        fresh, self.fresh = self.fresh, []
        first = len(self.numbers) - len(fresh)
        return {"table": self.name, "first": first, "count": len(fresh), "names": fresh}


class MessageTable:
    """Messages that have got a number, by the user who sent them and the idempotency key."""

    def __init__(self) -> None:
        self.numbers: dict[tuple[int, str], int] = {}
        self.senders: list[int] = []
        self.keys: list[str] = []

    def __call__(self, sender: int, key: str) -> int:
        """The number of a message; -1 without a key, for then it has no name."""
        if not key:
            return MISSING
        name = (sender, key)
        number = self.numbers.get(name)
        if number is None:
            number = self.numbers[name] = len(self.numbers)
            self.senders.append(sender)
            self.keys.append(key)
        return number

    def line(self) -> dict[str, Any]:
        """The table line that tells the file about the fresh messages, which are fresh no more."""
        senders, self.senders = self.senders, []
        keys, self.keys = self.keys, []
        first = len(self.numbers) - len(keys)
        return {
            "table": "messages",
            "first": first,
            "count": len(keys),
            "senders": _short(senders),
            "names": keys,
        }


class Encoder:
    """Encodes events in the order in which they are given; knows the file's tables."""

    def __init__(self, header: Header) -> None:
        self._json = msgspec.json.Encoder()
        self._users = Table("users", list(header.users))
        self._conversations = Table("conversations", list(header.conversations))
        self._ids = Table("ids")
        self._codes = Table("codes")
        self._messages = MessageTable()
        self._user_of_device = header.device_names()
        self._session_user: dict[int, int] = {}
        self._open_sends: dict[int, tuple[int, int]] = {}
        self._sent: dict[int, tuple[int, int, int]] = {}
        self._events = 0
        self._deliveries = 0
        self._start = 0
        self.header = self._json.encode(header.to_line()) + b"\n"

    def encode(self, rows: Sequence[Row], start: int = 0) -> bytes:
        """The lines of some events; at most a block of them is lost if the last line is torn.

        Args:
            rows: The events, their times in nanoseconds.
            start: The time of the start of the history.
        """
        self._start = start
        lines: list[bytes] = []
        block: list[Row] = []
        for row in rows:
            if row[0] == LONG:
                self._block(block, lines)
                block = []
                self._long(row, lines)
            else:
                block.append(row)
                if len(block) == BLOCK:
                    self._block(block, lines)
                    block = []
        self._block(block, lines)
        return b"".join(lines)

    def footer(self) -> bytes:
        """The last line: the history is whole."""
        return self._json.encode({"end": {"events": self._events}}) + b"\n"

    def _long(self, row: Row, lines: list[bytes]) -> None:
        line: dict[str, Any] = row[2]
        if line["event"] == "session":
            device = line["device"]
            user = self._user_of_device.get(device) or device.partition("/")[0]
            self._session_user[line["session"]] = self._users(user)
            self._tables(lines)
        self._events += 1
        lines.append(self._json.encode({"event": line["event"], "time": self._time(row[1]), **line}) + b"\n")

    def _time(self, clock: int) -> int:
        return (clock - self._start) // 1000

    def _block(self, rows: list[Row], lines: list[bytes]) -> None:
        if not rows:
            return
        by_letter: dict[str, list[Row]] = {}
        for row in rows:
            letter = row[0]
            coded = getattr(self, f"_{LETTERS[letter]}")(row)
            of_letter = by_letter.get(letter)
            if of_letter is None:
                by_letter[letter] = [coded]
            else:
                of_letter.append(coded)
        self._tables(lines)
        start = self._start
        columns: dict[str, Any] = {
            "first": self._events + 1,
            "kinds": "".join([row[0] for row in rows]),
            "time": [(row[1] - start) // 1000 for row in rows],
        }
        for letter, coded_rows in by_letter.items():
            name = LETTERS[letter]
            columns[name] = {
                column: value
                for column, values in zip(COLUMNS[name], zip(*coded_rows, strict=True), strict=True)
                if (value := _short(values)) != MISSING
            }
        self._events += len(rows)
        lines.append(self._json.encode({"events": columns}) + b"\n")

    def _tables(self, lines: list[bytes]) -> None:
        for table in (self._users, self._conversations, self._ids, self._codes):
            if table.fresh:
                lines.append(self._json.encode(table.line()) + b"\n")
        if self._messages.keys:
            lines.append(self._json.encode(self._messages.line()) + b"\n")

    def _send(self, row: Row) -> Row:
        _, _, operation, session, conversation, key, body, over_quota, expires = row
        sender = self._session_user.get(session, MISSING)
        message = self._messages(sender, key)
        place, digest, length = self._conversations(conversation), body_digest(body), len(body)
        self._open_sends[operation] = (sender, message)
        if message not in self._sent:
            self._sent[message] = (place, digest, length)
        return (operation, session, place, message, digest, length, 1 if over_quota else MISSING, expires)

    def _invoke(self, row: Row) -> Row:
        _, _, operation, session, what, conversation, user, key, value, server_id, delivery = row
        return (
            operation,
            session,
            int(what),
            self._conversations(conversation),
            self._users(user),
            self._messages(self._session_user.get(session, MISSING), key),
            value,
            self._ids(server_id),
            delivery,
        )

    def _ok(self, row: Row) -> Row:
        _, _, operation, server_id, sequence, value, user, conversation, key, complete = row
        sender, message = self._open_sends.pop(operation, (MISSING, MISSING))
        named = self._messages(sender, key)
        return (
            operation,
            self._ids(server_id),
            sequence,
            value,
            self._users(user),
            self._conversations(conversation),
            MISSING if named == message else named,
            1 if complete else MISSING,
        )

    def _not_ok(self, row: Row) -> Row:
        _, _, operation, outcome, code = row
        self._open_sends.pop(operation, None)
        return (operation, outcome, self._codes(code))

    def _deliver(self, row: Row) -> Row:
        (
            _,
            _,
            session,
            conversation,
            sender,
            body,
            key,
            server_id,
            sequence,
            cursor,
            mode,
            read,
            time,
            number,
        ) = row
        self._deliveries += 1
        user, place = self._users(sender), self._conversations(conversation)
        digest, length = body_digest(body), len(body)
        message = self._messages(user, key)
        if message >= 0:
            user = MISSING
            sent = self._sent.get(message)
            if sent is not None:
                place = MISSING if place == sent[0] else place
                if digest == sent[1] and length == sent[2]:
                    digest = length = MISSING
        return (
            session,
            place,
            user,
            message,
            digest,
            length,
            self._ids(server_id),
            sequence,
            cursor,
            int(mode),
            read,
            time,
            MISSING if number == self._deliveries else number,
        )

    def _receipt(self, row: Row) -> Row:
        _, _, session, conversation, user, delivered, read, server_id, operation, unread = row
        return (
            session,
            self._conversations(conversation),
            self._users(user),
            delivered,
            read,
            self._ids(server_id),
            operation,
            unread,
        )

    @staticmethod
    def _cursor(row: Row) -> Row:
        return row[2:]

    def _presence(self, row: Row) -> Row:
        return (row[2], self._users(row[3]), int(row[4]))


def _short(values: Sequence[int]) -> Any:
    """One number for a column of equal values, else the values."""
    first = values[0]
    return first if values.count(first) == len(values) else values
