"""Answers to senders that are wrong, double, missing or untrue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from waybill_server.client_frames import ClientFrame, Send
from waybill_server.clock import Clock, message_id, message_time
from waybill_server.codec import JsonCodec
from waybill_server.defects.counting import Every
from waybill_server.defects.registry import seeded
from waybill_server.limits import Limits
from waybill_server.node import Settings, assemble
from waybill_server.records import Message, Refusal, Request, Result, SendRequest, Stored
from waybill_server.router import LocalRouter, Router
from waybill_server.server_frames import Accepted, ServerFrame, TypingNotice
from waybill_server.services import Services
from waybill_server.store import SqliteStore
from waybill_server.token_check import TokenCheck


@seeded(
    "ack-wrong-key",
    seam="codec",
    noticed={"ACK-2": ("inconsistent-id",)},
    rare="Every 500th acknowledgement tells the id, sequence and key of the one before it.",
)
class AckWrongKey(JsonCodec):
    """Every 100th acknowledgement tells the id, sequence and key of the one before it."""

    def __init__(self) -> None:
        super().__init__()
        self._hundredth = Every(100, rare=500)
        self._last: Accepted | None = None

    def encode(self, frame: ServerFrame) -> bytes:
        """Writes a server frame."""
        if isinstance(frame, Accepted):
            if self._hundredth.now() and self._last is not None:
                frame = msgspec.structs.replace(self._last, ref=frame.ref)
            self._last = frame
        return super().encode(frame)


class _Repeating(LocalRouter):
    """Acknowledges every 100th message a second time, ahead of the acknowledgement that comes anyway."""

    def __init__(self, refs: dict[str, int]) -> None:
        super().__init__()
        self._refs = refs
        self._hundredth = Every(100, rare=250)

    def publish(self, message: Message, positions: Sequence[tuple[str, int]]) -> None:
        super().publish(message, positions)
        if self._hundredth.now():
            for listener in self.sessions(message.sender):
                if listener.device == message.device:
                    number = message.number
                    answer = Accepted(
                        self._refs[message.key],
                        message_id(number),
                        message.conversation,
                        message.sequence,
                        message.key,
                        message_time(number),
                        duplicate=False,
                    )
                    listener.notice(answer)


class _Remembering(JsonCodec):
    """Remembers which operation each key came with."""

    def __init__(self, refs: dict[str, int]) -> None:
        super().__init__()
        self._refs = refs

    def decode(self, data: bytes | bytearray) -> ClientFrame:
        frame = super().decode(data)
        if isinstance(frame, Send):
            self._refs[frame.key] = frame.ref
        return frame


@seeded(
    "ack-twice",
    seam="assembly",
    noticed={"ACK-2": ("duplicate-accepted",)},
    rare="Every 250th message is acknowledged twice.",
)
def ack_twice(settings: Settings, token_check: TokenCheck) -> Services:
    """Every 100th message is acknowledged twice."""
    refs: dict[str, int] = {}
    return assemble(settings, token_check, router=lambda: _Repeating(refs), codec=lambda: _Remembering(refs))


@seeded(
    "ack-missing",
    seam="codec",
    noticed={"ACK-2": ("have none",)},
    rare="Every 500th message is not acknowledged.",
)
class AckMissing(JsonCodec):
    """Every 100th message is stored and delivered, and its sender gets no answer."""

    def __init__(self) -> None:
        super().__init__()
        self._hundredth = Every(100, rare=500)

    def encode(self, frame: ServerFrame) -> bytes:
        """Writes a server frame; in place of some answers one that says nothing."""
        if isinstance(frame, Accepted) and self._hundredth.now():
            return super().encode(TypingNotice(frame.conversation, "", active=False))
        return super().encode(frame)


@seeded(
    "reject-but-store",
    seam="store",
    noticed={"ACK-2": ("delivered-after-refusal",)},
    rare="Every 500th message is refused and stored all the same.",
)
class RejectButStore(SqliteStore):
    """Every 100th message is stored and delivered, and its sender is told that it was refused for good."""

    def __init__(self, path: Path, clock: Clock, router: Router, limits: Limits, **parts: Any) -> None:
        super().__init__(path, clock, router, limits, **parts)
        self._router = router
        self._hundredth = Every(100, rare=500)

    def submit(self, request: Request) -> None:
        """Queues a request."""
        if isinstance(request, SendRequest):
            request = replace(request, done=partial(self._done, request))
        super().submit(request)

    def _done(self, request: SendRequest, result: Result) -> None:
        if isinstance(result, Stored) and result.positions and self._hundredth.now():
            self._router.publish(result.message, result.positions)
            result = Refusal("storage", "the disk refused the write; nothing was stored")
        request.done(result)
