"""Builds the wheel, installs it into an empty virtual environment and runs it from an empty folder.

    python docs/try_wheel.py FOLDER

Fails when the suites, keywords, resources or target files are missing from the wheel, when a command leans on the
clone, or when the run does not end green.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent


def run(command: list[str], folder: Path, expected: int = 0) -> str:
    """Runs a command without any variable that points at the clone and returns what it printed."""
    environment = {
        k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "WAYBILL", "VIRTUAL_ENV"))
    }
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    print("$", " ".join(command), f"-> {done.returncode}")
    if done.returncode != expected:
        raise SystemExit(
            f"expected exit code {expected}, found {done.returncode}:\n{done.stdout}\n{done.stderr}"
        )
    return done.stdout


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__)
        return 3
    folder = Path(sys.argv[1]) / "wheel"
    shutil.rmtree(folder, ignore_errors=True)
    empty = folder / "empty"
    empty.mkdir(parents=True)
    run([sys.executable, "-m", "build", "--outdir", str(folder / "dist"), str(ROOT)], ROOT)
    wheel = next((folder / "dist").glob("*.whl"))
    venv.create(folder / "venv", with_pip=True, clear=True)
    programs = folder / "venv" / "bin"
    run([str(programs / "pip"), "install", "--quiet", "--disable-pip-version-check", str(wheel)], empty)
    print(run([str(programs / "waybill"), "version"], empty).strip())
    run([str(programs / "waybill"), "targets"], empty)
    print(run([str(programs / "waybill"), "run", "--include", "dup-2", "--include", "ack-4"], empty))
    run([str(programs / "waybill"), "eject", "mine"], empty)
    for name in ("suites", "keywords", "resources"):
        if not any((empty / "mine" / name).iterdir()):
            raise SystemExit(f"waybill eject left {name} empty")
    print(
        run(
            [str(programs / "waybill"), "run", "mine/suites/30_idempotency/dup_2_never_swallows.robot"], empty
        )
    )
    print("the wheel runs from an empty folder")
    return 0


if __name__ == "__main__":
    sys.exit(main())
