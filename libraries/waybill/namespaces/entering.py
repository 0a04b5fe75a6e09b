"""How a new process enters namespaces before it becomes the program that it is there for."""

from __future__ import annotations

from pathlib import Path
from typing import Final

ENTERING: Final = """
import ctypes, os
def enter(ways):
    library, folder = ctypes.CDLL(None, use_errno=True), os.getcwd()
    for opened in [os.open(way, os.O_RDONLY) for way in ways]:
        if library.setns(opened, 0):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), " and ".join(ways))
    os.chdir(folder)
"""
"""Python for `python -I -S -c`: `enter` takes the paths of namespaces, the outermost first, and keeps the working
directory. All are opened before any is entered, because the way to one may end with the entry to another."""


def entry(pid: int, *kinds: str) -> tuple[str, ...]:
    """The paths of those namespaces of a process, of these kinds, that are not this process's own."""
    ways = {kind: f"/proc/{pid}/ns/{kind}" for kind in kinds}
    return tuple(ways[kind] for kind in kinds if not Path(ways[kind]).samefile(f"/proc/self/ns/{kind}"))
