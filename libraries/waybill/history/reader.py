"""Reads a history file, compact or spelled out, compressed or not, whole or cut off in the middle of its last line."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import msgspec

from .assembly import Assembly, Line, Malformed
from .build import build
from .header import Header
from .model import History
from .names import Names
from .spelled import Spelled


class HistoryUnreadable(Exception):
    """The file is not a history, or is damaged before its last line."""


Columns = dict[str, list[int] | int]


class _Block(msgspec.Struct):
    first: int
    kinds: str
    time: list[int] | int = -1
    send: Columns | None = None
    invoke: Columns | None = None
    ok: Columns | None = None
    not_ok: Columns | None = None
    deliver: Columns | None = None
    receipt: Columns | None = None
    cursor: Columns | None = None
    presence: Columns | None = None

    def columns(self) -> dict[str, Columns]:
        """The columns by their kind."""
        return {kind: value for kind in _KINDS if (value := getattr(self, kind)) is not None}


_KINDS = ("send", "invoke", "ok", "not_ok", "deliver", "receipt", "cursor", "presence")


class _Events(msgspec.Struct, forbid_unknown_fields=True):
    events: _Block


class _Table(msgspec.Struct, forbid_unknown_fields=True):
    table: str
    first: int
    names: msgspec.Raw
    count: int = -1
    senders: list[int] | int = -1


class _End(msgspec.Struct, forbid_unknown_fields=True):
    end: dict[str, Any]


_EVENTS = msgspec.json.Decoder(_Events)
_TABLE = msgspec.json.Decoder(_Table)
_LINE = msgspec.json.Decoder(dict[str, Any])
_STRINGS = msgspec.json.Decoder(list[str])


def read(path: Path | str) -> History:
    """The history in a file.

    A last line that is torn is left out, as after the death of its writer; the history then says so.

    Raises:
        HistoryUnreadable: There is no such file, it is no history, or a line before the last breaks the format.
    """
    return read_with_lines(path)[0]


def read_with_lines(path: Path | str) -> tuple[History, list[Line]]:
    """The history in a file, and the events of it that are kept as they were written: number, time, object.

    Raises:
        HistoryUnreadable: As `read`.
    """
    path = Path(path)
    reading = _Reading(path)
    try:
        with path.open("rb") as file:
            magic = file.read(2)
            file.seek(0)
            reading.lines(_unpacked(file) if magic == b"\x1f\x8b" else file)
    except OSError as error:
        raise HistoryUnreadable(f"{path}: {error.strerror or error}") from error
    except zlib.error as error:
        raise HistoryUnreadable(f"{path}: the compressed data is damaged: {error}") from error
    if reading.assembly is None:
        raise HistoryUnreadable(f"{path}: expected a header as the first line, found an empty file")
    try:
        history = build(reading.assembly, path=str(path), closed=reading.closed, torn=reading.torn)
    except (ValueError, TypeError, KeyError) as error:
        raise HistoryUnreadable(f"{path}: {error}") from error
    return history, reading.assembly.lines


class _Reading:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.assembly: Assembly | None = None
        self.closed = False
        self.torn = False

    def lines(self, file: Iterable[bytes | None]) -> None:
        """Takes every line of a file; an error counts only if another line follows it."""
        spelled: Spelled | None = None
        trouble: str | None = None
        for number, line in enumerate(file, 1):
            if line is None:
                self.torn = True
                return
            if trouble is not None:
                raise HistoryUnreadable(trouble)
            try:
                if self.assembly is None:
                    self.assembly = Assembly(Header.from_line(_LINE.decode(line)))
                    spelled = Spelled(self.assembly)
                elif spelled is not None:
                    self._line(line, self.assembly, spelled)
            except (ValueError, TypeError, OverflowError, AttributeError) as error:
                trouble = f"{self.path}, line {number}: {error}"
                if number == 1 or isinstance(error, Malformed) or line.endswith(b"\n"):
                    raise HistoryUnreadable(trouble) from error
        self.torn = trouble is not None

    def _line(self, line: bytes, assembly: Assembly, spelled: Spelled) -> None:
        if line.startswith(b'{"events":'):
            block = _EVENTS.decode(line).events
            assembly.add_block(block.first, block.kinds, block.time, block.columns())
        elif line.startswith(b'{"table":'):
            table = _TABLE.decode(line)
            raw = bytes(table.names)
            count = table.count if table.count >= 0 else len(_STRINGS.decode(raw))
            names = Names()
            names.add_raw(raw, count)
            assembly.add_table(table.table, table.first, raw, count, names, table.senders)
        elif line.strip():
            self._object(_LINE.decode(line), assembly, spelled)

    def _object(self, line: dict[str, Any], assembly: Assembly, spelled: Spelled) -> None:
        if self.closed:
            raise Malformed("the history goes on after its end")
        if "event" in line:
            spelled.add(line)
        elif "events" in line or "table" in line:
            self._line(msgspec.json.encode(line), assembly, spelled)
        elif "end" in line:
            counted = (
                line["end"].get("events", assembly.count) if isinstance(line["end"], dict) else assembly.count
            )
            if counted != assembly.count:
                raise Malformed(f"expected {counted} events, as the end says, found {assembly.count}")
            self.closed = True
        elif "comment" not in line:
            raise Malformed(
                f"expected a line with `event`, `events`, `table`, `end` or `comment`, found {line!r}"
            )


def _unpacked(file: IO[bytes]) -> Iterator[bytes | None]:
    """The lines of a compressed file; None at its end if it breaks off."""
    unpacker = zlib.decompressobj(wbits=31)
    rest = b""
    while chunk := file.read(1 << 18):
        while chunk:
            lines = (rest + unpacker.decompress(chunk)).split(b"\n")
            rest = lines.pop()
            for line in lines:
                yield line + b"\n"
            chunk = unpacker.unused_data
            if chunk:
                unpacker = zlib.decompressobj(wbits=31)
    if rest:
        yield rest
    if not unpacker.eof:
        yield None
