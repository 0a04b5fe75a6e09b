"""What this machine lets be done to a server: each means of a fault is tried, not looked up."""

from __future__ import annotations

import errno
import mmap
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from waybill.interposer.build import NotInterposable
from waybill.interposer.table import Table
from waybill.namespaces.entering import ENTERING
from waybill.namespaces.packet_network import NoPacketNetwork, PacketNetwork
from waybill.namespaces.small_disk import NoSuchDisk, SmallDisk
from waybill.tracing.strace import Injection, NotTraceable, Tracer

DEADLINE: Final = 30.0
"""Seconds that one trial may take."""
_WAITER: Final = "import signal; signal.pause()"
_OVERFLOWING: Final = f"""{ENTERING}
import mmap, sys
if sys.argv[2:]:
    enter(sys.argv[2:])
try:
    with open(sys.argv[1], "wb", buffering=0) as file:
        while True:
            file.write(bytes(mmap.PAGESIZE))
except OSError as error:
    sys.exit(error.errno)
"""
"""Python that enters namespaces, and writes to a file until an error comes, with which it ends."""


class Impossible(Exception):
    """A means is not to be had here; the message says why."""


_REFUSALS: Final = (
    Impossible,
    NotInterposable,
    NoPacketNetwork,
    NoSuchDisk,
    NotTraceable,
    OSError,
    ValueError,
    subprocess.SubprocessError,
)
"""What trials end with where a means is not to be had."""


@dataclass(frozen=True, slots=True)
class Means:
    """One means and whether it is to be had.

    Attributes:
        name: What it is called.
        used_for: The faults that need it.
        missing: Why it is not to be had; empty where it is.
    """

    name: str
    used_for: str
    missing: str = ""


def probe() -> list[Means]:
    """Tries every means on this machine, with nothing left behind."""
    return [_tried(name, used_for, trial) for name, used_for, trial in _TRIALS]


def _tried(name: str, used_for: str, trial: Callable[[], None]) -> Means:
    try:
        trial()
    except _REFUSALS as error:
        return Means(name, used_for, " ".join(str(error).split()) or type(error).__name__)
    return Means(name, used_for)


def _interposed_library() -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "data").mkdir()
        table = Table(Path(folder) / "probe.table", Path(folder) / "data")
        try:
            subprocess.run(
                [sys.executable, "-S", "-c", ""],
                env=os.environ | dict(table.environment),
                capture_output=True,
                timeout=DEADLINE,
                check=True,
            )
            if not table.attached:
                raise Impossible("a program that was started with the library (LD_PRELOAD) did not load it")
        finally:
            table.close()


def _stopping() -> None:
    with _child() as pid:
        os.kill(pid, signal.SIGSTOP)
        _, status = os.waitpid(pid, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            raise Impossible("a process that was sent SIGSTOP did not stand still")


def _limits() -> None:
    with _child() as pid:
        soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (min(soft, 16), hard))


def _loopback_addresses() -> None:
    with socket.socket() as listener:
        listener.bind(("127.93.17.5", 0))


def _network_namespaces() -> None:
    PacketNetwork("127.93.17.5").close()


def _tmpfs() -> None:
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "data")
        data.mkdir()
        disk = SmallDisk(data, size=mmap.PAGESIZE)
        try:
            writer = [sys.executable, "-I", "-S", "-c", _OVERFLOWING, str(data / "file"), *disk.entry]
            ended = subprocess.run(writer, capture_output=True, timeout=DEADLINE, check=False).returncode
            if ended != errno.ENOSPC:
                raise Impossible(f"a program that wrote more than a disk holds ended with {ended}")
        finally:
            disk.close()


def _strace() -> None:
    with tempfile.TemporaryDirectory() as folder, _child() as pid:
        Tracer([pid], Injection(("write",), errno.ENOSPC), Path(folder, "log")).end()


_TRIALS: Final[tuple[tuple[str, str, Callable[[], None]], ...]] = (
    (
        "interposed library",
        "disk, power, clock, kill points and file handles of a launched server",
        _interposed_library,
    ),
    ("SIGSTOP", "paused and slowed servers", _stopping),
    ("prlimit", "limits of a running process", _limits),
    ("loopback addresses", "an address of its own for each target", _loopback_addresses),
    ("network namespaces", "packets of clients that are lost; no scenario needs it", _network_namespaces),
    ("tmpfs", "a disk that is really full; no scenario needs it", _tmpfs),
    ("strace", "a disk that fails static programs; no scenario needs it", _strace),
)


@contextmanager
def _child() -> Iterator[int]:
    process = subprocess.Popen([sys.executable, "-I", "-S", "-c", _WAITER])
    try:
        yield process.pid
    finally:
        process.kill()
        process.wait()
