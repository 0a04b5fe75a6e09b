"""`waybill eject`: copies the bundled suites, keywords and resources out, for reading and changing."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any

from waybill import bundled
from waybill.commands.console import say
from waybill.commands.exits import FINE, UsageError

FOLDERS = ("suites", "keywords", "resources")


def add(subcommands: Any) -> None:
    """Describes the command to argparse."""
    parser = subcommands.add_parser(
        "eject",
        help="copy the bundled suites, keywords and resources to a folder of yours",
        description="Copies the suites, keywords and resources that come with Waybill to a folder, where\n"
        "you can read and change them. Nothing that exists there is overwritten.",
        epilog="example:\n  waybill eject acceptance\n  waybill run acceptance/suites",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", metavar="DIR", type=Path, help="where to; it is made if it is missing")
    parser.set_defaults(main=main)


def main(arguments: argparse.Namespace) -> int:
    """Copies the three folders, all or nothing."""
    folder: Path = arguments.folder
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file; expected a folder to copy to. Choose another name.")
    taken = [name for name in FOLDERS if (folder / name).exists()]
    if taken:
        raise UsageError(
            f"{folder} already has {' and '.join(taken)}; nothing was copied. Choose another folder, or move "
            f"{'it' if len(taken) == 1 else 'them'} away first."
        )
    for name in FOLDERS:
        shutil.copytree(
            bundled.folder(name),
            folder / name,
            ignore=shutil.ignore_patterns("__pycache__", ".pabotsuitenames"),
        )
    say(f"Copied {', '.join(FOLDERS)} to {folder}. Run them with: waybill run {folder / 'suites'}")
    return FINE
