"""The `waybill` command."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from waybill.commands import check, eject, faults, prove, report, run, shrink, targets, version
from waybill.commands.exits import INTERRUPTED, UNUSABLE, UsageError

_DESCRIPTION = """\
Waybill: acceptance tests for messaging servers. Every message accounted for.
"""
_EPILOG = """\
examples:
  waybill run                              test the reference server in the box
  waybill run --target my-server.toml      test yours; then open results/latest/readiness.html
  waybill check history.jsonl.gz           judge a recorded history
  waybill COMMAND --help                   options, exit codes and examples of a command
"""


class _Parser(argparse.ArgumentParser):
    """argparse, with the exit code that Waybill has for wrong usage."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(UNUSABLE, f"waybill: {message}\nTry '{self.prog} --help'.\n")


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    root = _Parser(
        prog="waybill",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    subcommands = root.add_subparsers(
        title="commands", metavar="COMMAND", required=True, parser_class=_Parser
    )
    for command in (run, check, shrink, report, prove, targets, faults, eject, version):
        command.add(subcommands)
    return root


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command.

    Args:
        arguments: The command line without the program; None for the process's own.

    Returns:
        The exit code; each command's help lists them.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = _main(words)
        sys.stdout.flush()
    except UsageError as error:
        print(f"waybill: {error}", file=sys.stderr)
        return UNUSABLE
    except KeyboardInterrupt:
        print("waybill: stopped", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNUSABLE
    except (OSError, ValueError) as error:
        print(f"waybill: {error}", file=sys.stderr)
        return UNUSABLE
    return code


def _main(words: list[str]) -> int:
    if words[:1] == ["check"]:
        return check.main(words[1:])
    own, passed_on = words, []
    if "--" in words:
        cut = words.index("--")
        own, passed_on = words[:cut], words[cut + 1 :]
    namespace, unknown = parser().parse_known_args(own)
    if unknown:
        hint = " Options for Robot itself go after '--'." if hasattr(namespace, "passed_on") else ""
        raise UsageError(
            f"unknown argument '{unknown[0]}'.{hint} 'waybill {own[0]} --help' lists what there is."
        )
    if passed_on and not hasattr(namespace, "passed_on"):
        raise UsageError("Only `waybill run` passes options on to Robot; leave '--' and what follows out.")
    namespace.passed_on, namespace.words = passed_on, words
    code: int = namespace.main(namespace)
    return code


if __name__ == "__main__":
    raise SystemExit(main())
