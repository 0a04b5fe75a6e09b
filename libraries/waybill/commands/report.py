"""`waybill report`: builds the pages of a run again from its files."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from waybill.commands.console import say
from waybill.commands.exits import FINE, NOT_READY, RED, UsageError
from waybill.commands.summary import conclusion
from waybill.readiness import model
from waybill.readiness.assemble import NotARunFolder
from waybill.readiness.pages import write_pages


def add(subcommands: Any) -> None:
    """Describes the command to argparse."""
    parser = subcommands.add_parser(
        "report",
        help="build the readiness pages of a run again",
        description="Judges run folders again and writes readiness.json, readiness.md and readiness.html\n"
        "into them. The same files give the same pages; waivers are judged by the day of the run.",
        epilog="exit codes:\n"
        "  0  nothing is red\n"
        "  1  something is BROKEN, failed, without evidence or without a verdict\n"
        "  2  nothing is red, but --require-ready was given and a verdict is not READY\n"
        "  3  a folder is not the folder of a run\n\n"
        "examples:\n  waybill report results/latest\n  waybill report --require-ready results/2027*",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "folders", metavar="DIR", nargs="+", type=Path, help="a run folder, such as results/latest"
    )
    parser.add_argument("--require-ready", action="store_true", help="every verdict but READY fails")
    parser.set_defaults(main=main)


def main(arguments: argparse.Namespace) -> int:
    """Builds the pages of each folder and prints what they say."""
    code = FINE
    for folder in arguments.folders:
        try:
            readiness = write_pages(folder)
        except NotARunFolder as error:
            raise UsageError(str(error)) from None
        for line in conclusion(readiness.runs[0], folder):
            say(line)
        code = worse(code, verdict_code(readiness, arguments.require_ready))
    return code


def verdict_code(readiness: model.Readiness, require_ready: bool) -> int:
    """The exit code that a judged run deserves."""
    if any(run.red for run in readiness.runs):
        return RED
    if require_ready and readiness.verdict != model.READY:
        return NOT_READY
    return FINE


def worse(one: int, other: int) -> int:
    """The graver of two codes: red before not ready before fine."""
    return min((code for code in (one, other) if code), default=FINE)
