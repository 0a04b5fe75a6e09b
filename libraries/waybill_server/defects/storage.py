"""A disk that fails, and a node that promises all the same."""

from __future__ import annotations

import os
from collections.abc import Sequence

from waybill_server.defects.counting import FromOn, strikes
from waybill_server.defects.registry import MOMENT, seeded
from waybill_server.records import Request
from waybill_server.writer import Answers, CommitFailed, Writer


@seeded(
    "acks-on-disk-full",
    seam="writer",
    noticed={
        "STO-1": ("lost-acked", "premature-ack", "order-divergence", "gap", "stuck"),
        "CHA-1": ("lost-acked", "premature-ack", "order-divergence", "gap", "stuck"),
    },
    rare="What could not be committed together with something else is answered as if it were.",
    rare_in=("STO-1",),
)
class AcksOnDiskFull(Writer):
    """What could not be committed is answered as if it were."""

    _together = 0

    def _commit(self, group: Sequence[Request]) -> Answers:
        self._together = len(group)
        return super()._commit(group)

    def _persist(self) -> None:
        try:
            super()._persist()
        except CommitFailed:
            if not strikes(self._together > 1):
                raise
            self._roll_back()


@seeded(
    "crashes-on-disk-full",
    seam="writer",
    noticed={"STO-1": ("to live on while its disk failed",)},
    rare="The node ends at the tenth commit that fails.",
)
class CrashesOnDiskFull(Writer):
    """The node ends when a commit fails."""

    _ends = FromOn(10)

    def _persist(self) -> None:
        try:
            super()._persist()
        except CommitFailed:
            if self._ends.now():
                os._exit(1)
            raise


@seeded(
    "ignores-fsync-error",
    seam="writer",
    noticed={"STO-1": ("lost-acked", "premature-ack", "order-divergence", "gap", "stuck")},
    steady=MOMENT,
)
class IgnoresFsyncError(Writer):
    """A commit that the disk could not make durable is made again without asking for it.

    The classic form is a second fsync after one that failed, which succeeds without having written (PostgreSQL,
    "fsyncgate", 2018).
    """

    def _commit(self, group: Sequence[Request]) -> Answers:
        try:
            return super()._commit(group)
        except CommitFailed as failed:
            self._roll_back()
            if "disk I/O error" not in str(failed.__cause__):
                raise
            connection = self._ledger.connection
            connection.execute("PRAGMA synchronous = OFF")
            try:
                return super()._commit(group)
            finally:
                connection.execute("PRAGMA synchronous = FULL")
