"""Programs that run with a table, in place of a server."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from waybill.interposer.table import Table


def run(
    table: Table, program: str, *arguments: object, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Runs a Python program under a table to its end."""
    done = subprocess.run(
        [sys.executable, "-S", "-c", program, *map(str, arguments)],
        env=os.environ | dict(table.environment),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert table.attached > 0, "the program never saw the table"
    if check:
        assert done.returncode == 0, done.stderr
    return done


def stopped(process: subprocess.Popen[str], deadline: float = 20.0) -> bool:
    """Waits until the kernel says that a process stands still."""
    until = time.monotonic() + deadline
    while time.monotonic() < until:
        state = Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
        if state == "T":
            return True
        time.sleep(0.002)
    return False
