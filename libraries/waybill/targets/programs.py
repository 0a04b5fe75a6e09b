"""Finding the programs of servers."""

from __future__ import annotations

import os
import shutil
from typing import Final

_SYSTEM_PATHS: Final = ("/usr/local/sbin", "/usr/sbin", "/sbin")
"""Debian keeps servers here, and leaves these folders out of the path of ordinary users."""


def program(name: str) -> str | None:
    """Where a program is, the folders of system servers included; None if it is not installed."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *_SYSTEM_PATHS])
    return shutil.which(name, path=path)
