"""Runs the Robot tests of the keywords: each keyword works, and fails with its message when it should.

python atest/run.py [ROBOT OPTIONS ...]

The last lines name each test that failed with its message.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from robot import model, result
from robot.api import ExecutionResult, ResultVisitor
from robot.errors import DataError

ROOT = Path(__file__).parent.parent


class Failures(ResultVisitor):
    """The failed tests of a result, each with its full name and its message."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def visit_test(self, test: model.TestCase) -> None:
        if isinstance(test, result.TestCase) and test.failed:
            self.found.append(f"FAILED {test.full_name}\n{test.message}")


def main() -> int:
    output = ROOT / "results" / "atest"
    (output / "output.xml").unlink(missing_ok=True)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pabot.pabot", "--pabotlibport", "0", "--processes", "3"),
            *("--command", sys.executable, "-m", "robot", "--end-command"),
            *("--pythonpath", str(ROOT / "libraries"), "--pythonpath", str(ROOT / "atest")),
            *("--listener", "WaybillLibrary.listener.EvidenceGate", "--outputdir", str(output)),
            *("--name", "Keywords", "--suitestatlevel", "1", *sys.argv[1:]),
            str(ROOT / "atest" / "keywords"),
        ],
        check=False,
    )
    if done.returncode:
        failures = Failures()
        try:
            ExecutionResult(str(output / "output.xml")).visit(failures)
        except DataError as error:
            failures.found.append(f"no result to read: {error}")
        sys.stdout.write("\n\n".join(failures.found) + "\n")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
