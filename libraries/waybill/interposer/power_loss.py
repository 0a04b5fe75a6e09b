"""What a loss of power takes from a disk: everything that no sync had made durable, in the data and in the names.

The processes keep, before each change, what it replaces; a sync lets go of what it covers. After they were killed the
changes that are left are taken back, the last one first. What counts as durable follows ext4, xfs and btrfs: syncing a
file covers its data and the name under which it was made or moved; a removed name is covered by syncing its folder.
"""

from __future__ import annotations

import mmap
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from waybill.interposer import layout
from waybill.interposer.table import Table


class UndoIncomplete(Exception):
    """The processes changed more than the undo log holds, so what a power loss leaves cannot be told."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change that was not durable.

    Attributes:
        kind: A kind of `layout`.
        file: Device and inode of the file.
        offset: Where it was written, for WRITTEN.
        old_size: The file's size before, for WRITTEN.
        content: The bytes that stood there, or the names.
        spared: Under which number a file is kept whose name went away; 0 for none.
    """

    kind: int
    file: tuple[int, int]
    offset: int
    old_size: int
    content: bytes
    spared: int


@dataclass(frozen=True, slots=True)
class Lost:
    """What a power loss took back.

    Attributes:
        writes: Writes.
        replaced: Bytes that are again what they were; what files only grew by is not counted.
        names: Names that were made, moved or removed.
        survived: Changes that no sync had covered and that were left even so.
    """

    writes: int
    replaced: int
    names: int
    survived: int = 0


def pending(table: Table) -> list[Change]:
    """The changes that a power loss would take back now, oldest first; no process may be running.

    Raises:
        UndoIncomplete: The undo log did not hold them all.
    """
    if table.read("I", layout.OVERFLOW):
        raise UndoIncomplete(
            f"The processes on {table.watched} changed more than the undo log of "
            f"{table.read('Q', layout.UNDO_CAPACITY) >> 20} MiB holds without a sync, or removed what could not be "
            f"kept; nothing is known of a power loss."
        )
    used = table.read("Q", layout.UNDO_USED)
    if not used:
        return []
    with table.undo.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as log:
        return list(_entries(log, used))


def _entries(log: mmap.mmap, used: int) -> Iterator[Change]:
    place = 0
    while place < used:
        length, _, kind, valid, device, inode, _, _, offset, old_size, size, spared = (
            layout.ENTRY.unpack_from(log, place)
        )
        if valid:
            begin = place + layout.ENTRY.size
            yield Change(kind, (device, inode), offset, old_size, log[begin : begin + size], spared)
        place += length


def lose_power(table: Table, *, survive: int = 0) -> Lost:
    """Takes back what was not durable, and forgets it; every process of the table must be gone.

    Args:
        table: Whose.
        survive: So many of the oldest changes reached the disk even so, as disks write before they are told to.

    Raises:
        UndoIncomplete: The undo log did not hold all changes; nothing was taken back.
    """
    changes = pending(table)
    survive = min(survive, len(changes))
    undone = changes[survive:]
    writes = [change for change in undone if change.kind == layout.WRITTEN]
    with ExitStack() as opened:
        files = _open_files(table, {change.file for change in writes}, opened)
        for change in reversed(undone):
            if change.kind == layout.WRITTEN:
                _unwrite(files.get(change.file), change)
            else:
                _rename_back(table, change)
    table.forget_undo()
    return Lost(
        len(writes), sum(len(change.content) for change in writes), len(undone) - len(writes), survive
    )


def _open_files(table: Table, wanted: set[tuple[int, int]], opened: ExitStack) -> dict[tuple[int, int], int]:
    """Descriptors of the files: their names change while changes are taken back, what they are does not."""
    found: dict[tuple[int, int], int] = {}
    for path in (*table.watched.rglob("*"), *table.trash.iterdir()):
        about = path.lstat()
        file = (about.st_dev, about.st_ino)
        if file in wanted and file not in found and stat.S_ISREG(about.st_mode):
            found[file] = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            opened.callback(os.close, found[file])
    return found


def _unwrite(file: int | None, change: Change) -> None:
    """Puts the old bytes and the old size back; a file that has gone for good needs neither."""
    if file is None:
        return
    os.pwrite(file, change.content, change.offset)
    if os.fstat(file).st_size != change.old_size:
        os.ftruncate(file, change.old_size)


def _rename_back(table: Table, change: Change) -> None:
    names = [Path(os.fsdecode(name)) for name in change.content.rstrip(b"\0").split(b"\0")]
    spared = table.trash / str(change.spared)
    if change.kind == layout.CREATED:
        names[0].unlink(missing_ok=True)
    elif change.kind == layout.MADE_DIRECTORY:
        # A folder that holds something durable is durable with it.
        with suppress(OSError):
            names[0].rmdir()
    elif change.kind == layout.REMOVED_DIRECTORY:
        names[0].mkdir()
    elif change.kind == layout.UNLINKED:
        if change.spared:
            spared.rename(names[0])
    else:
        names[1].rename(names[0])
        if change.spared:
            spared.rename(names[1])
