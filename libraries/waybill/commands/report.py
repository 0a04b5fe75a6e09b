"""`waybill report`: builds the pages of runs again from their files, and puts several runs side by side."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from waybill.commands import results
from waybill.commands.console import say
from waybill.commands.exits import FINE, NOT_READY, RED, UsageError
from waybill.commands.summary import conclusion
from waybill.readiness import cases, model, run_record
from waybill.readiness.assemble import NotARunFolder
from waybill.readiness.combined import read_combined, write_combined
from waybill.readiness.pages import write_pages


def add(subcommands: Any) -> None:
    """Describes the command to argparse."""
    parser = subcommands.add_parser(
        "report",
        help="build the readiness pages of runs again, and put several runs side by side",
        description="Judges run folders again and writes readiness.json, readiness.md and readiness.html\n"
        "into them. The same files give the same pages; waivers are judged by the day of the run.\n"
        "Several runs, of any day and machine, also get one page with a column for each.",
        epilog="exit codes:\n"
        "  0  nothing is red\n"
        "  1  something is BROKEN, failed, without evidence or without a verdict\n"
        "  2  nothing is red, but --require-ready was given and a verdict is not READY\n"
        "  3  a folder is not the folder of a run\n\n"
        "examples:\n  waybill report results/latest\n  waybill report --require-ready results/2027*\n"
        "  waybill report results/20270314T092650Z from-ci/mosquitto --output comparison",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "folders",
        metavar="DIR",
        nargs="+",
        type=Path,
        help="a run folder, such as results/latest, or the common folder of several runs",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="DIR",
        type=Path,
        help="where the page of several runs goes (default: a new folder <UTC time>-merged beside the first)",
    )
    parser.add_argument("--require-ready", action="store_true", help="every verdict but READY fails")
    parser.set_defaults(main=main)


def main(arguments: argparse.Namespace) -> int:
    """Builds the pages of each folder, then those of all of them together, and prints what they say."""
    runs = _runs(arguments.folders)
    if arguments.output is not None:
        _refuse_run_folder(arguments.output)
    try:
        for run in runs:
            write_pages(run)
        folder = _together(arguments.folders, runs, arguments.output)
        readiness = write_pages(folder)
    except NotARunFolder as error:
        raise UsageError(str(error)) from None
    for line in conclusion(readiness, folder):
        say(line)
    return verdict_code(readiness, arguments.require_ready)


def _runs(folders: list[Path]) -> list[Path]:
    """All runs that folders stand for, each once, in their order; the common folder of several is all of them."""
    runs: dict[Path, Path] = {}
    for folder in folders:
        for run in read_combined(folder) or [folder]:
            runs.setdefault(run.resolve(), run)
    return list(runs.values())


def _together(folders: list[Path], runs: list[Path], output: Path | None) -> Path:
    """The folder whose pages show everything, with its list of runs."""
    if output is None and len(folders) == 1:
        return folders[0]
    if output is None and len(runs) == 1:
        return runs[0]
    folder = output or results.folder_beside(folders[0])
    write_combined(folder, runs)
    return folder


def _refuse_run_folder(output: Path) -> None:
    if (output / run_record.FILE).exists() or (output / cases.CASES).exists():
        raise UsageError(
            f"{output} is the folder of a run, and its own pages would be lost. Choose another --output."
        )


def verdict_code(readiness: model.Readiness, require_ready: bool) -> int:
    """The exit code that judged runs deserve."""
    if any(run.red for run in readiness.runs):
        return RED
    if require_ready and readiness.verdict != model.READY:
        return NOT_READY
    return FINE
