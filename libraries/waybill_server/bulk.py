"""Many rows in one statement.

The sqlite3 module hands the interpreter lock over around every step, and getting it back from a busy event loop is the
dearest part of a small statement. So rows are written and looked up in groups of fixed sizes, whose statements the
connection caches.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import chain
from typing import TypeVar

_GROUPS = (64, 16, 4, 1)

Row = TypeVar("Row", bound=tuple[object, ...])


@cache
def _values(rows: int, width: int) -> str:
    row = f"({', '.join('?' * width)})"
    return ", ".join([row] * rows)


def _grouped(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    start = 0
    while start < len(rows):
        size = next(group for group in _GROUPS if group <= len(rows) - start)
        yield rows[start : start + size]
        start += size


def insert_rows(connection: sqlite3.Connection, insert: str, rows: Sequence[tuple[object, ...]]) -> None:
    """Runs `insert` (up to and including VALUES) for all rows."""
    for group in _grouped(rows):
        connection.execute(insert + _values(len(group), len(group[0])), tuple(chain.from_iterable(group)))


def select_pairs(
    connection: sqlite3.Connection, table: str, columns: tuple[str, str], pairs: Sequence[tuple[str, str]]
) -> Iterator[tuple[int, str, int, str, str, str, bytes]]:
    """The rows of `table` whose two columns are one of the pairs; by its index, which a row-value IN would not use."""
    for group in _grouped(pairs):
        query = (
            f"SELECT {table}.* FROM (VALUES {_values(len(group), 2)}) AS pair "
            f"CROSS JOIN {table} ON {columns[0]} = pair.column1 AND {columns[1]} = pair.column2"
        )
        yield from connection.execute(query, tuple(chain.from_iterable(group))).fetchall()
