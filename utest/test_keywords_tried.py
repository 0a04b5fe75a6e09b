"""Every keyword is tried by a Robot test of its own, besides the suites that use it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

from robot.libdocpkg import LibraryDocumentation

ROOT = Path(__file__).parent.parent
LIBRARY = ROOT / "libraries" / "WaybillLibrary"

ELSEWHERE = {
    "Detector.Judge Planted History": "a run itself executes it, and utest/cli/test_detector.py tries it",
}
"""Keywords that no file in atest/keywords uses, with the reason."""


def every() -> set[str]:
    """The keywords as libdoc knows them, each behind its class."""
    return {
        f"{path.stem}.{found.name}"
        for path in LIBRARY.glob("[A-Z]*.py")
        for found in LibraryDocumentation(f"WaybillLibrary.{path.stem}").keywords
    }


def tried(folder: Path) -> set[str]:
    """The keywords that the Robot tests lead to, also by the steps that they use."""
    output = folder / "output.xml"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "robot", "--dryrun", "--log", "NONE", "--report", "NONE"),
            *("--output", str(output), "--pythonpath", str(ROOT / "libraries")),
            *("--pythonpath", str(ROOT / "atest"), str(ROOT / "atest" / "keywords")),
        ],
        env=os.environ | {"PYTHONPATH": str(ROOT / "libraries")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert output.is_file(), done.stdout + done.stderr
    return {
        f"{found.get('owner', '').removeprefix('WaybillLibrary.')}.{found.get('name')}"
        for found in ElementTree.parse(output).iter("kw")
    }


def test_every_keyword_is_tried(tmp_path: Path) -> None:
    known, used = every(), tried(tmp_path)
    assert len(known) > 100
    assert ELSEWHERE.keys() <= known
    untried = known - used
    assert untried == ELSEWHERE.keys(), f"no file in atest/keywords uses {sorted(untried - ELSEWHERE.keys())}"
