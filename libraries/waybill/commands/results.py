"""The folder of a run: `results/<UTC stamp>/`, and `results/latest` beside it."""

from __future__ import annotations

import datetime
import os
from pathlib import Path

from waybill.commands.exits import UsageError
from waybill.readiness.cases import read_cases

LATEST = "latest"


def new_folder(results: Path) -> Path:
    """Makes an empty folder named after the time, and points `latest` at it.

    Args:
        results: Where the folders of all runs are.

    Raises:
        UsageError: It cannot be written there.
    """
    stamp = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
    number = 1
    try:
        results.mkdir(parents=True, exist_ok=True)
        while True:
            folder = results / (stamp if number == 1 else f"{stamp}-{number}")
            try:
                folder.mkdir()
                break
            except FileExistsError:
                number += 1
        _point(results / LATEST, folder.name)
    except OSError as error:
        raise UsageError(
            f"No run folder could be made in {results}: {error.strerror}. "
            f"Choose another place with --results DIR."
        ) from error
    return folder


def _point(link: Path, name: str) -> None:
    if link.exists() and not link.is_symlink():
        return
    draft = link.with_name(f".{LATEST}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    draft.symlink_to(name)
    draft.replace(link)


def seconds_by_suite(results: Path) -> dict[str, float]:
    """How long each suite took in the latest run; empty if there is none."""
    seconds: dict[str, float] = {}
    for case in read_cases(results / LATEST).values():
        seconds[case.suite] = seconds.get(case.suite, 0.0) + (case.seconds() or 0.0)
    return seconds


def longest_first(suites: list[str], seconds: dict[str, float]) -> list[str]:
    """Suites in the order that keeps all workers busy to the end: unknown ones first, then the longest."""
    return sorted(suites, key=lambda suite: -seconds.get(suite, float("inf")))
