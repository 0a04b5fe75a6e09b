"""Runs every benchmark and prints its table of ratios.

    python benchmarks/run.py [NAME ...]

Figures of one run on one machine: compare the ratios, not the seconds. Nothing in the tests depends on them.
"""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent


def main() -> int:
    scripts = {path.stem: path for path in sorted(FOLDER.glob("*.py")) if path.name != Path(__file__).name}
    chosen = sys.argv[1:] or list(scripts)
    unknown = [name for name in chosen if name not in scripts]
    if unknown:
        print(f"no benchmark named {', '.join(unknown)}; there are {', '.join(scripts)}", file=sys.stderr)
        return 3
    print(f"Python {platform.python_version()}, {platform.machine()}, {platform.system()}\n", flush=True)
    failed = [
        name for name in chosen if subprocess.run([sys.executable, scripts[name]], check=False).returncode
    ]
    if failed:
        print(f"did not finish: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
