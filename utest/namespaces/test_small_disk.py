"""A small disk is there for who enters it and for nobody else; it can be full, and its content is kept."""

from __future__ import annotations

import errno
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from waybill.namespaces import kernel, small_disk
from waybill.namespaces.entering import ENTERING
from waybill.namespaces.small_disk import NoSuchDisk, SmallDisk, inside

WRITER = f"""{ENTERING}
import sys
if sys.argv[3:]:
    enter(sys.argv[3:])
try:
    with open(sys.argv[1], "ab", buffering=0) as file:
        left = int(sys.argv[2])
        while left:
            left -= file.write(b"x" * left)
except OSError as error:
    sys.exit(error.errno)
"""
CONFINED = """
import ctypes, os, sys
PR_CAPBSET_DROP, CAP_SYS_ADMIN = 24, 21
if os.geteuid() == 0:
    assert ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN, 0, 0, 0) == 0
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""
HOLDING = """
import sys
from pathlib import Path
from waybill.namespaces.small_disk import SmallDisk
disk = SmallDisk(Path(sys.argv[1]), size=65536)
print(*disk.entry, flush=True)
sys.stdin.readline()
disk.close()
"""


def started(source: str, *arguments: str) -> subprocess.Popen[str]:
    """Python with the kit in its path, whose input and output are pipes."""
    return subprocess.Popen(
        [sys.executable, "-c", source, *arguments],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    (tmp_path / "data").mkdir()
    try:
        disk = SmallDisk(tmp_path / "data", size=65536)
    except NoSuchDisk as error:
        pytest.skip(str(error))
    yield disk
    disk.close()


def write(file: Path, size: int, entry: tuple[str, ...] = ()) -> int:
    """The error with which a program ends that enters namespaces and writes to a file; 0 for none."""
    command = [sys.executable, "-I", "-S", "-c", WRITER, str(file), str(size), *entry]
    return subprocess.run(command, check=False, timeout=60).returncode


def test_what_is_written_by_who_entered_is_seen_by_nobody_else(disk: SmallDisk, tmp_path: Path) -> None:
    file = tmp_path / "data" / "file"
    assert write(file, 5, disk.entry) == 0
    assert (disk.data / "file").read_bytes() == b"xxxxx"
    assert not file.exists()

    assert write(file, 2) == 0
    assert file.read_bytes() == b"xx"
    assert (disk.data / "file").read_bytes() == b"xxxxx"


def test_a_full_disk_takes_what_it_has_left_and_no_more(disk: SmallDisk, tmp_path: Path) -> None:
    file = tmp_path / "data" / "file"
    disk.fill(leave=4096)
    assert disk.free == 4096
    assert write(file, 4096, disk.entry) == 0
    assert disk.free == 0
    assert write(file, 1, disk.entry) == errno.ENOSPC
    assert file.exists() is False, "the folder that the disk stands in the place of is not full"

    disk.give_back()
    assert write(file, 1, disk.entry) == 0
    disk.give_back()


def test_what_is_on_it_is_kept(disk: SmallDisk, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    (folder / "before").mkdir()
    (folder / "before" / "file").write_text("old")
    (folder / "before" / "file").chmod(0o640)
    os.mkfifo(folder / "pipe")

    disk.take_over()
    assert write(folder / "before" / "file", 1, disk.entry) == 0
    assert write(folder / "new", 1, disk.entry) == 0
    disk.close()
    disk.close()

    assert (folder / "before" / "file").read_text() == "oldx"
    assert (folder / "before" / "file").stat().st_mode & 0o777 == 0o640
    assert (folder / "new").read_text() == "x"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]


def test_its_path_from_outside_is_told_from_any_other() -> None:
    assert inside(Path("/proc/17/root/run/node/data/file")) == Path("/run/node/data/file")
    assert inside(Path("/run/proc/17/root")) == Path("/run/proc/17/root")
    assert inside(Path("proc/17/root/file")) == Path("proc/17/root/file")


def test_who_may_not_mount_gets_a_user_namespace(disk: SmallDisk, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with started(CONFINED, "-c", HOLDING, str(tmp_path / "other")) as holding:
        assert holding.stdout is not None
        said = holding.stdout.readline()
        entry = tuple(said.split())
        assert [Path(way).name for way in entry] == ["user", "mnt"], said
        assert write(tmp_path / "other" / "file", 5, entry) == 0
        assert not (tmp_path / "other" / "file").exists()
        assert write(tmp_path / "other" / "file", 65536, entry) == errno.ENOSPC
        holding.communicate("end\n", timeout=60)
    assert (tmp_path / "other" / "file").read_bytes()[:5] == b"xxxxx"


def test_a_disk_goes_with_whoever_has_it(disk: SmallDisk, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with started(HOLDING, str(tmp_path / "other")) as holding:
        assert holding.stdout is not None
        holder = int(holding.stdout.readline().split("/")[2])
        watched = os.pidfd_open(holder)
        holding.send_signal(signal.SIGKILL)
        holding.wait()
    ended, _, _ = select.select([watched], [], [], 60)
    os.close(watched)
    assert ended, "the process that holds the namespace still runs"


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (
            "print('Operation not permitted: a user namespace')",
            "cannot be mounted: Operation not permitted: a user",
        ),
        ("", "cannot be mounted: no reason is known"),
        ("import signal; signal.pause()", "the process that holds it said nothing within 0.2 s"),
    ],
)
def test_a_kernel_that_forbids_it_is_quoted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, reason: str
) -> None:
    (tmp_path / "data").mkdir()
    if "pause" in said:
        monkeypatch.setattr(kernel, "READY_DEADLINE", 0.2)
        monkeypatch.setattr(kernel, "END_DEADLINE", 0.2)
    monkeypatch.setattr(
        small_disk, "program", lambda *_: [sys.executable, "-c", f"{said}\nraise SystemExit(1)"]
    )
    with pytest.raises(NoSuchDisk, match=reason):
        SmallDisk(tmp_path / "data")
    assert not (tmp_path / "data.disk").exists()


def test_a_folder_that_is_missing_is_named(disk: SmallDisk, tmp_path: Path) -> None:
    with pytest.raises(NoSuchDisk, match=r"No such file or directory: .*absent"):
        SmallDisk(tmp_path / "absent")
