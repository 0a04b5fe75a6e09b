"""Exit codes and the one kind of error that a command shows without a traceback."""

from __future__ import annotations

FINE = 0
"""Every selected scenario passed with its evidence or is validly waived."""

RED = 1
"""Something is BROKEN, failed, without evidence or without a verdict, or a waiver has expired."""

NOT_READY = 2
"""Nothing is red, but `--require-ready` was given and the verdict is not READY."""

UNUSABLE = 3
"""Nothing could be judged: wrong usage, an unusable file, no scenario selected, or Robot did not start."""

DETECTOR = 4
"""The detector check failed: a planted finding did not come out, so nothing that the run says counts."""

INTERRUPTED = 130
"""Stopped by Ctrl-C or SIGTERM; the pages show what is there."""


class UsageError(Exception):
    """The user has to change something; the message says what was found, what was expected, what to do."""
