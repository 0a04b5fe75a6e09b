"""What it costs to begin: a target, and one scenario alone, against a bare Robot process that runs one empty test."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from waybill.targets import find_target, launch

ROOT = Path(__file__).parent.parent
SUITE = ROOT / "suites" / "30_idempotency" / "dup_2_never_swallows.robot"
RUNS = 3


def seconds(command: list[str], folder: Path) -> float:
    """Median wall time of a command that must succeed."""
    taken = []
    for _ in range(RUNS):
        start = time.perf_counter()
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def until_ready(folder: Path) -> float:
    """Median seconds until the reference server, started with empty data, has served a client."""
    taken = []
    for run in range(RUNS):
        start = time.perf_counter()
        with launch(find_target("reference"), folder / f"target-{run}"):
            taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        empty = folder / "empty.robot"
        empty.write_text("*** Test Cases ***\nNothing happens\n    No Operation\n", encoding="utf-8")
        bare = seconds(
            [sys.executable, "-m", "robot", "--outputdir", str(folder / "bare"), str(empty)], folder
        )
        ready = until_ready(folder)
        scenario = seconds([sys.executable, "-m", "waybill.cli", "run", str(SUITE)], folder)
    print(f"{'start-up':<50}{'seconds':>10}{'ratio':>8}")
    print(f"{'robot, one empty test':<50}{bare:>10.2f}{1:>8.1f}")
    print(f"{'the reference server, until it is ready':<50}{ready:>10.2f}{ready / bare:>8.1f}")
    print(f"{'waybill run, one scenario (1,200 messages)':<50}{scenario:>10.2f}{scenario / bare:>8.1f}\n")


if __name__ == "__main__":
    main()
