"""A process that holds a mount namespace with a small file system in memory, as long as its standard input is open.

It is run as a program of its own, with Python's standard library alone: `python -I -S holder.py DISK SIZE DATA` mounts
a file system of SIZE bytes on the folder DISK, and a folder of it on the folder DATA. When both are there it prints
`ready`; else it prints why not and ends with 1. Who is outside of the namespace sees neither, save below
`/proc/PID/root`.

Root gets a mount namespace alone. Everybody else, and a root that may not mount, gets a user namespace as well, in
which a process has the user that it had, and no other.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
from pathlib import Path
from typing import Final

_NEW_MOUNTS: Final = 0x00020000
_NEW_USERS: Final = 0x10000000
_NO_SETUID: Final = 0x2
_NO_DEVICES: Final = 0x4
_BIND: Final = 0x1000
_RECURSIVE: Final = 0x4000
_PRIVATE: Final = 0x40000

_library = ctypes.CDLL(None, use_errno=True)


def main(disk: str, size: str, data: str) -> int:
    """Mounts, says so, and waits for the end of the input."""
    try:
        _unshare()
        _mount("none", "/", "", _RECURSIVE | _PRIVATE, "")
        _mount("waybill", disk, "tmpfs", _NO_SETUID | _NO_DEVICES, f"size={size},mode=0700")
        own = Path(disk, "data")
        own.mkdir()
        shutil.copystat(data, own)
        _mount(str(own), data, "", _BIND, "")
    except OSError as error:
        sys.stdout.write(f"{error.strerror}: {error.filename}\n" if error.filename else f"{error}\n")
        return 1
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.buffer.read()
    return 0


def _unshare() -> None:
    user, group = os.geteuid(), os.getegid()
    if user == 0 and _library.unshare(_NEW_MOUNTS) == 0:
        return
    _check(_library.unshare(_NEW_USERS | _NEW_MOUNTS), "a user namespace with mounts of its own (unshare)")
    # Without the right to change groups in the outer namespace, they have to be given up before one is mapped.
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1", encoding="ascii")


def _mount(source: str, target: str, kind: str, flags: int, options: str) -> None:
    texts = [text.encode() or None for text in (source, target, kind)]
    done = _library.mount(*texts, ctypes.c_ulong(flags), options.encode() or None)
    _check(done, f"a mount on {target}")


def _check(result: int, what: str) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
