"""Changes the code in small ways, one at a time, and asks the tests whether they notice.

    python tools/mutation.py checker --sample 60 --jobs 2
    python tools/mutation.py              every subject

The changes are those of Cosmic Ray: another comparison, another number, `and` for `or`, a loop without a round. A
sample is drawn with a seed, no more than one of each place in the code, and each is tried in a copy of the project,
never in the project itself. Left out are places where a change says nothing: annotations, decorators, imports for
the type checker, `is` in place of `==`. A mutant is killed when a test fails, or when the tests take far longer
than before. What survives is printed with its line: it wants a test, or a reason why nothing is wrong
(docs/mutation.md).
"""

from __future__ import annotations

import argparse
import compileall
import os
import queue
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.provider import OperatorProvider

ROOT = Path(__file__).parents[1]
COPIED = (
    "libraries",
    "utest",
    "atest",
    "keywords",
    "resources",
    "suites",
    "docs",
    "pyproject.toml",
    "README.md",
)
FAILED = 1
"""pytest's exit code when a test failed."""
BROKEN = 2
"""pytest's exit code when a module could not be imported."""
SLOWER = 4
"""Times as long as without a mutant, after which the tests are given up: a loop has lost its end."""


@dataclass(frozen=True)
class Subject:
    """What is mutated, and the tests that must notice.

    Attributes:
        modules: Patterns of files below `libraries`.
        tests: What pytest is given, the likeliest to fail first.
    """

    modules: Sequence[str]
    tests: Sequence[str]


SUBJECTS = {
    "checker": Subject(
        ["waybill/history/checks/*.py"],
        [
            "utest/history/test_said.py",
            "utest/history/test_boundaries.py",
            "utest/history/test_capricious.py",
            "utest/history/test_varied.py",
            "utest/history/test_corpus.py",
            "utest/history/test_presence.py",
            "utest/history/test_markers.py",
            "utest/history/test_clocks.py",
            "utest/history/test_accepted.py",
            "utest/history/test_versions.py",
            "utest/history/test_meanwhile.py",
            "utest/history/test_plain_loops.py",
            "utest/history/test_together.py",
            "utest/history/test_defects.py",
            "utest/history/test_legal.py",
        ],
    ),
    "store": Subject(
        ["waybill_server/store.py"], ["utest/server/test_store.py", "utest/server/test_flow.py"]
    ),
    "router": Subject(
        ["waybill_server/router.py"],
        ["utest/server/test_router.py", "utest/server/test_flow.py", "utest/server/test_lifecycle.py"],
    ),
    "tokens": Subject(
        ["waybill_server/token_*.py", "waybill_server/used_tokens.py", "waybill_server/revocations.py"],
        ["utest/server/test_tokens.py", "utest/server/test_revocations.py", "utest/server/test_login.py"],
    ),
    "codec": Subject(
        ["waybill_server/codec.py", "waybill_server/early_codec.py"],
        [
            "utest/server/test_codec_and_clock.py",
            "utest/server/test_wire_v2_codec.py",
            "utest/server/test_wire_v2_bytes.py",
            "utest/server/test_early_wire.py",
        ],
    ),
}


@dataclass(frozen=True)
class Mutant:
    """One change of the code.

    Attributes:
        path: The file, relative to the project.
        operator: Cosmic Ray's name of the kind of change.
        occurrence: Which of the places where it can be made.
        line: The line of the change.
    """

    path: str
    operator: str
    occurrence: int
    line: int

    def code(self, source: str) -> str:
        """The file with the change in it."""
        changed: str | None = mutate_code(source, OperatorProvider()[self.operator](), self.occurrence)
        assert changed is not None
        return changed

    def words(self) -> str:
        """The place, the line as it is and as it becomes."""
        source = (ROOT / self.path).read_text(encoding="utf-8")
        pairs = zip(source.splitlines(), self.code(source).splitlines(), strict=False)
        before, after = next(pair for pair in pairs if pair[0] != pair[1])
        return f"{self.path}:{self.line}\n    - {before.strip()}\n    + {after.strip()}"


def mutants(path: Path) -> list[list[Mutant]]:
    """Every mutant of a file, those of one place together, in the order of the code."""
    tree = get_ast(path.read_text(encoding="utf-8"))
    nodes = list(ast_nodes(tree))
    idle = {id(inner) for node in nodes for part in _idle(node) for inner in ast_nodes(part)}
    places: dict[tuple[int, int], list[Mutant]] = {}
    name = path.relative_to(ROOT).as_posix()
    for operator, make in _operators():
        occurrence = 0
        for node in nodes:
            for start, _ in make().mutation_positions(node):
                if id(node) not in idle:
                    places.setdefault(start, []).append(Mutant(name, operator, occurrence, start[0]))
                occurrence += 1
    return [places[start] for start in sorted(places)]


def _operators() -> Iterator[tuple[str, Any]]:
    """The kinds of change that can make a difference: identity for equality, and decorators, are left out."""
    provider = OperatorProvider()
    for name in provider:
        kind, _, change = name.partition("_")
        identity = kind == "ReplaceComparisonOperator" and "Is" in change and not change.startswith("Is")
        if not identity and kind not in (
            "RemoveDecorator",
            "ExceptionReplacer",
            "VariableReplacer",
            "VariableInserter",
        ):
            yield name, provider[name]


def _idle(node: Any) -> list[Any]:
    """The parts of a node that never run, or change nothing that a test could see."""
    if node.type == "decorator" or (
        node.type == "if_stmt" and node.children[1].get_code().strip() == "TYPE_CHECKING"
    ):
        return [node]
    if node.type == "annassign":
        return [node.children[1]]
    if node.type in ("param", "funcdef") and node.annotation is not None:
        return [node.annotation]
    return []


def draw(subject: Subject, sample: int, seed: int) -> tuple[list[Mutant], int]:
    """So many mutants, one for each place, and how many places there are."""
    files = sorted(path for one in subject.modules for path in (ROOT / "libraries").glob(one))
    places = [place for path in files for place in mutants(path)]
    chance = random.Random(seed)
    return [chance.choice(place) for place in chance.sample(places, min(sample, len(places)))], len(places)


class Copy:
    """A copy of the project in which one mutant at a time lives."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        without = shutil.ignore_patterns("__pycache__", ".hypothesis", ".pytest_cache")
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, folder / name, ignore=without)
            else:
                shutil.copy(source, folder / name)

    def seconds(self, tests: Sequence[str]) -> float:
        """How long the tests take without a mutant, after the copy was compiled.

        Raises:
            SystemExit: They fail.
        """
        compileall.compile_dir(self._folder / "libraries", quiet=2)
        begun = time.monotonic()
        code = self._pytest(tests, None)
        if code:
            sys.exit(f"the tests fail without any mutant (code {code}): pytest {' '.join(tests)}")
        return time.monotonic() - begun

    def killed(self, mutant: Mutant, tests: Sequence[str], deadline: float) -> bool:
        """Whether the tests notice a mutant."""
        path = self._folder / mutant.path
        source = path.read_text(encoding="utf-8")
        self._write(path, mutant.code(source))
        try:
            code = self._pytest(tests, deadline)
        finally:
            self._write(path, source)
        if code not in (0, FAILED, BROKEN, None):
            sys.exit(f"pytest ended with code {code} on {mutant.words()}")
        return code != 0

    def _write(self, path: Path, source: str) -> None:
        path.write_text(source, encoding="utf-8")
        for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
            compiled.unlink()

    def _pytest(self, tests: Sequence[str], deadline: float | None) -> int | None:
        """pytest's exit code; None if it was given up."""
        variables = os.environ | {
            "PYTHONPATH": str(self._folder / "libraries"),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", "--hypothesis-seed=0"]
        with (self._folder / "console.txt").open("wb") as console:
            process = subprocess.Popen(
                [sys.executable, "-m", "pytest", *options, *tests],
                cwd=self._folder,
                env=variables,
                stdout=console,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                return process.wait(deadline)
            except subprocess.TimeoutExpired:
                return None
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, 9)
                    process.wait()


def survivors(subject: Subject, chosen: Sequence[Mutant], jobs: int) -> list[Mutant]:
    """The mutants that no test noticed."""
    with tempfile.TemporaryDirectory(prefix="waybill-mutation-") as folder:
        copies: queue.SimpleQueue[Copy] = queue.SimpleQueue()
        for number in range(jobs):
            copies.put(Copy(Path(folder) / str(number)))
        with ThreadPoolExecutor(jobs) as pool:
            each = [copies.get() for _ in range(jobs)]
            deadline = SLOWER * max(pool.map(lambda copy: copy.seconds(subject.tests), each)) + 20
            for copy in each:
                copies.put(copy)

            def one(mutant: Mutant) -> bool:
                copy = copies.get()
                try:
                    return copy.killed(mutant, subject.tests, deadline)
                finally:
                    copies.put(copy)

            left = []
            for number, (mutant, killed) in enumerate(zip(chosen, pool.map(one, chosen), strict=True), 1):
                print(
                    f"[{number}/{len(chosen)}] {'killed' if killed else 'SURVIVED'} {mutant.words()}",
                    flush=True,
                )
                left += [] if killed else [mutant]
    return left


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "subjects", nargs="*", metavar="SUBJECT", help=f"of {', '.join(SUBJECTS)} (default: all)"
    )
    parser.add_argument(
        "--sample", type=int, default=60, metavar="N", help="mutants of each (default: %(default)s)"
    )
    parser.add_argument(
        "--seed", type=int, default=7, metavar="N", help="of the sample (default: %(default)s)"
    )
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="at once (default: %(default)s)")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.subjects if name not in SUBJECTS]
    if unknown:
        parser.error(f"no subject is called '{unknown[0]}'; there are {', '.join(SUBJECTS)}")
    lines = []
    for name in arguments.subjects or SUBJECTS:
        chosen, places = draw(SUBJECTS[name], arguments.sample, arguments.seed)
        begun = time.monotonic()
        left = survivors(SUBJECTS[name], chosen, arguments.jobs)
        took = time.monotonic() - begun
        killed = len(chosen) - len(left)
        lines.append(
            f"{name}: {killed} of {len(chosen)} mutants killed ({100 * killed // len(chosen)} %), of {places} places, "
            f"seed {arguments.seed}, {took:.0f} s"
        )
        lines += [f"survived: {mutant.words()}" for mutant in left]
    print("", *lines, sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
