"""Running the suites as a user does, and reading what the run says of a server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from waybill.targets.find import available_targets

ROOT = Path(__file__).parent.parent
AVAILABLE = {one.file.name: one for one in available_targets()}
"""The targets in the box by name."""


@dataclass(frozen=True)
class Judged:
    """What came of a run of one target.

    Attributes:
        code: The exit code of `waybill run`.
        said: What it printed.
        folder: The run's folder.
    """

    code: int
    said: str
    folder: Path

    @cached_property
    def guarantees(self) -> dict[str, dict[str, Any]]:
        """The guarantees of the readiness page by id."""
        page = json.loads((self.folder / "readiness.json").read_text(encoding="utf-8"))
        return {one["id"]: one for one in page["runs"][0]["guarantees"]}

    @cached_property
    def verdicts(self) -> dict[str, str]:
        """The verdict of each guarantee."""
        return {name: one["verdict"] for name, one in self.guarantees.items()}

    @cached_property
    def found(self) -> str:
        """Every anomaly of the histories and every message of a step, as one text."""
        cases = [
            json.loads(path.read_text(encoding="utf-8")) for path in self.folder.glob("cases/*/case.json")
        ]
        return " ".join(
            word
            for case in cases
            for word in (case["message"], *(one["anomaly"] for one in case["findings"]))
        )


def waybill(
    folder: Path, *words: str, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs the command in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "waybill.cli", *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT / "libraries")} | dict(environment or {}),
        capture_output=True,
        text=True,
        check=False,
    )


def judge(
    folder: Path, *arguments: str, robot: tuple[str, ...] = (), environment: dict[str, str] | None = None
) -> Judged:
    """Runs `waybill run ARGUMENTS -- ROBOT` in a folder; what it printed is shown when the test fails."""
    done = waybill(folder, "run", *arguments, *(("--", *robot) if robot else ()), environment=environment)
    said = done.stdout + done.stderr
    print(said)  # noqa: T201 - shown when a test fails
    latest = next((folder / "results").glob("2*"), None)
    assert latest is not None, said
    return Judged(done.returncode, said, latest)


def require_installed(target: str) -> None:
    """Fails if what the target needs is not installed, but for WAYBILL_WITHOUT_MOSQUITTO=1 and its like."""
    available = AVAILABLE[target]
    if not available.installed:
        switch = f"WAYBILL_WITHOUT_{target.upper().replace('-', '_')}"
        if os.environ.get(switch) == "1":
            pytest.skip(f"{target} is not installed, and {switch}=1 says that this is intended")
        pytest.fail(f"{', '.join(available.missing)} is not installed: {available.install}")
