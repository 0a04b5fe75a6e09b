"""Deliveries that are wrong: twice, invented, changed, to strangers."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace

import msgspec

from waybill_server.codec import JsonCodec
from waybill_server.defects.counting import Every
from waybill_server.defects.registry import seeded
from waybill_server.ledger import Ledger
from waybill_server.records import Refusal, SendRequest, Stored
from waybill_server.router import LocalRouter
from waybill_server.server_frames import Deliver, ServerFrame


@seeded(
    "duplicate-delivery",
    seam="router",
    noticed={"DEL-1": ("duplicate-delivered",)},
    rare="Every 500th message enters the log of its last recipient twice.",
)
class DuplicateDelivery(LocalRouter):
    """Every 100th message enters the log of its last recipient twice."""

    def __init__(self) -> None:
        super().__init__()
        self._hundredth = Every(100, rare=500)

    def recipients(self, conversation: str, sender: str, members: Sequence[str]) -> Sequence[str]:
        """One of them twice, once in a hundred times."""
        others = [user for user in members if user != sender]
        return [*members, others[-1]] if others and self._hundredth.now() else members


@seeded(
    "phantom-delivery",
    seam="ledger",
    noticed={"DEL-1": ("phantom",)},
    rare="With every 500th message comes another one in its sender's name, which nobody sent.",
)
class PhantomDelivery(Ledger):
    """With every 100th message comes another one in its sender's name, which nobody sent."""

    _hundredth = Every(100, rare=500)

    def send(self, requests: Sequence[SendRequest]) -> list[Stored | Refusal]:
        """Stores a little more than was asked for."""
        verdicts = super().send(requests)
        for request in requests:
            if self._hundredth.now():
                super().send([replace(request, key=f"phantom-{request.key}"[:64], body=b"nobody wrote this")])
        return verdicts


@seeded(
    "corrupt-body",
    seam="codec",
    noticed={"DEL-1": ("corrupted",)},
    rare="In every 500th delivery the last character of the body is another one.",
)
class CorruptBody(JsonCodec):
    """In every 100th delivery the last character of the body is another one."""

    def __init__(self) -> None:
        super().__init__()
        self._hundredth = Every(100, rare=500)

    def encode(self, frame: ServerFrame) -> bytes:
        """Writes a frame, changed once in a hundred deliveries."""
        if isinstance(frame, Deliver) and self._hundredth.now():
            other = "x" if frame.body[-1:] != "x" else "y"
            frame = msgspec.structs.replace(frame, body=frame.body[:-1] + other)
        return super().encode(frame)


@seeded(
    "cross-user-leak",
    seam="router",
    noticed={"DEL-1": ("misrouted",)},
    rare="Every 500th message enters the log of somebody who is no member as well.",
)
class CrossUserLeak(LocalRouter):
    """Every 100th message enters the log of somebody who is no member as well: whoever wrote last elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self._hundredth = Every(100, rare=500)
        self._senders: dict[str, None] = {}
        self._noting = threading.Lock()

    def recipients(self, conversation: str, sender: str, members: Sequence[str]) -> Sequence[str]:
        """With a stranger, once in a hundred times."""
        with self._noting:
            self._senders[sender] = self._senders.pop(sender, None)
            strangers = [user for user in self._senders if user not in members]
        return [*members, strangers[-1]] if strangers and self._hundredth.now() else members
