"""Which version of a server is put to the proof, as the server's own program says."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Final

from waybill.targets.programs import program

_NUMBER: Final = re.compile(r"\d+(?:\.\d+)+[\w.+~-]*")
_DEADLINE: Final = 10.0


def server_version(version: tuple[str, ...]) -> str:
    """The version: what a target file says, or the first number with a dot that its program prints.

    Args:
        version: One text that is the version, or a program and its arguments.

    Returns:
        The version; empty if the file says nothing, or the program is not there or prints no version.
    """
    if len(version) == 1:
        return version[0]
    if not version:
        return ""
    found = sys.executable if version[0] == "{python}" else program(version[0])
    if found is None:
        return ""
    try:
        # Some servers print their version together with their usage, and call that a failure.
        done = subprocess.run(
            [found, *version[1:]],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_DEADLINE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    number = _NUMBER.search(done.stdout.decode(errors="replace"))
    return number[0] if number else ""
