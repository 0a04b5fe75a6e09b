"""Reading a table of a TOML file key by key, with errors that name the line, the key and the remedy.

The keys that a reader asks for are the keys that the table may have: `finish` refuses every other one and
names the nearest.
"""

from __future__ import annotations

import datetime
import difflib
import re
import tomllib
from collections.abc import Sequence
from typing import Any, Final

from waybill.targets.errors import TargetFileError

_UNITS: Final = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0}
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|min|h)")
_HEADER: Final = re.compile(r"\s*(\[\[?)\s*([^\]\"']+?)\s*\]\]?\s*(?:#.*)?$")
_KEY: Final = re.compile(r"\s*([A-Za-z0-9_.-]+|\"[^\"]*\")\s*=\s*(.*)$")


def duration(text: str) -> float | None:
    """Seconds of a duration such as `250ms`, `3s`, `1.5min`; None if it is none."""
    found = _DURATION.fullmatch(text.strip())
    return float(found[1]) * _UNITS[found[2]] if found else None


def nearest(word: str, known: Sequence[str]) -> str:
    """`, did you mean 'x'?` if a known word looks alike, else nothing."""
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f", did you mean '{close[0]}'?" if close else ""


def parse(file: str, text: str) -> Table:
    """The root table of a TOML text.

    Raises:
        TargetFileError: It is no TOML; the message has the parser's own words and the line.
    """
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+)", str(error))
        line = int(found[1]) if found else text.count("\n") + 1
        raise TargetFileError(file, line, "", f"this is not valid TOML: {error}") from None
    return Table(file, "", values, _lines(text))


class Table:
    """One table; every method names the key and refuses a value of another kind."""

    def __init__(self, file: str, path: str, values: dict[str, Any], lines: dict[str, int]) -> None:
        self.file = file
        self.path = path
        self._values = values
        self._lines = lines
        self._asked: list[str] = []

    def __contains__(self, key: str) -> bool:
        self._asked.append(key)
        return key in self._values

    def full(self, key: str) -> str:
        """The key with its table."""
        return f"{self.path}.{key}" if self.path else key

    def error(self, key: str, problem: str) -> TargetFileError:
        """An error at a key of this table, or at the table itself for an empty key."""
        full = self.full(key) if key else self.path
        # What is written inline has no line of its own; the nearest table or key around it has.
        around = full
        while around and around not in self._lines:
            around = around.removesuffix("]").rpartition("[" if around.endswith("]") else ".")[0]
        line = self._lines.get(around, 0)
        return TargetFileError(self.file, line, full, problem)

    def finish(self) -> None:
        """Refuses every key that nobody asked for."""
        for key in self._values:
            if key not in self._asked:
                known = ", ".join(sorted(set(self._asked)))
                raise self.error(
                    key, f"there is no such key{nearest(key, self._asked) or '.'} Allowed here: {known}."
                )

    def value(self, key: str, kind: type | tuple[type, ...], expected: str, default: object = ...) -> Any:
        """A value of a kind; without a default it must be there."""
        self._asked.append(key)
        if key not in self._values:
            if default is ...:
                raise self.error("", f"the key '{key}' is missing; expected {expected}.")
            return default
        value = self._values[key]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise self.error(key, f"expected {expected}, found {_shown(value)}.")
        return value

    def text(self, key: str, expected: str, default: str | None = None) -> str:
        """A text; without a default it must be there and must not be empty."""
        value: str = self.value(key, str, expected, ... if default is None else default)
        if not value.strip() and default is None:
            raise self.error(key, f"expected {expected}, found an empty text.")
        return value

    def name(self, key: str, expected: str) -> str:
        """A text of letters, digits, dot, dash and underscore, at most 64."""
        value = self.text(key, expected)
        if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", value):
            raise self.error(key, f"expected {expected} (1 to 64 of A-Z a-z 0-9 . _ -), found '{value}'.")
        return value

    def choice(self, key: str, allowed: Sequence[str], default: str | None = None) -> str:
        """One of a few words."""
        expected = "one of " + ", ".join(f"'{word}'" for word in allowed)
        value = self.text(key, expected, default)
        if value not in allowed:
            raise self.error(key, f"expected {expected}, found '{value}'{nearest(value, allowed) or '.'}")
        return value

    def number(self, key: str, least: int, most: int, default: int | None = None) -> int:
        """A whole number within bounds."""
        expected = f"a whole number from {least} to {most}"
        value: int = self.value(key, int, expected, ... if default is None else default)
        if not least <= value <= most:
            raise self.error(key, f"expected {expected}, found {value}.")
        return value

    def seconds(self, key: str, default: str | None = None) -> float:
        """A duration as seconds."""
        expected = 'a duration such as "3s" (units ms, s, min, h)'
        text = self.text(key, expected, default)
        value = duration(text)
        if value is None:
            raise self.error(key, f"expected {expected}, found '{text}'.")
        return value

    def date(self, key: str, expected: str) -> datetime.date:
        """A date."""
        value: datetime.date = self.value(key, datetime.date, expected)
        return value.date() if isinstance(value, datetime.datetime) else value

    def numbers(self, key: str, least: int, most: int, default: tuple[int, ...]) -> tuple[int, ...]:
        """A list of whole numbers within bounds; if it is there it must not be empty."""
        expected = f"a list of whole numbers from {least} to {most}"
        value = self.value(key, (list, tuple), expected, default)
        if not value or not all(type(entry) is int and least <= entry <= most for entry in value):
            raise self.error(key, f"expected {expected}, found {_shown(value)}.")
        return tuple(value)

    def texts(self, key: str, expected: str, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        """A list of texts; without a default it must be there and must not be empty."""
        value = self.value(key, (list, tuple), expected, ... if default is None else default)
        if not all(isinstance(entry, str) for entry in value) or (not value and default is None):
            raise self.error(key, f"expected {expected}, found {_shown(value)}.")
        return tuple(value)

    def table(self, key: str) -> Table:
        """A table within this one; an empty one if it is not there."""
        values = self.value(key, dict, f"a table [{self.full(key)}]", {})
        return Table(self.file, self.full(key), values, self._lines)

    def tables(self, key: str) -> list[Table]:
        """All tables of an array."""
        full = self.full(key)
        values = self.value(key, list, f"tables [[{full}]]", [])
        if not all(isinstance(entry, dict) for entry in values):
            raise self.error(key, f"expected tables [[{full}]], found {_shown(values)}.")
        return [
            Table(self.file, f"{full}[{index}]", entry, self._lines) for index, entry in enumerate(values, 1)
        ]

    def named_tables(self, key: str) -> dict[str, Table]:
        """The tables below a table: for each name one."""
        outer = self.table(key)
        named: dict[str, Table] = {}
        for name in outer._values:
            if not isinstance(outer._values[name], dict):
                raise outer.error(
                    name, f"expected a table [{outer.full(name)}], found {_shown(outer._values[name])}."
                )
            named[name] = outer.table(name)
        return named

    def named_texts(self, key: str) -> dict[str, str]:
        """A table whose keys are not fixed and whose values are texts; an empty one if it is not there."""
        table = self.table(key)
        entries = table.entries()
        for name, value in entries.items():
            if not isinstance(value, str):
                raise table.error(name, f"expected a text, found {_shown(value)}.")
        return entries

    def entries(self) -> dict[str, Any]:
        """Everything in the table, for one whose keys are not fixed here."""
        self._asked.extend(self._values)
        return dict(self._values)


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"the text '{value}'"
    return f"{value!r}"


def _lines(text: str) -> dict[str, int]:
    """The line of every table and key; the TOML parser of the standard library does not tell them."""
    found: dict[str, int] = {}
    counts: dict[str, int] = {}
    table = ""
    closing = ""
    depth = 0
    for number, line in enumerate(text.splitlines(), 1):
        if closing:
            if closing in line:
                closing = ""
            continue
        if depth > 0:
            depth += _depth(line)
            continue
        header = _HEADER.match(line)
        if header:
            table = _indexed(header[2], counts, new=header[1] == "[[")
            found.setdefault(table, number)
            continue
        key = _KEY.match(line)
        if key:
            name = key[1].strip('"')
            found.setdefault(f"{table}.{name}" if table else name, number)
            value = key[2]
            for quotes in ('"""', "'''"):
                if value.startswith(quotes) and quotes not in value[3:]:
                    closing = quotes
            depth = 0 if closing else max(0, _depth(value))
    return found


def _indexed(header: str, counts: dict[str, int], new: bool) -> str:
    """A header's path with the numbers of the arrays in it: `launch.process` -> `launch.process[2]`."""
    path = ""
    parts = [part.strip() for part in header.split(".")]
    for index, part in enumerate(parts):
        path = f"{path}.{part}" if path else part
        if new and index == len(parts) - 1:
            counts[path] = counts.get(path, 0) + 1
        if path in counts:
            path += f"[{counts[path]}]"
    return path


def _depth(text: str) -> int:
    """By how much a line opens more brackets than it closes, texts and comments aside."""
    bare = re.sub(r'"(?:\\.|[^"\\])*"|\'[^\']*\'', "", text).partition("#")[0]
    return bare.count("[") + bare.count("{") - bare.count("]") - bare.count("}")
