"""`waybill targets`: which servers the kit can put to the proof, and what they lack here."""

from __future__ import annotations

import argparse
from typing import Any

from waybill.commands.console import say
from waybill.commands.exits import FINE


def add(subcommands: Any) -> None:
    """Describes the command to argparse."""
    parser = subcommands.add_parser(
        "targets",
        help="list the targets that come with the kit and whether they are installed",
        description="Lists the targets that come with the kit, their drivers, and whether the programs that\n"
        "they launch are installed. Your own server needs a target file (docs/targets.md).",
        epilog="examples:\n  waybill targets\n  waybill run --target mosquitto\n"
        "  waybill run --target my-server.toml",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(main=main)


def main(arguments: argparse.Namespace) -> int:
    """Prints one line per target, and how to install what is missing."""
    from waybill.targets import available_targets

    for target in available_targets():
        file = target.file
        state = "installed" if target.installed else f"not installed: needs {', '.join(target.missing)}"
        say(f"{file.name:<14}driver {file.driver:<10}{state}")
        if file.description:
            say(f"{'':<14}{' '.join(file.description.split())}")
        if not target.installed and target.install:
            say(f"{'':<14}install it with: {target.install}")
    return FINE
