"""Runs the Robot tests of the keywords: each keyword works, and fails with its message when it should.

python atest/run.py [ROBOT OPTIONS ...]
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def main() -> int:
    output = ROOT / "results" / "atest"
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
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
