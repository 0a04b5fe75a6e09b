"""Nodes whose copies of what another node numbers are not what that node has."""

from __future__ import annotations

from waybill_server.cluster.ledger import ClusterLedger
from waybill_server.cluster.records import Entered
from waybill_server.cluster.store import ClusterStore
from waybill_server.defects.registry import seeded
from waybill_server.records import LogEntry, Message

CAP = 1_000


@seeded(
    "copy-delivers-newest-first",
    seam="cluster store",
    noticed={"ORD-2": ("reordered", "order-divergence")},
)
class CopyDeliversNewestFirst(ClusterStore):
    """What waits for a device at a node that does not number its log is delivered from the newest to the oldest of each
    stretch."""

    def entries(self, user: str, after: int, upto: int, *, without: str | None = None) -> list[LogEntry]:
        """A stretch of a user's log; turned round for deliveries from a copy, not for pages."""
        entries = super().entries(user, after, upto, without=without)
        return entries if without is None or self.homes.user(user) == self.homes.own else entries[::-1]


@seeded("cursor-shared-between-nodes", seam="cluster ledger", noticed={"DEV-1": ("stuck",)})
class CursorSharedBetweenNodes(ClusterLedger):
    """What a device acknowledges at one node counts at the others for all devices of its user."""

    def raise_cursor(self, user: str, device: str, cursor: int) -> None:
        """Notes how far a device acknowledged elsewhere, for every device."""
        super().raise_cursor(user, device, cursor)
        self.connection.execute("UPDATE device SET cursor = MAX(cursor, ?) WHERE user = ?", (cursor, user))


@seeded("copy-of-log-capped", seam="cluster ledger", noticed={"DEV-2": ("gap", "lost-acked")})
class CopyOfLogCapped(ClusterLedger):
    """Of a log that another node numbers a node keeps the last 1,000 entries."""

    def enter_copy(self, entered: Entered) -> Message:
        """Notes a place of the log, and drops the oldest."""
        message = super().enter_copy(entered)
        self.connection.execute(
            "DELETE FROM log WHERE user = ? AND position <= ?", (entered.user, entered.position - CAP)
        )
        return message
