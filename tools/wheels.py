"""Builds a wheel for each platform, with the interposed library in it, so that whoever installs one needs no compiler.

    pip install build ziglang
    python tools/wheels.py FOLDER

The library is for glibc 2.17 and newer, which `python -m ziglang cc` builds for on any machine; the wheels are tagged
manylinux_2_17. A wheel that is built in any other way is pure Python, and the library is then built where it is needed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "libraries"))

from waybill.interposer.build import OPTIONS, SOURCE, ready_name  # noqa: E402

GLIBC = "2.17"
MACHINES = ("x86_64", "aarch64")


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__)
        return 3
    for machine in MACHINES:
        with tempfile.TemporaryDirectory() as folder:
            library = Path(folder) / ready_name(machine)
            compiler = [
                sys.executable,
                "-m",
                "ziglang",
                "cc",
                "-target",
                f"{machine}-linux-gnu.{GLIBC}",
                "-s",
            ]
            source = str(SOURCE / "interposer.c")
            subprocess.run([*compiler, *OPTIONS, "-o", str(library), source, "-ldl"], check=True)
            tag = f"py3-none-manylinux_{GLIBC.replace('.', '_')}_{machine}"
            subprocess.run(
                [sys.executable, "-m", "build", "--wheel", "--outdir", sys.argv[1], str(ROOT)],
                env=os.environ | {"WAYBILL_READY_LIBRARY": str(library), "WAYBILL_WHEEL_TAG": tag},
                check=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
