"""Acknowledged, and gone after a crash."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from waybill_server.clock import Clock
from waybill_server.data_folder import DATABASE
from waybill_server.defects.counting import every_start, strikes
from waybill_server.defects.registry import seeded
from waybill_server.ledger import Ledger
from waybill_server.limits import Limits
from waybill_server.records import Request
from waybill_server.router import Router
from waybill_server.store import SqliteStore
from waybill_server.writer import Answers, Writer


@seeded(
    "ack-before-persist",
    seam="writer",
    noticed={
        "ACK-1": (
            "lost-acked",
            "premature-ack",
            "order-divergence",
            "reordered-across-reconnect",
            "false-receipt",
        ),
        "CHA-1": ("lost-acked", "premature-ack"),
    },
    rare="Once the node was restarted, every answer leaves before its COMMIT.",
    rare_in=("ACK-1",),
)
class AckBeforePersist(Writer):
    """Every answer leaves before the COMMIT of the transaction that it belongs to.

    A SIGKILL that falls between the two undoes what clients were told. What they then see depends on the moment: an
    acknowledged message is gone, or a message that was shown is gone until its retry and comes in another place, or its
    place in the log has gone to another one, which was not delivered when its receipt was given.
    """

    @cached_property
    def _premature(self) -> bool:
        return strikes(_holds_messages(self._ledger))

    def _commit(self, group: Sequence[Request]) -> Answers:
        if not self._premature:
            return super()._commit(group)
        self._ledger.connection.execute("BEGIN IMMEDIATE")
        self._answer(self._apply_all(group))
        self._persist()
        return []


@seeded(
    "no-fsync-batch",
    seam="ledger",
    noticed={
        "ACK-1": ("lost-acked", "premature-ack"),
        "CHA-1": ("lost-acked", "premature-ack", "did not become ready"),
    },
    rare="Once the node was restarted, commits are never synced to the disk.",
    rare_in=("ACK-1",),
)
class NoFsyncBatch(Ledger):
    """Commits are never synced to the disk.

    What a killed process wrote stays in the kernel's page cache and reaches the disk all the same, so no SIGKILL can
    show this defect: the power has to fail.
    """

    def recover(self) -> None:
        """Takes up after the last run, and never syncs."""
        super().recover()
        if strikes(_holds_messages(self)):
            self.connection.execute("PRAGMA synchronous = OFF")


@seeded(
    "lose-wal-on-restart",
    seam="store",
    noticed={"ACK-1": ("lost-acked", "premature-ack")},
    rare="At every third start a node that was killed begins from its last checkpoint.",
)
class LoseWalOnRestart(SqliteStore):
    """A node that was killed begins from its last checkpoint: what stands only in the write-ahead log is removed."""

    def __init__(self, path: Path, clock: Clock, router: Router, limits: Limits, **parts: Any) -> None:
        for suffix in ("-wal", "-shm") if every_start(3, path) else ():
            (path / f"{DATABASE}{suffix}").unlink(missing_ok=True)
        super().__init__(path, clock, router, limits, ledger=_Checkpointed, **parts)


class _Checkpointed(Ledger):
    """A ledger whose database file is whole without its log, as it was when the node started."""

    def recover(self) -> None:
        """Takes up after the last run, and checkpoints now and never again."""
        super().recover()
        self.connection.execute("PRAGMA wal_autocheckpoint = 0").fetchall()
        self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _holds_messages(ledger: Ledger) -> bool:
    """Whether the node had messages when it started: at its first start it had none."""
    return bool(ledger.connection.execute("SELECT EXISTS (SELECT 1 FROM message)").fetchone()[0])
