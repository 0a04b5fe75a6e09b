"""Runs the suites many times and compares the verdicts: any number of workers, order and seed must give the same.

    python tools/same_verdicts.py
    python tools/same_verdicts.py --runs 8 --target mosquitto --seed 7

The runs have one to four workers in turn and a seed of their own; in every second one the suite files and the scenarios
in them come in random order. A line for each run tells what came out otherwise than in the first one. The code is 0 if
nothing did, 1 if something did, and 3 if a run gave no verdicts.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from waybill.readiness.cases import read_cases

ROOT = Path(__file__).parents[1]
WORKERS = (1, 2, 3, 4)
SAME, DIFFERENT, NO_VERDICTS = 0, 1, 3
Verdicts = Mapping[str, str]
"""The status of each scenario, by its suite file and name."""


@dataclass(frozen=True)
class Run:
    """How one run is made.

    Attributes:
        number: Its place in the series, from 1.
        workers: Suite files at once.
        seed: Its seed.
        files: The suite files in random order; empty for the usual order.
    """

    number: int
    workers: int
    seed: int
    files: Sequence[str] = ()

    def command(self, target: str, results: Path) -> list[str]:
        """The command line."""
        options = ["--processes", str(self.workers), "--seed", str(self.seed), "--results", str(results)]
        shuffled = [*self.files, "--", "--randomize", "tests"] if self.files else []
        return [sys.executable, "-m", "waybill.cli", "run", "--target", target, *options, *shuffled]

    def words(self) -> str:
        """How it is made, in words."""
        workers = f"{self.workers} worker{'s' * (self.workers > 1)}"
        return f"run {self.number}: {workers}, {'shuffled, ' if self.files else ''}seed {self.seed}"


def series(count: int, seed: int, files: Sequence[str]) -> list[Run]:
    """The runs of a series; the same seed gives the same."""
    draw = random.Random(seed)
    return [
        Run(
            number,
            WORKERS[(number - 1) % len(WORKERS)],
            draw.randrange(2**31),
            draw.sample(files, len(files)) if number % 2 == 0 else (),
        )
        for number in range(1, count + 1)
    ]


def differences(first: Verdicts, other: Verdicts) -> Iterator[str]:
    """What came out otherwise than in the first run, a sentence each."""
    for name in sorted({*first, *other}):
        before, now = first.get(name, "not run"), other.get(name, "not run")
        if before != now:
            yield f"{name}: {before} in the first run, {now} in this one"


def verdicts(folder: Path) -> Verdicts:
    """The verdicts of a run."""
    cases = read_cases(folder).values()
    return {f"{Path(case.source).name}, '{case.scenario}'": case.status for case in cases}


def main(words: Sequence[str] | None = None) -> int:
    """Makes the runs, and tells of each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=20, metavar="N", help="default: %(default)s")
    parser.add_argument("--target", default="reference", metavar="NAME|FILE", help="default: %(default)s")
    parser.add_argument(
        "--seed", type=int, default=1, metavar="N", help="of the series; default: %(default)s"
    )
    parser.add_argument("--results", type=Path, default=Path("results/same-verdicts"), metavar="DIR")
    arguments = parser.parse_args(words)
    files = [
        str(path.relative_to(ROOT))
        for path in sorted((ROOT / "suites").rglob("*.robot"))
        if path.name != "__init__.robot"
    ]
    first: Verdicts = {}
    code = SAME
    for run in series(arguments.runs, arguments.seed, files):
        folder = (arguments.results / f"run-{run.number:02d}").resolve()
        begun = time.monotonic()
        done = subprocess.run(
            run.command(arguments.target, folder), cwd=ROOT, capture_output=True, text=True, check=False
        )
        found = verdicts(folder / "latest") if (folder / "latest").exists() else {}
        if not found:
            print(f"{run.words()}: no verdicts\n{done.stdout}{done.stderr}", flush=True)
            return NO_VERDICTS
        first = first or found
        different = list(differences(first, found))
        code = DIFFERENT if different else code
        passed = sum(status == "passed" for status in found.values())
        print(
            f"{run.words()}: {passed} of {len(found)} passed in {time.monotonic() - begun:.0f} s", flush=True
        )
        for sentence in different:
            print(f"  {sentence}", flush=True)
    print("all verdicts are the same" if code == SAME else "the verdicts are not the same", flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
