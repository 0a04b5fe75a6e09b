"""`waybill targets`: which servers the kit can put to the proof, and what they lack here."""

from __future__ import annotations

import argparse
from typing import Any

from waybill.commands import check_target
from waybill.commands.console import say
from waybill.commands.exits import FINE


def add(subcommands: Any) -> None:
    """Describes the command to argparse."""
    parser = subcommands.add_parser(
        "targets",
        help="list the targets that come with the kit and whether they are installed",
        description="Lists the targets that come with the kit, their drivers, whether the programs that they\n"
        "launch are installed, and their variants: the same server, configured wrongly. Your own server needs a\n"
        "target file (docs/targets.md).",
        epilog="examples:\n  waybill targets\n  waybill targets check my-server.toml\n"
        "  waybill run --target mosquitto\n  waybill run --target my-server.toml+a-variant",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(main=main)
    check_target.add(parser.add_subparsers(title="commands", metavar="COMMAND"))


def main(arguments: argparse.Namespace) -> int:
    """Prints each target with its variants, and how to install what is missing."""
    from waybill.targets import available_targets

    for target in available_targets():
        file = target.file
        state = "installed" if target.installed else f"not installed: needs {', '.join(target.missing)}"
        say(f"{file.name:<14}driver {file.driver:<10}{state}")
        if file.description:
            say(f"{'':<14}{' '.join(file.description.split())}")
        if not target.installed and target.install:
            say(f"{'':<14}install it with: {target.install}")
        for variant in file.variants:
            said = " ".join(variant.description.split())
            say(f"{'':<14}+{variant.name:<27} breaks {', '.join(variant.breaks)}: {said}")
    return FINE
