"""A launched node has its data on a disk of its own, where that is wanted and can be had."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_launch import gone, starts, target

from waybill.namespaces.small_disk import NoSuchDisk
from waybill.targets import LaunchError, MeansMissing, RunningTarget, launch, node_disk
from waybill.targets import running as running_target
from waybill.targets.server_logs import ServerLogs
from waybill.tracing.strace import Injection


@pytest.fixture
def running(tmp_path: Path) -> Iterator[RunningTarget]:
    with launch(target(), tmp_path / "run", small_disk=True) as running:
        try:
            running.small_disk()
        except MeansMissing as error:
            pytest.skip(str(error))
        yield running


def test_a_node_starts_again_on_the_same_disk_and_its_data_are_kept(
    running: RunningTarget, tmp_path: Path
) -> None:
    data = tmp_path / "run" / "node" / "data"
    running.kill()
    running.start()
    assert len(starts(running)) == 2
    assert (running.small_disk().data / "starts").exists()
    assert not (data / "starts").exists()
    assert running.upkeep().data == running.small_disk().data

    running.close()

    assert (data / "starts").read_text().count("\n") == 2


def test_a_full_disk_is_full_for_the_node(running: RunningTarget) -> None:
    running.kill()
    running.small_disk().fill(leave=0)
    (running.small_disk().data / "starts").unlink()
    running.small_disk().fill(leave=0)
    with pytest.raises(LaunchError, match="No space left on device"):
        running.start()
    running.small_disk().give_back()
    running.start()
    assert len(starts(running)) == 1


def test_a_second_process_of_the_node_has_the_disk_as_well(running: RunningTarget) -> None:
    running.kill()
    program = running.upkeep()._program("look", [shutil.which("cat") or "cat", "data/starts"])
    program.start()
    assert program.wait_for_exit(10)
    assert program.output().count(b"\n") == 1
    program.close()


def test_logs_among_the_data_are_kept_by_the_name_that_the_node_gave_them(
    running: RunningTarget, tmp_path: Path
) -> None:
    logs = ServerLogs(running, None)
    (running.small_disk().data / "server.log").write_text("something happened\n")
    (kept,) = logs.keep(tmp_path / "kept").files
    assert kept.name == "node-data-server.log.txt"
    assert kept.read_text() == "something happened\n"


def test_its_power_cannot_be_lost(tmp_path: Path) -> None:
    with launch(target(), tmp_path / "run", small_disk=True, interposed=True) as running:
        running.small_disk()
        with pytest.raises(MeansMissing, match="its data on a small disk in memory"):
            running.lose_power()
        assert running.alive()


def test_a_target_that_was_launched_without_says_so(tmp_path: Path) -> None:
    with (
        launch(target(), tmp_path / "run") as running,
        pytest.raises(MeansMissing, match="`A fresh target with a small disk` does, or runs elsewhere"),
    ):
        running.small_disk()


def test_a_machine_that_cannot_says_why_when_it_matters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cannot(*_: object) -> None:
        raise NoSuchDisk("the kernel forbids it")

    monkeypatch.setattr(node_disk, "SmallDisk", cannot)
    with launch(target(), tmp_path / "run", small_disk=True) as running:
        with pytest.raises(MeansMissing, match=r"cannot be filled: the kernel forbids it.*stays UNPROVEN"):
            running.small_disk()
        assert len(starts(running)) == 1
        assert (tmp_path / "run" / "node" / "data" / "starts").exists()


def test_a_node_that_fails_to_start_leaves_its_disk_to_be_looked_at(tmp_path: Path) -> None:
    with pytest.raises(LaunchError):
        launch(target("never-ready", deadline="1s"), tmp_path / "run", small_disk=True)
    assert (tmp_path / "run" / "node" / "data" / "starts").exists()


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_calls_of_a_node_about_its_data_fail(tmp_path: Path) -> None:
    with launch(target(), tmp_path / "run") as running:
        tracer = running.trace(Injection(("openat",), errno.EIO), "node")
        assert starts(running) == [], "it cannot open what it has to show, and ends"
        tracer.end()
        assert tracer.injected == 1
        assert gone(running.pid())


def test_files_that_come_beside_others_are_traced_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Injection] = []
    monkeypatch.setattr(running_target, "Tracer", lambda pids, injection, log: asked.append(injection))
    with launch(target(), tmp_path / "run") as running:
        running.trace(Injection(("write",), errno.EIO))
        running.trace(Injection(("write",), errno.EIO, (Path("/one"),)))
    names = [path.relative_to(tmp_path / "run").as_posix() for path in asked[0].paths]
    assert names[:3] == ["node/data/starts", "node/data/starts-journal", "node/data/starts-wal"]
    assert asked[1].paths == (Path("/one"),)


def test_a_node_that_cannot_be_traced_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with launch(target(), tmp_path / "run") as running:
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(MeansMissing, match=r"'strace' is not installed.*stays UNPROVEN"):
            running.trace(Injection(("write",), errno.EIO))
