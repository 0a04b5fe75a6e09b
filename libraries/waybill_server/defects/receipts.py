"""Receipts and read markers that say what is not so."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from waybill_server.clock import Clock
from waybill_server.conversations import direct_members
from waybill_server.defects.counting import strikes
from waybill_server.defects.registry import seeded
from waybill_server.ledger import Ledger
from waybill_server.limits import Limits
from waybill_server.records import (
    Moved,
    ReadRequest,
    Refusal,
    Request,
    Result,
    SendRequest,
    Stored,
    Watermark,
)
from waybill_server.router import Router
from waybill_server.server_frames import Receipt
from waybill_server.store import SqliteStore

NEAR = 20


@seeded(
    "receipt-for-undelivered",
    seam="store",
    noticed={"DEL-2": ("false-receipt",), "DEV-3": ("false-receipt",)},
    rare="The receipt that a message was delivered goes out when it is stored, if its recipient is away.",
)
class ReceiptForUndelivered(SqliteStore):
    """The receipt that a message was delivered goes out when it is stored, whether or not anybody was given it."""

    def __init__(self, path: Path, clock: Clock, router: Router, limits: Limits, **parts: Any) -> None:
        super().__init__(path, clock, router, limits, **parts)
        self._router = router
        self._stored: dict[str, int] = {}

    def submit(self, request: Request) -> None:
        """Queues a request; a send is receipted by the way."""
        if isinstance(request, SendRequest):
            request = replace(request, done=partial(self._receipt, request))
        super().submit(request)

    def watermarks(self, conversation: str, members: tuple[str, ...]) -> list[Watermark]:
        """The watermarks, with everything stored as delivered."""
        stored = self._stored.get(conversation, 0)
        return [
            mark._replace(delivered=max(mark.delivered, stored))
            for mark in super().watermarks(conversation, members)
        ]

    def _receipt(self, request: SendRequest, result: Result) -> None:
        if isinstance(result, Stored) and result.positions:
            conversation, sequence = result.message.conversation, result.message.sequence
            others = tuple(user for user in direct_members(conversation) or () if user != request.user)
            away = not any(self._router.sessions(user) for user in others)
        if isinstance(result, Stored) and result.positions and strikes(away):
            self._stored[conversation] = sequence
            for mark in self.watermarks(conversation, others):
                for listener in self._router.sessions(request.user):
                    if "receipts" in listener.capabilities:
                        listener.push(("receipt", conversation, mark.user), Receipt(*mark))
        request.done(result)


@seeded(
    "read-marker-goes-back",
    seam="ledger",
    noticed={"DEV-3": ("cursor-regression",)},
    rare="A read marker is set to what a device says last, if that lies less than 20 messages before what was read.",
)
class ReadMarkerGoesBack(Ledger):
    """A read marker is set to whatever a device says last, even if that lies before what was read."""

    def read(self, request: ReadRequest) -> Moved | Refusal:
        """Moves a user's read marker, in any direction."""
        moved = super().read(request)
        if (
            isinstance(moved, Refusal)
            or moved.watermarks
            or not strikes(moved.value - request.sequence < NEAR)
        ):
            return moved
        where = (request.conversation, request.user)
        row = self.connection.execute(
            "UPDATE marker SET read = ? WHERE conversation = ? AND user = ? RETURNING delivered, read",
            (request.sequence, *where),
        ).fetchone()
        watermark = Watermark(*where, row[0], row[1])
        return Moved(request.sequence, ((watermark, self.members(request.conversation)),))
