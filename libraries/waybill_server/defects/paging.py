"""Reading on from a cursor: pages that do not meet, cursors that do not stay."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from waybill_server.codec import JsonCodec
from waybill_server.defects.counting import Every, strikes
from waybill_server.defects.registry import seeded
from waybill_server.ledger import Ledger
from waybill_server.records import AckRequest, Moved, Refusal
from waybill_server.server_frames import Page, ServerFrame

STEP = 64


@seeded(
    "page-boundary-skip",
    seam="codec",
    noticed={"DEV-2": ("lost-acked", "stale-read")},
    rare="Every fifth page that is not the last one lacks its last entry.",
)
class PageBoundarySkip(JsonCodec):
    """A page that is not the last one lacks its last entry, and the next page begins after it."""

    _short = Every(1, rare=5)

    def encode(self, frame: ServerFrame) -> bytes:
        """Writes a server frame."""
        if isinstance(frame, Page) and not frame.complete and self._short.now():
            frame = msgspec.structs.replace(frame, entries=frame.entries[:-1])
        return super().encode(frame)


@seeded(
    "page-boundary-duplicate",
    seam="codec",
    noticed={"DEV-2": ("duplicate-delivered",)},
    rare="Every fifth page that is not the last one is told to end before its last entry.",
)
class PageBoundaryDuplicate(JsonCodec):
    """A page that is not the last one is told to end before its last entry, so the next page begins with that again."""

    _short = Every(1, rare=5)

    def encode(self, frame: ServerFrame) -> bytes:
        """Writes a server frame."""
        if isinstance(frame, Page) and not frame.complete and len(frame.entries) > 1 and self._short.now():
            frame = msgspec.structs.replace(frame, cursor=frame.cursor - 1)
        return super().encode(frame)


@seeded(
    "pages-out-of-order",
    seam="codec",
    noticed={"DEV-1": ("device-divergence",)},
    rare="Every seventh page shows its first two entries the wrong way round.",
)
class PagesOutOfOrder(JsonCodec):
    """Every third page shows its first two entries the wrong way round: which device gets it is chance."""

    _third = Every(3, rare=7)

    def encode(self, frame: ServerFrame) -> bytes:
        """Writes a server frame."""
        if isinstance(frame, Page) and len(frame.entries) > 1 and self._third.now():
            first, second, *others = frame.entries
            frame = msgspec.structs.replace(frame, entries=[second, first, *others])
        return super().encode(frame)


@seeded(
    "cursor-goes-back",
    seam="ledger",
    noticed={"DEV-2": ("cursor-regression",)},
    rare="A cursor is stored too low if another device of the user got there first.",
)
class CursorGoesBack(Ledger):
    """Cursors are stored too low, in steps of 64: whoever comes back finds an older one than was confirmed."""

    def acknowledge(self, request: AckRequest) -> Moved | Refusal:
        """Confirms the cursor and stores a lower one."""
        query = "SELECT MAX(cursor) FROM device WHERE user = ? AND device <> ?"
        others = self.connection.execute(query, (request.user, request.device)).fetchone()[0] or 0
        if not strikes(request.cursor <= others):
            return super().acknowledge(request)
        moved = super().acknowledge(replace(request, cursor=max(0, request.cursor - 1) // STEP * STEP))
        return moved._replace(value=request.cursor) if isinstance(moved, Moved) else moved
