"""The library is built when it is first needed; where it cannot be, the message says what to do."""

from __future__ import annotations

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
