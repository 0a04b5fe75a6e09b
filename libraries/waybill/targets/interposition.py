"""Faults of disk and clock at one node of a launched target: what reaches its processes, and what a power loss does."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from waybill.interposer import layout
from waybill.interposer.build import NotInterposable
from waybill.interposer.power_loss import Lost, UndoIncomplete, lose_power
from waybill.interposer.table import Table
from waybill.targets.errors import MeansFailed, MeansMissing


class Interposition:
    """The table of one node, or the reason why there is none.

    Args:
        node: The node's name.
        folder: The target's folder; the node's data is what a power loss can take back.
        loses_power: Note from now on what a power loss would take back.
    """

    def __init__(self, node: str, folder: Path, *, loses_power: bool = True) -> None:
        self.node = node
        self._table: Table | None = None
        self._missing = ""
        try:
            self._table = Table(folder / "faults" / f"{node}.table", folder / node / "data")
        except NotInterposable as error:
            self._missing = str(error)
        else:
            self._table.keep_undo(loses_power)

    @property
    def environment(self) -> Mapping[str, str]:
        """What the node's processes need in their environment."""
        if self._table is None:
            return {}
        found = dict(self._table.environment)
        inherited = os.environ.get("LD_PRELOAD")
        if inherited:
            found["LD_PRELOAD"] += f":{inherited}"
        return found

    def table(self, pids: Iterable[int]) -> Table:
        """The table that the processes of the node follow.

        Args:
            pids: The processes that the node is made of; none where it is down.

        Raises:
            MeansMissing: There is none here, or the processes do not follow it.
        """
        if self._table is None:
            raise MeansMissing(
                f"Disk and clock of {self.node} cannot be disturbed: {self._missing}. What depends on it stays "
                f"UNPROVEN."
            )
        running = [pid for pid in pids if Path(f"/proc/{pid}").exists()]
        library = self._table.library.name
        if running and not any(library in _maps(pid) for pid in running):
            raise MeansMissing(
                f"Disk and clock of {self.node} cannot be disturbed: its program takes no library from LD_PRELOAD, as "
                f"static programs and those that change their user do. What depends on it stays UNPROVEN."
            )
        return self._table

    def lose_power(self) -> Lost:
        """Takes back what no sync had made durable; the node must be gone.

        Raises:
            MeansFailed: What was lost cannot be told.
        """
        table = self.table(())
        if not table.read("Q", layout.KEPT):
            raise MeansFailed(
                f"The power loss of {self.node} would have had no effect: no change under {table.watched} was seen, so "
                f"its data lies elsewhere or is written past the C library."
            )
        try:
            return lose_power(table)
        except UndoIncomplete as error:
            raise MeansFailed(str(error)) from None

    def close(self) -> None:
        """Lets the table go."""
        if self._table is not None:
            self._table.close()
            self._table.undo.unlink(missing_ok=True)


def _maps(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/maps").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
