"""A process that holds a mount namespace with a small file system in memory, as long as its standard input is open.

Its `main` is run as a program: it mounts a file system of SIZE bytes on the folder DISK, and a folder of it on the
folder DATA. When both are there it prints `ready`; else it prints why not and ends with 1. Who is outside of the
namespace sees neither, save below `/proc/PID/root`.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Final

from waybill.namespaces.kernel import NEW_MOUNTS, mount, own_namespaces, told

_NO_SETUID: Final = 0x2
_NO_DEVICES: Final = 0x4
_BIND: Final = 0x1000
_RECURSIVE: Final = 0x4000
_PRIVATE: Final = 0x40000


def main(disk: str, size: str, data: str) -> int:
    """Mounts, says so, and waits for the end of the input."""
    try:
        own_namespaces(NEW_MOUNTS)
        mount("none", "/", "", _RECURSIVE | _PRIVATE, "")
        mount("waybill", disk, "tmpfs", _NO_SETUID | _NO_DEVICES, f"size={size},mode=0700")
        own = Path(disk, "data")
        own.mkdir()
        shutil.copystat(data, own)
        mount(str(own), data, "", _BIND, "")
    except OSError as error:
        sys.stdout.write(f"{told(error)}\n")
        return 1
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.buffer.read()
    return 0
