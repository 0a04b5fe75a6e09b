"""The folder of a run: `results/<UTC stamp>/`, and `results/latest` beside it."""

from __future__ import annotations

import datetime
import os
from collections import defaultdict
from collections.abc import Collection
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
    try:
        results.mkdir(parents=True, exist_ok=True)
        folder = _make(results, _stamp())
        _point(results / LATEST, folder.name)
    except OSError as error:
        raise UsageError(
            f"No run folder could be made in {results}: {error.strerror}. "
            f"Choose another place with --results DIR."
        ) from error
    return folder


def folder_beside(folder: Path) -> Path:
    """Makes an empty folder for a page that puts runs together, `<UTC stamp>-merged` beside one of theirs.

    `latest` stays where it is: nothing was run.

    Raises:
        UsageError: It cannot be written there.
    """
    place = folder.resolve().parent
    if place.is_relative_to(Path.cwd()):
        place = place.relative_to(Path.cwd())
    try:
        return _make(place, f"{_stamp()}-merged")
    except OSError as error:
        raise UsageError(
            f"No folder for the page could be made in {place}: {error.strerror}. "
            f"Choose another place with --output DIR."
        ) from error


def proof_folder(results: Path) -> Path:
    """Makes an empty folder for a proof, `<UTC stamp>-proof`; `latest` stays at the latest run.

    Raises:
        UsageError: It cannot be written there.
    """
    try:
        results.mkdir(parents=True, exist_ok=True)
        return _make(results, f"{_stamp()}-proof")
    except OSError as error:
        raise UsageError(
            f"No folder for the proof could be made in {results}: {error.strerror}. "
            f"Choose another place with --results DIR."
        ) from error


def _stamp() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")


def _make(place: Path, name: str) -> Path:
    number = 1
    while True:
        folder = place / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir()
        except FileExistsError:
            number += 1
        else:
            return folder


def _point(link: Path, name: str) -> None:
    if link.exists() and not link.is_symlink():
        return
    draft = link.with_name(f".{LATEST}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    draft.symlink_to(name)
    draft.replace(link)


def seconds_by_suite(results: Path) -> dict[str, float]:
    """How long each suite took in the latest run, with the slowest target where it had several; empty if there
    is none.
    """
    longest: dict[str, float] = {}
    latest = results / LATEST
    for run in (latest, *sorted(latest.glob("*/"))):
        seconds: defaultdict[str, float] = defaultdict(float)
        for case in read_cases(run).values():
            seconds[case.suite] += case.seconds() or 0.0
        longest |= {suite: max(took, longest.get(suite, 0.0)) for suite, took in seconds.items()}
    return longest


def longest_first(
    suites: list[str], seconds: dict[str, float], killing: Collection[str] = frozenset()
) -> list[str]:
    """Suites in the order that keeps all workers busy to the end: unknown ones first, then the longest.

    Args:
        suites: Their full names.
        seconds: How long they took the last time, as far as that is known.
        killing: Those in which the server is killed. Every kill costs a start, so they lead the unknown ones.
    """
    return sorted(suites, key=lambda suite: (-seconds.get(suite, float("inf")), suite not in killing))
