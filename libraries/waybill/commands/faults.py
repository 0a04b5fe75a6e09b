"""`waybill faults`: which faults this machine lets be done to a server."""

from __future__ import annotations

import argparse
from typing import Any

from waybill.commands.console import say
from waybill.commands.exits import FINE


def add(subcommands: Any) -> None:
    """Describes the command to argparse."""
    parser = subcommands.add_parser(
        "faults",
        help="list the means of faults and whether this machine has them",
        description="Tries each means that faults need on this machine and lists what is possible. A guarantee\n"
        "whose scenario needs a means that is missing stays UNPROVEN; the report of each run has the same list.",
        epilog="examples:\n  waybill faults",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(main=main)


def main(_: argparse.Namespace) -> int:
    """Prints each means, what it is used for, and why it is not to be had."""
    from waybill.faults.means import probe

    for means in probe():
        say(f"{means.name:<22}{'impossible' if means.missing else 'possible':<12}{means.used_for}")
        if means.missing:
            say(f"{'':<22}{means.missing}")
    return FINE
