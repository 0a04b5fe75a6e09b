"""A folder whose pages show several runs side by side, as a file: `runs.json` names the runs' folders."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from waybill.readiness.cases import slug, write_json

FILE = "runs.json"


class CombinedRecord(msgspec.Struct, kw_only=True):
    """The content of a `runs.json`.

    Attributes:
        schema: Version of this format.
        runs: The folders of the runs, in the order of the columns: relative to the folder of this file, or
            absolute where no relative way leads there.
    """

    schema: int = 1
    runs: list[str]


def way(folder: Path, run: Path) -> str | None:
    """The relative way from the folder of a page to the folder of a run, for its links.

    None where the two have nothing in common but the root of the file system: whoever moves the one will not
    move the other along.
    """
    here, there = folder.resolve(), run.resolve()
    if os.path.commonpath([here, there]) == here.anchor:
        return None
    return Path(os.path.relpath(there, here)).as_posix()


def write_combined(folder: Path, runs: Sequence[Path]) -> None:
    """Writes down which runs the pages of a folder show."""
    places = [way(folder, run) or str(run.resolve()) for run in runs]
    write_json(folder / FILE, CombinedRecord(runs=places))


def read_combined(folder: Path) -> list[Path] | None:
    """The folders of the runs that a folder's pages show; None if it is no such folder.

    Raises:
        ValueError: It says that it is one and cannot be read.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        record = msgspec.json.decode(path.read_bytes(), type=CombinedRecord)
    except msgspec.DecodeError as error:
        raise ValueError(f"{path} is not a list of runs: {error}") from error
    return [folder / place for place in record.runs]


def distinct_slugs(names: Iterable[str]) -> list[str]:
    """Names as parts of paths and links; names that differ only in punctuation get a number."""
    taken: list[str] = []
    for name in names:
        plain = slug(name)
        number = 1
        while (found := plain if number == 1 else f"{plain}-{number}") in taken:
            number += 1
        taken.append(found)
    return taken
