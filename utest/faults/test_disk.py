"""A broken disk is put down with what met it; a fault that nothing met proves nothing."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from spoken import Spoken

from waybill.faults.disk import DiskFault, DiskFaults
from waybill.faults.effects import FaultWithoutEffect
from waybill.faults.mechanisms import Mechanism
from waybill.faults.process import Death, ProcessFaults
from waybill.interposer.power_loss import Lost
from waybill.interposer.table import Table
from waybill.tracing.strace import Injection

WRITER = """
import os, sys
file = os.open(sys.argv[1] + "/file", os.O_RDWR | os.O_CREAT)
try:
    os.write(file, b"0123456789")
    os.fsync(file)
    os.rename(sys.argv[1] + "/file", sys.argv[1] + "/other")
except OSError as error:
    sys.exit(error.errno)
"""


class FakeDisk:
    """A small disk with 16 blocks."""

    def __init__(self) -> None:
        self.free = 16 * 4096

    def fill(self, *, leave: int) -> None:
        self.free = leave

    def give_back(self) -> None:
        self.free = 16 * 4096


class FakeTracer:
    """A tracer that does nothing."""

    def __init__(self) -> None:
        self.injected = 0
        self.ended = False

    def end(self) -> None:
        self.ended = True


class Disks:
    """One node with a table; its process is whatever the test runs."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.disk = FakeDisk()
        self.tracer = FakeTracer()
        self.asked: list[Injection] = []

    def small_disk(self, node: str) -> FakeDisk:
        return self.disk

    def trace(self, injection: Injection, node: str) -> FakeTracer:
        self.asked.append(injection)
        return self.tracer

    def interposed(self, node: str) -> Table:
        assert node == "node"
        return self.table

    def lose_power(self, node: str) -> Lost:
        return Lost(3, 100, 1)

    def kill(self, node: str) -> None: ...

    def start(self, node: str) -> None: ...

    def alive(self, node: str) -> bool:
        return False


@pytest.fixture
def disks(tmp_path: Path) -> Iterator[Disks]:
    (tmp_path / "data").mkdir()
    disks = Disks(Table(tmp_path / "faults.table", tmp_path / "data"))
    yield disks
    disks.table.close()


def write(disks: Disks) -> int:
    """The error with which a program ends that writes, syncs and renames."""
    environment = os.environ | dict(disks.table.environment)
    command = [sys.executable, "-c", WRITER, str(disks.table.watched)]
    return subprocess.run(command, env=environment, check=False).returncode


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (DiskFault.IS_FULL, errno.ENOSPC),
        (DiskFault.FAILS_TO_WRITE, errno.EIO),
        (DiskFault.FAILS_TO_SYNC, errno.EIO),
        (DiskFault.IS_READ_ONLY, errno.EROFS),
    ],
)
def test_a_broken_disk_fails_until_it_is_mended(disks: Disks, fault: DiskFault, error: int) -> None:
    recorder = Spoken()
    disk = DiskFaults(disks, lambda: recorder)  # type: ignore[arg-type, return-value]
    assert write(disks) == 0

    disk.begin("node", fault)
    assert write(disks) == error
    assert disk.met("node")
    assert disk.end("node") == f"1 calls of node met the fault ({fault.value})"

    assert write(disks) == 0
    assert recorder.said == [
        f"start {fault.value} node",
        f"observed 7: 1 calls of node met the fault ({fault.value})",
        "end 7",
    ]


def test_a_fault_that_nothing_met_proves_nothing(disks: Disks) -> None:
    recorder = Spoken()
    disk = DiskFaults(disks, lambda: recorder)  # type: ignore[arg-type, return-value]
    disk.begin("node", DiskFault.IS_FULL)
    with pytest.raises(FaultWithoutEffect, match="made no call that could have failed"):
        disk.end("node")
    assert recorder.said == ["start disk-full node", "end 7"]


def test_a_disk_is_broken_once_at_a_time(disks: Disks) -> None:
    disk = DiskFaults(disks, Spoken)  # type: ignore[arg-type]
    disk.begin("node", DiskFault.IS_FULL)
    with pytest.raises(ValueError, match="broken already \\(disk-full\\); mend it first"):
        disk.begin("node", DiskFault.IS_READ_ONLY)
    write(disks)
    disk.end("node")
    with pytest.raises(ValueError, match="is not broken"):
        disk.end("node")


def test_a_fault_begins_at_the_call_that_is_asked_for(disks: Disks) -> None:
    disk = DiskFaults(disks, Spoken)  # type: ignore[arg-type]
    disk.begin("node", DiskFault.IS_FULL, first=2)
    assert [write(disks), write(disks)] == [0, errno.ENOSPC]
    disk.end("node")


def test_a_small_disk_is_full_until_it_is_mended(disks: Disks) -> None:
    recorder = Spoken()
    disk = DiskFaults(disks, lambda: recorder)  # type: ignore[arg-type, return-value]
    disk.begin("node", DiskFault.IS_FULL, Mechanism.TMPFS)
    assert disks.disk.free == 4096
    assert not disk.met("node")
    disks.disk.free = 0
    assert disk.met("node")
    disk.end("node")
    assert disks.disk.free == 16 * 4096
    assert recorder.said == [
        "start disk-full node",
        "observed 7: node took the last 4096 bytes of its disk, which was full from then on",
        "end 7",
    ]


def test_a_small_disk_whose_last_block_nobody_took_proves_nothing(disks: Disks) -> None:
    recorder = Spoken()
    disk = DiskFaults(disks, lambda: recorder)  # type: ignore[arg-type, return-value]
    disk.begin("node", DiskFault.IS_FULL, Mechanism.TMPFS)
    with pytest.raises(FaultWithoutEffect, match="node left the last 4096 bytes of its full disk free"):
        disk.end("node")
    assert disks.disk.free == 16 * 4096
    assert recorder.said == ["start disk-full node", "end 7"]


@pytest.mark.parametrize("fault", [DiskFault.FAILS_TO_WRITE, DiskFault.FAILS_TO_SYNC, DiskFault.IS_READ_ONLY])
def test_a_small_disk_can_be_full_and_nothing_else(disks: Disks, fault: DiskFault) -> None:
    recorder = Spoken()
    disk = DiskFaults(disks, lambda: recorder)  # type: ignore[arg-type, return-value]
    with pytest.raises(ValueError, match=r"can be full, .* and nothing else; .* takes INTERPOSED or STRACE"):
        disk.begin("node", fault, Mechanism.TMPFS)
    with pytest.raises(ValueError, match="'disk-full' from call 2 on takes"):
        disk.begin("node", DiskFault.IS_FULL, Mechanism.TMPFS, first=2)
    assert recorder.said == []


@pytest.mark.parametrize(
    ("fault", "error", "calls"),
    [
        (DiskFault.IS_FULL, errno.ENOSPC, {"write", "pwrite64", "fallocate"}),
        (DiskFault.FAILS_TO_WRITE, errno.EIO, {"write", "pwrite64", "writev"}),
        (DiskFault.FAILS_TO_SYNC, errno.EIO, {"fsync", "fdatasync"}),
        (DiskFault.IS_READ_ONLY, errno.EROFS, {"write", "ftruncate", "renameat2", "unlinkat"}),
    ],
)
def test_a_traced_disk_fails_until_the_tracer_is_ended(
    disks: Disks, fault: DiskFault, error: int, calls: set[str]
) -> None:
    recorder = Spoken()
    disk = DiskFaults(disks, lambda: recorder)  # type: ignore[arg-type, return-value]
    disk.begin("node", fault, Mechanism.STRACE, first=3)
    (asked,) = disks.asked
    assert (asked.error, asked.first) == (error, 3)
    assert calls <= set(asked.calls)
    assert ("write" in asked.calls) is (fault is not DiskFault.FAILS_TO_SYNC)
    disks.tracer.injected = 2
    disk.end("node")
    assert disks.tracer.ended
    assert recorder.said == [
        f"start {fault.value} node",
        f"observed 7: 2 calls of node met the fault ({fault.value})",
        "end 7",
    ]


def test_a_tracer_that_met_nothing_proves_nothing(disks: Disks) -> None:
    disk = DiskFaults(disks, Spoken)  # type: ignore[arg-type]
    disk.begin("node", DiskFault.IS_FULL, Mechanism.STRACE)
    with pytest.raises(
        FaultWithoutEffect, match=r"no call that could have failed .* files that were there when"
    ):
        disk.end("node")


def test_a_fault_that_cannot_begin_is_over_in_the_history(disks: Disks) -> None:
    def refused(*_: object) -> FakeTracer:
        raise PermissionError("not allowed")

    recorder = Spoken()
    disks.trace = refused  # type: ignore[method-assign]
    disk = DiskFaults(disks, lambda: recorder)  # type: ignore[arg-type, return-value]
    with pytest.raises(PermissionError):
        disk.begin("node", DiskFault.IS_FULL, Mechanism.STRACE)
    assert recorder.said == ["start disk-full node", "end 7"]
    with pytest.raises(ValueError, match="is not broken"):
        disk.end("node")


@pytest.mark.parametrize("mechanism", Mechanism)
def test_whoever_gives_up_leaves_no_disk_broken(disks: Disks, mechanism: Mechanism) -> None:
    disk = DiskFaults(disks, Spoken)  # type: ignore[arg-type]
    disk.begin("node", DiskFault.IS_FULL, mechanism)
    disk.give_up()
    assert write(disks) == 0
    assert disks.disk.free == 16 * 4096
    assert disks.tracer.ended is (mechanism is Mechanism.STRACE)


def test_a_write_is_torn_and_its_process_is_gone(disks: Disks) -> None:
    recorder = Spoken()
    disk = DiskFaults(disks, lambda: recorder)  # type: ignore[arg-type, return-value]
    torn = disk.tear("node", write=1, size=4)
    assert write(disks) == -9
    torn.happened()
    torn.healed()
    assert (disks.table.watched / "file").read_bytes() == b"0123"
    assert recorder.said[1:] == ["observed 7: node was killed in the middle of a write", "end 7"]


def test_a_write_that_never_came_was_not_torn(disks: Disks) -> None:
    torn = DiskFaults(disks, Spoken).tear("node", write=99, size=4)  # type: ignore[arg-type]
    write(disks)
    with pytest.raises(FaultWithoutEffect, match=r"never came to the call .*in the middle of a write"):
        torn.happened()


def test_a_power_loss_is_put_down_with_what_it_took(disks: Disks) -> None:
    recorder = Spoken()
    faults = ProcessFaults(disks, lambda: recorder)  # type: ignore[arg-type, return-value]
    faults.end(Death.LOSES_POWER, "node", "in the middle")
    assert faults.down == ["node"]
    faults.start("node")
    assert recorder.said == [
        "start power-loss node",
        "observed 7: node lost its power; 3 writes and 1 changes of names that no sync had covered are gone",
        "end 7",
    ]
