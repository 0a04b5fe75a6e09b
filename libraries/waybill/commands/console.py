"""Talking to the user: results go to standard output, line by line, so that a pipe sees them at once."""

from __future__ import annotations

import sys


def say(line: str) -> None:
    """Prints a line now."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
