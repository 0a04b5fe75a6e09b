"""Calls fail for a traced process, from the call that was asked for until the tracer is ended, and no others do."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from waybill.interposer.table import Table
from waybill.tracing.strace import Injection, NotTraceable, Tracer

WRITER = """
import os, sys, threading
files = [os.open(path, os.O_RDWR | os.O_CREAT) for path in sys.argv[1:]]
def write(file):
    global error
    try:
        os.write(file, b"x")
        os.fsync(file)
        error = 0
    except OSError as raised:
        error = raised.errno
print("ready", flush=True)
for line in sys.stdin:
    kind, number = line.split()
    if kind == "thread":
        thread = threading.Thread(target=write, args=[files[int(number)]])
        thread.start()
        thread.join()
    else:
        write(files[int(number)])
    print(error, flush=True)
"""
STATIC = r"""
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
int main(int count, char **arguments) {
    int file = open(arguments[1], O_RDWR | O_CREAT, 0600);
    char line[16];
    dprintf(1, "ready\n");
    while (fgets(line, sizeof line, stdin))
        dprintf(1, "%d\n", write(file, "x", 1) < 0 ? errno : fsync(file) < 0 ? errno : 0);
}
"""

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")


class Writer:
    """A program that writes to a file and syncs it each time that it is told to."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.pid = process.pid

    def write(self, file: int = 0, *, thread: bool = False) -> int:
        """The error that it met; 0 for none."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{'thread' if thread else 'main'} {file}\n")
        self.process.stdin.flush()
        return int(self.says())

    def says(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()


@contextmanager
def running(command: Sequence[str], environment: dict[str, str] | None = None) -> Iterator[Writer]:
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        writer = Writer(process)
        assert writer.says() == "ready\n"
        yield writer
        assert process.stdin is not None
        process.stdin.close()


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    return [tmp_path / "data", tmp_path / "other"]


@pytest.fixture
def writer(files: list[Path]) -> Iterator[Writer]:
    with running([sys.executable, "-c", WRITER, *map(str, files)]) as writer:
        yield writer


def trace(writer: Writer, tmp_path: Path, injection: Injection) -> Tracer:
    return Tracer([writer.pid], injection, tmp_path / "faults" / "strace.log")


def test_calls_about_a_file_fail_until_it_is_over(writer: Writer, files: list[Path], tmp_path: Path) -> None:
    assert writer.write() == 0
    tracer = trace(writer, tmp_path, Injection(("write",), errno.ENOSPC, files[:1]))
    try:
        assert writer.write() == errno.ENOSPC
        assert writer.write(1) == 0, "the other file is not full"
        assert writer.write() == errno.ENOSPC
    finally:
        tracer.end()
        tracer.end()
    assert writer.write() == 0
    assert tracer.injected == 2
    assert files[0].read_bytes() == b"xx"


def test_the_call_that_is_asked_for_is_the_first(writer: Writer, files: list[Path], tmp_path: Path) -> None:
    tracer = trace(writer, tmp_path, Injection(("fsync", "fdatasync"), errno.EIO, files[:1], first=3))
    assert [writer.write() for _ in range(4)] == [0, 0, errno.EIO, errno.EIO]
    tracer.end()
    assert tracer.injected == 2
    assert files[0].read_bytes() == b"xxxx", "what cannot be synced is written all the same"


def test_threads_that_come_later_are_followed(writer: Writer, files: list[Path], tmp_path: Path) -> None:
    tracer = trace(writer, tmp_path, Injection(("write",), errno.EIO, files[:1]))
    assert writer.write(thread=True) == errno.EIO
    tracer.end()
    assert tracer.injected == 1


def test_nothing_that_is_about_the_file_is_no_effect(
    writer: Writer, files: list[Path], tmp_path: Path
) -> None:
    tracer = trace(writer, tmp_path, Injection(("write",), errno.EIO, files[:1]))
    assert writer.write(1) == 0
    tracer.end()
    assert tracer.injected == 0


def test_what_is_written_is_not_told(writer: Writer, files: list[Path], tmp_path: Path) -> None:
    tracer = trace(writer, tmp_path, Injection(("write",), errno.EIO, files[:1]))
    writer.write()
    tracer.end()
    assert '""' in (tmp_path / "faults" / "strace.log").read_text()


def test_calls_that_this_kernel_lacks_are_left_out(writer: Writer, files: list[Path], tmp_path: Path) -> None:
    tracer = trace(writer, tmp_path, Injection(("write", "write_by_magic"), errno.EIO, files[:1]))
    assert writer.write() == errno.EIO
    tracer.end()


def test_a_static_program_that_the_library_cannot_enter_fails(tmp_path: Path) -> None:
    (tmp_path / "static.c").write_text(STATIC)
    (tmp_path / "data").mkdir()
    compiler = shutil.which("cc") or pytest.skip("no C compiler is installed")
    command = [compiler, "-static", "-o", str(tmp_path / "static"), str(tmp_path / "static.c")]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    if built.returncode:
        pytest.skip(f"a static program cannot be built: {built.stderr.splitlines()[-1]}")
    table = Table(tmp_path / "faults.table", tmp_path / "data")
    file = tmp_path / "data" / "file"
    environment = os.environ | dict(table.environment)
    with running([str(tmp_path / "static"), str(file)], environment) as writer:
        tracer = trace(writer, tmp_path, Injection(("write",), errno.ENOSPC, (file,)))
        assert writer.write() == errno.ENOSPC
        tracer.end()
        assert writer.write() == 0
    assert tracer.injected == 1
    assert table.attached == 0, "the library did not enter it"
    table.close()


def test_a_machine_without_strace_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        NotTraceable, match=r"'strace' is not installed; on Debian: sudo apt-get install strace"
    ):
        Tracer([os.getpid()], Injection(("write",), errno.EIO), tmp_path / "log")


@pytest.mark.parametrize(
    ("says", "reason"),
    [
        (
            "strace: attach: ptrace(PTRACE_SEIZE, 4711): Operation not permitted",
            "may not trace a process of the server: Operation not permitted .*ptrace_scope",
        ),
        (
            "strace: attach: ptrace(PTRACE_SEIZE, 4711): No such process",
            "did not trace the server .*No such process",
        ),
        ("", "did not trace the server .* it said nothing"),
    ],
)
def test_a_refusal_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str, reason: str) -> None:
    program = tmp_path / "strace"
    program.write_text(f"#!/bin/sh\necho '{says}' >&2\nexit 1\n" if says else "#!/bin/sh\nexit 1\n")
    program.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(NotTraceable, match=reason):
        Tracer([4711], Injection(("write",), errno.EIO), tmp_path / "log")


def test_a_server_that_is_down_cannot_be_traced(tmp_path: Path) -> None:
    with pytest.raises(NotTraceable, match="no process of the server runs"):
        Tracer([], Injection(("write",), errno.EIO), tmp_path / "log")
