"""`waybill check`: the verdict on history files, and on the checker itself."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import msgspec

CLEAN, ANOMALIES, UNKNOWN, UNREADABLE = 0, 1, 2, 3

EXAMPLES = """\
examples:
  waybill check results/latest/cases/*/history.jsonl.gz
  waybill check --json history.jsonl > report.json
  waybill check --self-test

exit codes:
  0  every history is clean; of the self-test: every planted anomaly was found, and nothing else
  1  at least one history shows an anomaly; of the self-test: the checker cannot be trusted
  2  no anomaly, but something could not be judged
  3  at least one file could not be read
"""


def parser() -> argparse.ArgumentParser:
    """The command's options."""
    made = argparse.ArgumentParser(
        prog="waybill check",
        description="Check recorded histories for every anomaly that a messaging server can show.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("files", nargs="*", metavar="FILE", help="a history, .jsonl or .jsonl.gz")
    made.add_argument(
        "--json", action="store_true", help="print one JSON report, or a list for several files"
    )
    made.add_argument(
        "--self-test",
        action="store_true",
        help="try the checker itself: planted anomalies are found, near misses and legal histories are clean",
    )
    made.add_argument(
        "--without",
        metavar="CHECK",
        help="in a self-test, make no such check (delivery, order, ...): tells what is no longer found",
    )
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Checks the files and prints their reports; returns the exit code, the gravest of all files.

    An unreadable file is told on standard error and does not keep the others from being checked.
    """
    options = parser().parse_args(argv)
    if options.self_test:
        if options.files or options.json:
            parser().error("--self-test goes with neither files nor --json")
        return _self_test(options.without)
    if options.without:
        parser().error("--without goes with --self-test alone")
    if not options.files:
        parser().error("expected at least one FILE, or --self-test")
    from .checker import check
    from .reader import HistoryUnreadable

    code = CLEAN
    reports = []
    for file in options.files:
        try:
            report = check(file)
        except HistoryUnreadable as error:
            sys.stderr.write(f"waybill check: {error}\n")
            code = UNREADABLE
            continue
        found = {"clean": CLEAN, "anomalies": ANOMALIES, "unknown": UNKNOWN}[report.verdict]
        code = _graver(code, found)
        reports.append({"file": str(file), **report.to_dict()})
        if not options.json:
            sys.stdout.write(f"{file}\n{report.to_text()}")
    if options.json:
        plain = reports[0] if len(options.files) == 1 and reports else reports
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(plain), indent=2).decode() + "\n")
    return code


def _self_test(without: str | None) -> int:
    """Prints a line for every anomaly; what went wrong is told below it."""
    from .checker import check_history
    from .checks import CHECKS
    from .planted.self_test import self_test
    from .reader import read

    code = CLEAN
    if without is not None and without not in CHECKS:
        parser().error(f"no check is called '{without}'; there are {', '.join(CHECKS)}")
    left = {name: one for name, one in CHECKS.items() if name != without}
    for tried in self_test(lambda path: check_history(read(path), left)):
        sys.stdout.write(f"{tried.subject:<28}{'WRONG' if tried.misses else 'ok':<7}{tried.sentence}\n")
        sys.stdout.writelines(f"{'':<35}{miss}\n" for miss in tried.misses)
        sys.stdout.flush()
        code = ANOMALIES if tried.misses else code
    return code


def _graver(one: int, two: int) -> int:
    gravity = (CLEAN, UNKNOWN, ANOMALIES, UNREADABLE)
    return max(one, two, key=gravity.index)


if __name__ == "__main__":
    sys.exit(main())
