"""Turns recorded events into the lines of a history file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from .header import Header
from .layout import BLOCK, COLUMNS, LETTERS, MISSING, body_digest

Row = tuple[Any, ...]
"""One event as the recorder notes it: its letter (or `*` for a long line), its time, and what it carries."""

LONG = "*"
"""The letter of an event that is written as a long line of its own."""


class Table(dict[str, int]):
    """The number of each string, a fresh one for a new string; the empty string has none.

    A dictionary, because a string that is known - nearly every one - then costs one lookup and no call.
    """

    def __init__(self, name: str, known: Sequence[str] = ()) -> None:
        super().__init__({text: number for number, text in enumerate(known)})
        self[""] = MISSING
        self.name = name
        self.told = len(known)
        self.fresh: list[str] = []

    def __missing__(self, text: str) -> int:
        number = self[text] = self.told + len(self.fresh)
        self.fresh.append(text)
        return number

    def line(self) -> dict[str, Any]:
        """The table line that tells the file about the fresh strings, which are fresh no more."""
        first, fresh = self.told, self.fresh
        self.told, self.fresh = first + len(fresh), []
        return {"table": self.name, "first": first, "count": len(fresh), "names": fresh}


class MessageTable(dict[tuple[int, str], int]):
    """The number of each message, by the user who sent it and the idempotency key, a fresh one for a new message."""

    def __init__(self) -> None:
        super().__init__()
        self.told = 0
        self.senders: list[int] = []
        self.fresh: list[str] = []

    def __missing__(self, name: tuple[int, str]) -> int:
        number = self[name] = self.told + len(self.fresh)
        self.senders.append(name[0])
        self.fresh.append(name[1])
        return number

    def line(self) -> dict[str, Any]:
        """The table line that tells the file about the fresh messages, which are fresh no more."""
        first, senders, keys = self.told, self.senders, self.fresh
        self.told, self.senders, self.fresh = first + len(keys), [], []
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
        self._coders: dict[str, Callable[[Row], Row]] = {
            letter: getattr(self, f"_{name}") for letter, name in LETTERS.items()
        }
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
            self._session_user[line["session"]] = self._users[user]
            self._tables(lines)
        self._events += 1
        lines.append(self._json.encode({"event": line["event"], "time": self._time(row[1]), **line}) + b"\n")

    def _time(self, clock: int) -> int:
        return (clock - self._start) // 1000

    def _block(self, rows: list[Row], lines: list[bytes]) -> None:
        if not rows:
            return
        by_letter: dict[str, list[Row]] = {}
        coders = self._coders
        for row in rows:
            letter = row[0]
            coded = coders[letter](row)
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
        if self._messages.fresh:
            lines.append(self._json.encode(self._messages.line()) + b"\n")

    def _send(self, row: Row) -> Row:
        _, _, operation, session, conversation, key, body, over_quota, expires = row
        sender = self._session_user.get(session, MISSING)
        message = self._messages[sender, key] if key else MISSING
        place, digest, length = self._conversations[conversation], body_digest(body), len(body)
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
            self._conversations[conversation],
            self._users[user],
            self._messages[self._session_user.get(session, MISSING), key] if key else MISSING,
            value,
            self._ids[server_id],
            delivery,
        )

    def _ok(self, row: Row) -> Row:
        _, _, operation, server_id, sequence, value, user, conversation, key, complete = row
        sender, message = self._open_sends.pop(operation, (MISSING, MISSING))
        named = self._messages[sender, key] if key else MISSING
        return (
            operation,
            self._ids[server_id],
            sequence,
            value,
            self._users[user],
            self._conversations[conversation],
            MISSING if named == message else named,
            1 if complete else MISSING,
        )

    def _not_ok(self, row: Row) -> Row:
        _, _, operation, outcome, code = row
        self._open_sends.pop(operation, None)
        return (operation, outcome, self._codes[code])

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
        user, place = self._users[sender], self._conversations[conversation]
        digest, length = body_digest(body), len(body)
        message = self._messages[user, key] if key else MISSING
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
            self._ids[server_id],
            sequence,
            cursor,
            int(mode),
            read,
            time,
            MISSING if number == self._deliveries else number,
        )

    def _receipt(self, row: Row) -> Row:
        _, _, session, conversation, user, delivered, read, server_id, operation, unread, expired = row
        return (
            session,
            self._conversations[conversation],
            self._users[user],
            delivered,
            read,
            self._ids[server_id],
            operation,
            unread,
            self._messages[self._session_user.get(session, MISSING), expired] if expired else MISSING,
        )

    @staticmethod
    def _cursor(row: Row) -> Row:
        return row[2:]

    def _presence(self, row: Row) -> Row:
        return (row[2], self._users[row[3]], int(row[4]))


def _short(values: Sequence[int]) -> Any:
    """One number for a column of equal values, else the values."""
    first = values[0]
    return first if values.count(first) == len(values) else values
