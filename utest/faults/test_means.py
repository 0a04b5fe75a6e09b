"""Each means of a fault is tried on this machine; what is missing says why."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from waybill.faults import means
from waybill.interposer import build


def found() -> dict[str, str]:
    return {one.name: one.missing for one in means.probe()}


@pytest.fixture
def empty_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No program is installed, and nothing was built here before."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    build.library.cache_clear()


def test_what_needs_no_program_is_possible_here() -> None:
    tried = found()
    assert {tried[name] for name in ("interposed library", "SIGSTOP", "prlimit", "loopback addresses")} == {
        ""
    }


@pytest.mark.usefixtures("empty_machine")
def test_a_machine_without_programs_says_what_is_missing() -> None:
    try:
        tried = found()
    finally:
        build.library.cache_clear()
    assert "need a C compiler (cc, gcc, clang), and none is installed" in tried["interposed library"]
    assert tried["strace"].startswith("the program 'strace' is not installed")
    assert tried["network namespaces"].startswith("the program 'ip' is not installed")
    assert tried["SIGSTOP"] == "", "what needs no program is still possible"


def test_a_library_that_is_not_loaded_is_no_means(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(means.Table, "environment", {})
    assert "did not load it" in found()["interposed library"]


@pytest.mark.parametrize(
    ("error", "missing"),
    [
        (PermissionError(1, "Operation not permitted"), "[Errno 1] Operation not permitted"),
        (subprocess.TimeoutExpired("writer", 30), "Command 'writer' timed out after 30 seconds"),
        (means.Impossible("the kernel\nforbids it"), "the kernel forbids it"),
    ],
)
def test_whatever_a_trial_meets_is_told(
    monkeypatch: pytest.MonkeyPatch, error: Exception, missing: str
) -> None:
    def trial() -> None:
        raise error

    monkeypatch.setattr(means, "_TRIALS", (("a means", "a fault", trial),))
    assert means.probe() == [means.Means("a means", "a fault", missing)]
