"""What a target must be able to do for faults of its upkeep: releases, migrations, starts that must be refused."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

FORWARD: Final = "forward"
BACK: Final = "back"


class Ended(Protocol):
    """How a program ended."""

    @property
    def status(self) -> int | None:
        """Its exit status; negative for the signal that ended it. None for a node that became ready instead."""

    @property
    def said(self) -> str:
        """What it printed."""


class Upkeep(Protocol):
    """One node, as whoever runs it has it."""

    @property
    def data(self) -> Path:
        """The folder of its data."""

    @property
    def releases(self) -> Sequence[str]:
        """The releases that there are, the oldest first; at least two."""

    @property
    def release(self) -> str:
        """The release that runs, or that starts next."""

    def change_release(self, name: str, *, every_client: bool = False) -> None:
        """Lets the next start be of this release, for every kind of client if need be; the node must be down."""

    @property
    def migrates(self) -> bool:
        """Whether its data can be migrated by a command in both directions."""

    def migrate(self, direction: str) -> Ended:
        """Migrates the data of the node, which must be down."""

    def try_start(self) -> Ended:
        """Starts the node on its data; it ends by itself, or is ready and runs on."""

    def try_second_start(self) -> Ended:
        """Starts a second process on the same data; one that becomes ready is killed at once."""

    def digests(self) -> dict[str, str]:
        """A digest of every file of the data, by its path below the folder."""


def first_line(said: str) -> str:
    """The first line of what a program printed, for messages."""
    return next((line.strip() for line in said.splitlines() if line.strip()), "(nothing)")


def require_refused(ended: Ended, what: str, data: Path) -> None:
    """A start that must not succeed: it has to end by itself, not with status 0, and name what it does not like.

    Args:
        ended: What came of it.
        what: The start, in words, for the message.
        data: The folder of the data, which what it says must name, or a file in it.

    Raises:
        AssertionError: It was not refused, or not clearly.
    """
    if ended.status is None:
        raise AssertionError(f"Expected {what} to be refused; it became ready.")
    if ended.status <= 0:
        raise AssertionError(
            f"Expected {what} to be refused with a status of its own; it ended with {ended.status}."
        )
    if "Traceback" in ended.said or str(data) not in ended.said:
        raise AssertionError(
            f"Expected {what} to be refused with a message that names the data ({data}); found: "
            f"{first_line(ended.said)}"
        )
