"""A disk of a server that is small and can be full: a file system in memory, which only its own processes see.

It stands in the place of a folder for every process that enters its namespace; for all others the folder stays what it
was. What is on it is read and written from outside below `data`.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Final

from waybill.namespaces.entering import entry
from waybill.namespaces.kernel import first_line, program, wait_for_end

HOLDER: Final = "waybill.namespaces.holder"
SIZE: Final = 32 * 1024 * 1024
"""Bytes of a disk: more than a scenario writes, and what a full one takes of the machine's memory."""


class NoSuchDisk(Exception):
    """A disk of its own cannot be had here; the message says why."""


class SmallDisk:
    """A small disk in the place of a folder. Call `close` when no process uses it any more.

    Args:
        folder: The folder in whose place it stands; the disk begins empty.
        size: Its bytes.

    Attributes:
        data: What is on it, seen from outside.

    Raises:
        NoSuchDisk: From the constructor: this is not Linux, or the kernel forbids it.
    """

    def __init__(self, folder: Path, size: int = SIZE) -> None:
        if sys.platform != "linux":
            raise NoSuchDisk(f"a disk of its own needs Linux; this is {sys.platform}")
        self._folder = folder.resolve()
        self._mounted = self._folder.with_name(f"{self._folder.name}.disk")
        self._mounted.mkdir(exist_ok=True)
        command = program(HOLDER, str(self._mounted), str(size), str(self._folder))
        # Its input ends with this process, however that ends, and so does it.
        self._holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        said = first_line(self._holder)
        if said != "ready":
            self._end()
            raise NoSuchDisk(f"a disk of its own (tmpfs) cannot be mounted: {said}")
        seen = Path(f"/proc/{self._holder.pid}/root")
        self.data = seen / self._folder.relative_to("/")
        self._ballast = seen / self._mounted.relative_to("/") / "ballast"

    @property
    def entry(self) -> tuple[str, ...]:
        """The namespaces that a process has to enter, one after the other, to have the disk."""
        return entry(self._holder.pid, "user", "mnt")

    @property
    def free(self) -> int:
        """The bytes that can be written to it before it is full."""
        about = os.statvfs(self.data)
        return about.f_bavail * about.f_frsize

    def fill(self, *, leave: int) -> None:
        """Takes up what is free, save so many bytes.

        Raises:
            OSError: It cannot be filled.
        """
        with self._ballast.open("wb") as ballast:
            while (free := self.free) > leave:
                try:
                    os.posix_fallocate(ballast.fileno(), os.fstat(ballast.fileno()).st_size, free - leave)
                except OSError as error:
                    taken_meanwhile = error.errno == errno.ENOSPC and self.free < free
                    if not taken_meanwhile:
                        raise

    def give_back(self) -> None:
        """Frees what was taken up. Idempotent."""
        self._ballast.unlink(missing_ok=True)

    def take_over(self) -> None:
        """Copies onto it what is in the folder that it stands in the place of."""
        _copy(self._folder, self.data)

    def close(self) -> None:
        """Copies what is on it back into the folder, and lets it go. Idempotent."""
        if self._holder.poll() is None:
            _copy(self.data, self._folder)
        self._end()

    def _end(self) -> None:
        for pipe in (self._holder.stdin, self._holder.stdout):
            if pipe is not None:
                pipe.close()
        wait_for_end(self._holder)
        if self._mounted.exists():
            self._mounted.rmdir()


def inside(path: Path) -> Path:
    """The path by which the processes that have a disk know what is seen from outside by another one; any other path as
    it is."""
    if path.parts[1:2] == ("proc",) and path.parts[3:4] == ("root",):
        return Path("/", *path.parts[4:])
    return path


def _copy(source: Path, target: Path) -> None:
    """Copies everything in a folder but sockets and pipes, which have no content."""

    def without_content(folder: str, names: list[str]) -> list[str]:
        modes = {name: Path(folder, name).lstat().st_mode for name in names}
        return [name for name, mode in modes.items() if stat.S_ISSOCK(mode) or stat.S_ISFIFO(mode)]

    shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True, ignore=without_content)
