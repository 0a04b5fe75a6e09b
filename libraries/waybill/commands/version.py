"""`waybill version`: what is installed."""

from __future__ import annotations

import argparse
import importlib.metadata
import platform
from collections.abc import Mapping
from typing import Any

from waybill.commands.console import say
from waybill.commands.exits import FINE
from waybill.version import __version__

_PARTS = {"robotframework": "Robot Framework", "robotframework-pabot": "pabot"}


def add(subcommands: Any) -> None:
    """Describes the command to argparse."""
    parser = subcommands.add_parser(
        "version",
        help="print the versions of Waybill, Python, Robot Framework and pabot",
        description="Prints the versions that a bug report needs.",
    )
    parser.set_defaults(main=main)


def versions() -> Mapping[str, str]:
    """Versions of everything that takes part in a run, by name."""
    found = {"Waybill": __version__, "Python": platform.python_version()}
    for distribution, name in _PARTS.items():
        try:
            found[name] = importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "missing"
    return found | {"on": f"{platform.system()} {platform.release()} {platform.machine()}"}


def main(arguments: argparse.Namespace) -> int:
    """Prints them, one per line."""
    for name, version in versions().items():
        say(f"{name} {version}")
    return FINE
