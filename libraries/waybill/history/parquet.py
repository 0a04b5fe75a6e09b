"""Exports a history as Parquet tables, for analysts. Needs the optional extra `analysis` (pyarrow)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np

from .events import Completion, Mode, Operation
from .model import History
from .reader import read

TABLES = (
    "sends",
    "invokes",
    "oks",
    "not_oks",
    "deliveries",
    "receipts",
    "cursors",
    "presences",
    "operations",
)
"""The tables, one file each; docs/history.md describes their columns."""

_ENUMS: dict[str, type[IntEnum]] = {
    "what": Operation,
    "completion": Completion,
    "outcome": Completion,
    "mode": Mode,
}


def export(path: Path | str, folder: Path | str) -> list[Path]:
    """Writes one Parquet file for each table of a history, names in place of numbers; returns their paths.

    Raises:
        ModuleNotFoundError: pyarrow is not installed.
        HistoryUnreadable: The file is no history.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "the Parquet export needs pyarrow, which is not installed: pip install 'robotframework-waybill[analysis]'"
        ) from error
    history = read(path)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name in TABLES:
        table = getattr(history, name)
        columns = {
            field.name: _column(pyarrow, history, field.name, getattr(table, field.name))
            for field in fields(table)
        }
        target = folder / f"{name}.parquet"
        pyarrow.parquet.write_table(pyarrow.table(columns), target, compression="zstd")
        written.append(target)
    return written


def _column(pyarrow: Any, history: History, name: str, values: Any) -> Any:
    found: dict[str, Iterable[str]] = {
        "conversation": history.conversations,
        "user": history.users,
        "sender": history.users,
        "code": history.codes,
        "id": history.ids,
        "message": history.keys,
    }
    if name in _ENUMS:
        members = {int(member): member.name.lower() for member in _ENUMS[name]}
        found[name] = [members.get(number, "") for number in range(max(members) + 1)]
    names = found.get(name)
    if names is None:
        return pyarrow.array(np.ascontiguousarray(values))
    known = np.asarray(values)
    indices = pyarrow.array(np.where(known < 0, 0, known), mask=known < 0)
    return pyarrow.DictionaryArray.from_arrays(indices, pyarrow.array(list(names), type=pyarrow.string()))
