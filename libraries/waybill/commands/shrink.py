"""`waybill shrink`: the smallest history that still shows a finding."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from waybill.commands.console import say
from waybill.commands.exits import FINE, UsageError
from waybill.commands.numbers import positive

_EPILOG = """\
examples:
  waybill shrink results/latest/cases/*/history.jsonl.gz
  waybill shrink history.jsonl --anomaly lost-acked --seconds 300
  waybill shrink --schedule results/latest/cases/cha-1-*/history.jsonl.gz

exit codes:
  0  written, and nothing more can be left out
  1  written, but the time, or the tries, were over before that was known
  3  a history cannot be read, or does not show the anomaly
"""
NOT_SMALLEST = 1
"""Exit code: the time was over."""
SECONDS = 60.0
SCHEDULE_SECONDS = 600.0
"""For each schedule: each try starts a server."""


def add(subcommands: Any) -> None:
    """Describes the command to argparse."""
    parser = subcommands.add_parser(
        "shrink",
        help="find the smallest part of a history that still shows a finding",
        description="Leaves out of a history whatever a finding does not need, and writes what is left beside it,\n"
        "spelled out, as NAME.ANOMALY.jsonl. The finding is proven by the same events as before. The same\n"
        "history gives the same result, unless the time is over first.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "files", nargs="+", metavar="HISTORY", type=Path, help="a history, .jsonl or .jsonl.gz"
    )
    parser.add_argument(
        "--anomaly",
        default="",
        metavar="NAME",
        help="what must still be shown (default: the worst that it shows)",
    )
    parser.add_argument(
        "--seconds", type=_seconds, default=None, metavar="N", help="for each history at most (default: 60)"
    )
    parser.add_argument(
        "--schedule",
        action="store_true",
        help="carry the scenario out again, on a fresh target each time, with ever fewer of its faults, "
        "and print the line that replays the shortest schedule that still fails (default: 600 seconds)",
    )
    parser.add_argument(
        "--tries",
        type=positive,
        default=60,
        metavar="N",
        help="with --schedule: carry it out so often at most (default: 60)",
    )
    parser.set_defaults(main=main)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not seconds > 0:
        raise argparse.ArgumentTypeError(f"expected a number of seconds above 0, found '{text}'")
    return seconds


def main(arguments: argparse.Namespace) -> int:
    """Shrinks one history after the other.

    Raises:
        UsageError: One of them cannot be read, or does not show what was asked for.
    """
    from waybill.history.report import SEVERITY

    if arguments.anomaly and arguments.anomaly not in SEVERITY:
        raise UsageError(f"no anomaly is called '{arguments.anomaly}'; there are: {', '.join(SEVERITY)}.")
    if arguments.schedule and arguments.anomaly:
        raise UsageError(
            "--anomaly is for a history; with --schedule what the case found has to be found again."
        )
    code = FINE
    for file in arguments.files:
        if arguments.schedule:
            code = max(code, _shrink_schedule(file, arguments.seconds or SCHEDULE_SECONDS, arguments.tries))
        else:
            code = max(code, _shrink(file, arguments.anomaly, arguments.seconds or SECONDS))
    return code


def _shrink_schedule(file: Path, seconds: float, tries: int) -> int:
    from waybill.commands.shrink_schedule import shrink_schedule

    return FINE if shrink_schedule(file, seconds, tries) else NOT_SMALLEST


def _shrink(file: Path, anomaly: str, seconds: float) -> int:
    from waybill.history.reader import HistoryUnreadable
    from waybill.history.shrinking import NothingToShrink, shrink
    from waybill.history.unfolding import unfold, write

    try:
        whole = unfold(file)
        say(f"{file}: {len(whole.events)} events")
        shrunk = shrink(
            whole,
            anomaly,
            seconds,
            lambda left, tries: say(f"  {left} events are enough, after {tries} tries"),
        )
    except (HistoryUnreadable, NothingToShrink) as error:
        raise UsageError(f"{file}: {error}" if isinstance(error, NothingToShrink) else str(error)) from None
    replay = _replay(file)
    target = file.with_name(f"{file.name.removesuffix('.gz').removesuffix('.jsonl')}.{shrunk.anomaly}.jsonl")
    size = f"{len(shrunk.events)} of {shrunk.before} events"
    comment = f"{size} of {file.name}, enough for {shrunk.anomaly}: {shrunk.sentence}"
    if replay:
        comment = f"{comment}; the whole scenario again: {replay}"
    write(target, whole.history.header, shrunk.events, closed=whole.history.closed, comment=comment)
    say(f"{shrunk.anomaly}: {shrunk.sentence}")
    size = (
        "nothing more can be left out"
        if shrunk.smallest
        else f"stopped after {seconds:g} s; more time may do more"
    )
    say(f"{len(shrunk.events)} of {shrunk.before} events in {target}; {size}")
    say(f"check it: waybill check {target}")
    if replay:
        say(f"replay the scenario: {replay}")
    return FINE if shrunk.smallest else NOT_SMALLEST


def _replay(file: Path) -> str:
    """The line that runs the scenario again, if the history is one of a run."""
    from waybill.readiness.cases import FILE, read_case

    record = read_case(file.with_name(FILE))
    return record.replay if record else ""
