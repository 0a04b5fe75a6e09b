"""`waybill check`: checks history files. The work and its help are those of `waybill.history.command`."""

from __future__ import annotations

from typing import Any


def add(subcommands: Any) -> None:
    """Describes the command to argparse, for the overview; its own arguments are read by `main`."""
    subcommands.add_parser("check", help="check history files and print every anomaly", add_help=False)


def main(arguments: list[str]) -> int:
    """Checks the files.

    Args:
        arguments: Everything after `check` on the command line.
    """
    from waybill.history import command

    code: int = command.main(arguments)
    return code
