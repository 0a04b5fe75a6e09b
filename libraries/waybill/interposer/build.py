"""The interposed library: ready-built where the package brings it, else built when it is first needed.

A wheel for one platform brings it (`tools/wheels.py`). Else the machine's C compiler builds it once for a version of
its source and a platform, and it is kept in the user's cache directory.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Final

SOURCE: Final = Path(__file__).parent / "source"
READY: Final = Path(__file__).parent / "ready"
"""Where a wheel for one platform has it."""
COMPILERS: Final = ("cc", "gcc", "clang")
OPTIONS: Final = ("-O2", "-shared", "-fPIC", "-pthread")
BUILD_DEADLINE: Final = 60.0


class NotInterposable(Exception):
    """Faults from inside a process cannot be had here; the message says why and what to do."""


@cache
def library() -> Path:
    """The library, ready for LD_PRELOAD.

    Raises:
        NotInterposable: This is not Linux, there is no C compiler where one is needed, or it failed.
    """
    if sys.platform != "linux":
        raise NotInterposable(f"faults of disk and clock need Linux; this is {sys.platform}")
    ready = READY / ready_name(platform.machine())
    # LD_PRELOAD takes a blank or a colon for the end of a name.
    if platform.libc_ver()[0] == "glibc" and ready.exists() and not re.search(r"[\s:]", str(ready)):
        return ready
    built = cache_folder() / f"interposer-{platform.machine()}-{'-'.join(platform.libc_ver())}-{_digest()}.so"
    if not built.exists():
        _build(built)
    return built


def ready_name(machine: str) -> str:
    """How a ready-built library is called that is for a machine and glibc, and of the present source."""
    return f"interposer-{machine}-glibc-{_digest()}.so"


def _digest() -> str:
    sources = sorted(SOURCE.iterdir())
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]


def cache_folder() -> Path:
    """Where built libraries are kept: `$XDG_CACHE_HOME/waybill`, else `~/.cache/waybill`, else the temporary files."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    for folder in (home / "waybill", Path(tempfile.gettempdir()) / f"waybill-{os.getuid()}"):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK) and folder.stat().st_uid == os.getuid():
            return folder
    raise NotInterposable(
        f"no folder for what is built: neither {home} nor {tempfile.gettempdir()} can be written"
    )


def _build(built: Path) -> None:
    """Builds under another name and renames, so that workers which build at the same time do no harm."""
    compiler = next(filter(None, map(shutil.which, COMPILERS)), None)
    if compiler is None:
        raise NotInterposable(
            f"faults of disk and clock need a C compiler ({', '.join(COMPILERS)}), and none is installed; "
            "on Debian: sudo apt-get install gcc libc6-dev"
        )
    with tempfile.TemporaryDirectory(dir=built.parent) as folder:
        made = Path(folder) / built.name
        command = [compiler, *OPTIONS, "-o", str(made), str(SOURCE / "interposer.c"), "-ldl"]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=BUILD_DEADLINE, check=False
            )
        except subprocess.TimeoutExpired:
            raise NotInterposable(f"{compiler} did not end within {BUILD_DEADLINE:g} s") from None
        if done.returncode != 0:
            first = (done.stderr.strip() or "it said nothing").splitlines()[0]
            raise NotInterposable(
                f"{compiler} cannot build the library for faults of disk and clock: {first}"
            )
        made.rename(built)
