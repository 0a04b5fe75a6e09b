"""Gathers the events of a file into columns, whichever spelling they come in."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from typing import Any

import numpy as np

from .header import Header
from .layout import COLUMNS, LETTERS, MISSING
from .names import Names

TABLES = ("users", "conversations", "ids", "codes", "messages")

Line = tuple[int, int, dict[str, Any]]
"""An event that is kept as it was written: its number, its time, its object."""


class Malformed(ValueError):
    """A line of a history file breaks the format."""


class Column:
    """The values of one column; as long as they are all equal they take no room."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.constant = MISSING
        self.count = 0
        self._values: array[int] | None = None

    def __len__(self) -> int:
        return self.count

    def append(self, value: int) -> None:
        """Adds one value."""
        self.repeat(value, 1)

    def repeat(self, value: int, count: int) -> None:
        """Adds a value several times."""
        if self._values is not None:
            self._values.extend(array(self.code, (value,)) * count)
        elif self.count == 0 or value == self.constant:
            self.constant = array(self.code, (value,))[0]
        else:
            self._spread().extend(array(self.code, (value,)) * count)
        self.count += count

    def fromlist(self, values: list[int]) -> None:
        """Adds values."""
        self._spread().fromlist(values)
        self.count += len(values)

    def values(self) -> Any:
        """The values as a numpy array, which must not be written to."""
        if self._values is None:
            return np.broadcast_to(np.array(self.constant, dtype=self.code), self.count)
        return np.frombuffer(self._values, dtype=self.code) if self.count else np.empty(0, dtype=self.code)

    def _spread(self) -> array[int]:
        if self._values is None:
            self._values = array(self.code, (self.constant,)) * self.count
        return self._values


class Gathered:
    """One kind of event, column by column, with each event's number and time.

    Attributes:
        spelled: The rows of events that were spelled out: they have numbers of ours, not those of the file's tables.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.events = array("i")
        self.times = array("q")
        self.spelled = array("i")
        self.columns = {name: Column(code) for name, code in COLUMNS[kind].items()}

    def add(self, event: int, time: int, values: Mapping[str, int]) -> None:
        """Adds one event that was spelled out; what it does not carry is -1."""
        self.spelled.append(len(self.events))
        self.events.append(event)
        self.times.append(time)
        for name, column in self.columns.items():
            column.append(values.get(name, MISSING))

    def add_block(self, events: Any, times: Any, columns: Mapping[str, list[int] | int]) -> None:
        """Adds the events of one block."""
        count = len(events)
        self.events.frombytes(events.tobytes())
        self.times.frombytes(times.tobytes())
        for name, column in self.columns.items():
            values = columns.get(name, MISSING)
            if isinstance(values, int):
                column.repeat(values, count)
            elif len(values) == count:
                column.fromlist(values)
            else:
                raise Malformed(
                    f"expected {count} values in column {name!r} of {self.kind!r} (one for each of its letters in "
                    f"`kinds`), found {len(values)}"
                )
        unknown = columns.keys() - self.columns.keys()
        if unknown:
            raise Malformed(
                f"unknown column {sorted(unknown)[0]!r} of {self.kind!r}; known: {list(self.columns)}"
            )


class Assembly:
    """Everything that was read so far, not yet understood."""

    def __init__(self, header: Header) -> None:
        self.header = header
        self.count = 0
        self.kinds = {kind: Gathered(kind) for kind in COLUMNS}
        self.names = {table: Names() for table in TABLES}
        self.message_senders = array("i")
        self.maps: dict[str, list[int] | None] = dict.fromkeys(TABLES)
        self._known = dict.fromkeys(TABLES, 0)
        self._message_numbers: dict[tuple[int, str], int] | None = {}
        self._message_numbered = 0
        self.lines: list[Line] = []
        for user in header.users:
            self.names["users"].number(user)
        for conversation in header.conversations:
            self.names["conversations"].number(conversation)
        self._known["users"] = len(header.users)
        self._known["conversations"] = len(header.conversations)

    def add_line(self, time: int, line: dict[str, Any]) -> int:
        """Adds an event that is kept as an object; returns its number."""
        self.count += 1
        self.lines.append((self.count, time, line))
        return self.count

    def add(self, kind: str, time: int, values: Mapping[str, int]) -> int:
        """Adds one event of a columnar kind; returns its number."""
        self.count += 1
        self.kinds[kind].add(self.count, time, values)
        return self.count

    def add_block(
        self,
        first: int,
        kinds: str,
        times: list[int] | int,
        blocks: Mapping[str, Mapping[str, list[int] | int]],
    ) -> None:
        """Adds the events of one compact line."""
        count = len(kinds)
        if first != self.count + 1:
            raise Malformed(f"expected a block that begins with event {self.count + 1}, found {first}")
        if isinstance(times, list) and len(times) != count:
            raise Malformed(
                f"expected {count} values in `time` (one for each letter in `kinds`), found {len(times)}"
            )
        letters = np.frombuffer(kinds.encode("ascii", "replace"), dtype=np.uint8)
        clock = (
            np.full(count, times, dtype=np.int64)
            if isinstance(times, int)
            else np.array(times, dtype=np.int64)
        )
        seen = 0
        for letter, kind in LETTERS.items():
            places = np.flatnonzero(letters == ord(letter))
            if len(places):
                seen += len(places)
                events = (places + first).astype(np.int32)
                self.kinds[kind].add_block(events, clock[places], blocks.get(kind) or {})
        if seen != count:
            raise Malformed(f"expected only the letters {''.join(LETTERS)!r} in `kinds`, found {kinds!r}")
        self.count += count

    def add_table(self, table: str, first: int, raw: bytes, count: int, names: Names, senders: Any) -> None:
        """Adds the strings of one table line; `names` reads the raw ones."""
        if table not in self.names:
            raise Malformed(f"unknown table {table!r}; known: {', '.join(TABLES)}")
        if first != self._known[table]:
            raise Malformed(f"expected table {table!r} to go on at {self._known[table]}, found {first}")
        own = self.names[table]
        mapping = self.maps[table]
        if table == "messages":
            self._add_messages(raw, count, names, senders)
        elif mapping is None and len(own) == first and (not len(own) or count > 64):
            own.add_raw(raw, count)
        else:
            numbers = [own.number(name) for name in names]
            if mapping is None and numbers != list(range(first, first + count)):
                mapping = self.maps[table] = list(range(first))
            if mapping is not None:
                mapping.extend(numbers)
        self._known[table] += count

    def message(self, sender: int, key: str) -> int:
        """The number of a message by the user who sent it and its key, a new one if it has none."""
        if not key:
            return MISSING
        numbers = self._message_index()
        number = numbers.get((sender, key))
        if number is None:
            number = self.names["messages"].add(key)
            self.message_senders.append(sender)
            numbers[sender, key] = number
            self._message_numbered = number + 1
        return number

    def _add_messages(self, raw: bytes, count: int, names: Names, senders: Any) -> None:
        own = self.names["messages"]
        users = self.maps["users"]
        numbers = [senders] * count if isinstance(senders, int) else senders
        if not isinstance(numbers, list) or len(numbers) != count:
            raise Malformed(f"expected {count} values in `senders`, one for each of `names`")
        if users is not None:
            numbers = [users[number] if number >= 0 else number for number in numbers]
        mapping = self.maps["messages"]
        if mapping is None and len(own) == self._known["messages"]:
            own.add_raw(raw, count)
            self.message_senders.fromlist(numbers)
        else:
            if mapping is None:
                mapping = self.maps["messages"] = list(range(self._known["messages"]))
            mapping.extend(self.message(sender, key) for sender, key in zip(numbers, names, strict=True))

    def _message_index(self) -> dict[tuple[int, str], int]:
        names = self.names["messages"]
        if self._message_numbers is None:
            self._message_numbers = {}
        if self._message_numbered < len(names):
            for number, key in enumerate(names):
                self._message_numbers.setdefault((self.message_senders[number], key), number)
            self._message_numbered = len(names)
        return self._message_numbers
