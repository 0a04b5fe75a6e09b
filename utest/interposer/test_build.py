"""The library is built when it is first needed; where it cannot be, the message says what to do."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from waybill.interposer import build


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    build.library.cache_clear()


def test_it_is_built_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = build.library()
    assert first.parent == tmp_path / "cache" / "waybill"
    made = first.stat().st_mtime_ns
    build.library.cache_clear()
    monkeypatch.setenv("PATH", "")
    assert build.library() == first
    assert first.stat().st_mtime_ns == made


def ready(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> Path:
    """A file of this name where the package has what is ready-built."""
    folder.mkdir()
    monkeypatch.setattr(build, "READY", folder)
    (folder / name).touch()
    return folder / name


def test_what_is_ready_built_is_taken_and_nothing_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    brought = ready(tmp_path / "ready", monkeypatch, build.ready_name(platform.machine()))
    monkeypatch.setattr(build.platform, "libc_ver", lambda: ("glibc", "2.17"))
    monkeypatch.setenv("PATH", "")
    assert build.library() == brought
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("other", ["machine", "source", "C library", "folder"])
def test_what_is_ready_built_for_something_else_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: str
) -> None:
    name = build.ready_name("riscv64" if other == "machine" else platform.machine())
    name = f"{name[:-4]}0.so" if other == "source" else name
    folder = tmp_path / ("with a blank" if other == "folder" else "ready")
    brought = ready(folder, monkeypatch, name)
    monkeypatch.setattr(
        build.platform, "libc_ver", lambda: ("", "") if other == "C library" else ("glibc", "2.17")
    )
    assert build.library() != brought
    assert build.library().parent == tmp_path / "cache" / "waybill"


def test_without_a_compiler_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(
        build.NotInterposable, match=r"need a C compiler .* sudo apt-get install gcc libc6-dev"
    ):
        build.library()


def test_a_compiler_that_fails_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiler = tmp_path / "cc"
    compiler.write_text("#!/bin/sh\necho 'no headers here' >&2\nexit 1\n")
    compiler.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(build.NotInterposable, match="no headers here"):
        build.library()


def test_another_system_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build.sys, "platform", "darwin")
    with pytest.raises(build.NotInterposable, match="need Linux; this is darwin"):
        build.library()
