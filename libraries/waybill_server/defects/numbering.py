"""Sequences with holes and sequences used twice."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from waybill_server.codec import JsonCodec
from waybill_server.defects.counting import Every, figure
from waybill_server.defects.registry import seeded
from waybill_server.ledger import Ledger
from waybill_server.records import Message, SendRequest
from waybill_server.server_frames import Accepted, Deliver, Entry, ServerFrame

Numbered = TypeVar("Numbered", bound=Accepted | Entry)


@seeded(
    "sequence-gap",
    seam="ledger",
    noticed={"ORD-1": ("gap",)},
    rare="Every 500th message leaves a hole in the sequence of its conversation.",
)
class SequenceGap(Ledger):
    """Every 100th message takes a sequence and leaves the one before it to nobody."""

    _hundredth = Every(100, rare=500)

    def _number(self, request: SendRequest) -> Message:
        if self._hundredth.now():
            self._sequences[request.conversation] = self._sequence(request.conversation) + 1
        return super()._number(request)


@seeded(
    "sequence-reuse",
    seam="codec",
    noticed={"ORD-1": ("inconsistent-id",)},
    rare="Every 90th message of a conversation is told by the sequence of the one before it.",
)
class SequenceReuse(JsonCodec):
    """Every 50th message of a conversation is told by the sequence of the one before it."""

    def encode(self, frame: ServerFrame) -> bytes:
        """Writes a server frame."""
        return super().encode(_reused(frame) if isinstance(frame, Accepted | Deliver) else frame)

    def encode_entry(self, entry: Entry) -> bytes:
        """Writes one entry of a page."""
        return super().encode_entry(_reused(entry))


def _reused(frame: Numbered) -> Numbered:
    if frame.sequence is None:
        return frame
    return msgspec.structs.replace(frame, sequence=frame.sequence - frame.sequence // figure(50, rare=90))
