"""What a machine cannot do leaves guarantees unproven, with the reason, and the pages list it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NEEDED = ("env", "true", "sh")
"""The programs that a run itself starts."""


def waybill(*words: str, folder: Path, path: str = "") -> subprocess.CompletedProcess[str]:
    more = {"PATH": path, "XDG_CACHE_HOME": str(folder / "cache")} if path else {}
    return subprocess.run(
        [sys.executable, "-m", "waybill.cli", *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT / "libraries")} | more,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def without_compiler(tmp_path: Path) -> str:
    """A PATH on which no C compiler is."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name in NEEDED:
        (folder / name).symlink_to(str(shutil.which(name)))
    return str(folder)


def test_the_list_says_what_is_possible(tmp_path: Path) -> None:
    done = waybill("faults", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "SIGSTOP               possible    paused and slowed servers\n" in done.stdout


def test_the_list_says_what_is_missing(tmp_path: Path, without_compiler: str) -> None:
    done = waybill("faults", folder=tmp_path, path=without_compiler)
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()[:2]
    assert first.startswith("interposed library    impossible  disk, power, clock")
    assert "need a C compiler" in second


def test_without_a_compiler_what_needs_one_is_unproven_and_says_so(
    tmp_path: Path, without_compiler: str
) -> None:
    words = ("run", "--include", "clk-1", "--results", "results")
    done = waybill(*words, folder=tmp_path, path=without_compiler)

    assert done.returncode == 1, done.stdout + done.stderr
    latest = tmp_path / "results" / "latest"
    run = json.loads((latest / "readiness.json").read_text(encoding="utf-8"))["runs"][0]
    (verdict,) = [one for one in run["guarantees"] if one["id"] == "CLK-1"]
    assert verdict["verdict"] == "UNPROVEN"
    assert "need a C compiler" in verdict["reason"]
    missing = {one["name"]: one.get("missing", "") for one in run["means"]}
    assert "need a C compiler" in missing["interposed library"]
    assert missing["SIGSTOP"] == ""
    for page in ("readiness.md", "readiness.html"):
        text = (latest / page).read_text(encoding="utf-8")
        assert "What the machine lets be done to a server" in text
        assert "impossible: faults of disk and clock need a C compiler" in text
