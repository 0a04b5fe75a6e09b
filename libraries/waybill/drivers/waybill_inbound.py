"""What the server says in wire v2, turned into calls of the observer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from websocket import ABNF, WebSocketException
from websocket._abnf import continuous_frame, frame_buffer

from waybill.drivers import waybill_frames as frames
from waybill.drivers.base import Delivery, Membership, Observer, Outcome, Presence, Receipt, Typing
from waybill.drivers.byte_stream import Broken, ByteStream
from waybill.history.events import Completion, Mode


class FrameReader:
    """Reads WebSocket messages with websocket-client's own parser."""

    def __init__(self, stream: ByteStream) -> None:
        # The JSON decoder validates the text, so the WebSocket layer need not.
        self._frames = frame_buffer(stream.recv, skip_utf8_validation=True)
        self._whole = continuous_frame(fire_cont_frame=False, skip_utf8_validation=True)

    def read(self) -> tuple[int, bytes]:
        """The next message or control frame, as its opcode and payload.

        Raises:
            Broken: The stream ended, or the server broke the WebSocket protocol.
        """
        try:
            while True:
                frame = self._frames.recv_frame()
                if frame.opcode >= ABNF.OPCODE_CLOSE:
                    return frame.opcode, cast(bytes, frame.data)
                self._whole.validate(frame)
                if frame.fin and self._whole.cont_data is None:
                    return frame.opcode, cast(bytes, frame.data)
                self._whole.add(frame)
                if frame.fin:
                    opcode, whole = self._whole.extract(frame)
                    return opcode, cast(bytes, whole.data)
        except WebSocketException as error:
            raise Broken(f"malformed WebSocket frame: {error}", code="malformed") from None


class Inbound:
    """Reports what the server says.

    Attributes:
        pending: The numbers of the operations that wait for an answer.
        closing: Why the server is about to close, once it said so.

    Args:
        observer: Who is told.
        head: The last position of the log at login.
        early: The session is of version 2.
    """

    def __init__(self, observer: Observer, head: int, *, early: bool = False) -> None:
        self.pending: set[int] = set()
        self.closing: frames.Closing | None = None
        self._observer = observer
        self._head = head
        self._early = early
        self._handlers: dict[type, Callable[[Any], None]] = {
            frames.Accepted: self._on_accepted,
            frames.EarlyAccepted: self._on_early_accepted,
            frames.Refused: self._on_refused,
            frames.Deliver: self._on_deliver,
            frames.Acked: self._on_acked,
            frames.PageRead: self._on_page,
            frames.EarlyPageRead: self._on_early_page,
            frames.Marked: self._on_marked,
            frames.ReceiptPush: self._on_receipt,
            frames.MarkersRead: self._on_markers,
            frames.PresenceState: self._on_presence,
            frames.Watching: self._on_watching,
            frames.TypingPush: self._on_typing,
            frames.Group: self._on_group,
            frames.Blocked: self._on_blocked,
            frames.Closing: self._on_closing,
        }

    def take(self, payload: bytes) -> str:
        """Reports one message of the server; returns what is wrong with it, if anything."""
        try:
            frame = frames.decode(payload, early=self._early)
            handler = self._handlers[type(frame)]
        except (frames.Malformed, KeyError) as error:
            shown = payload[:80].decode("utf-8", "backslashreplace")
            return f"malformed frame from the server: {error} in {shown!r}"
        handler(frame)
        return ""

    def _complete(self, operation: int, outcome: Outcome) -> None:
        pending = self.pending
        if operation in pending:
            pending.remove(operation)
            self._observer.completed(operation, outcome)
        else:
            self._observer.unmatched(operation, outcome)

    def _on_accepted(self, frame: frames.Accepted) -> None:
        outcome = Outcome(
            Completion.OK,
            "",
            "",
            frame.id or "",
            -1 if frame.sequence is None else frame.sequence,
            frame.key,
            frame.conversation,
            -1,
            frame.duplicate,
        )
        self._complete(frame.ref, outcome)

    def _on_early_accepted(self, frame: frames.EarlyAccepted) -> None:
        outcome = Outcome(
            Completion.OK,
            id=frame.id or "",
            sequence=-1 if frame.sequence is None else frame.sequence,
            key=frame.key,
            conversation=frame.conversation,
        )
        self._complete(frame.ref, outcome)

    def _on_refused(self, frame: frames.Refused) -> None:
        outcome = Outcome(Completion.FAIL if frame.definite else Completion.INFO, frame.code, frame.text)
        if frame.retry_after is not None:
            outcome.retry_after = frame.retry_after / 1000
        self._complete(frame.ref, outcome)

    def _on_deliver(self, frame: frames.Deliver) -> None:
        mode = Mode.BACKLOG if frame.cursor <= self._head else Mode.LIVE
        self._observer.delivered(_delivery(frame, mode, -1))

    def _on_acked(self, frame: frames.Acked) -> None:
        self._complete(frame.ref, Outcome(Completion.OK, cursor=frame.cursor))

    def _on_page(self, frame: frames.PageRead) -> None:
        for entry in frame.entries:
            self._observer.delivered(_delivery(entry, Mode.PAGE, frame.ref))
        self._complete(frame.ref, Outcome(Completion.OK, cursor=frame.cursor, complete=frame.complete))

    def _on_early_page(self, frame: frames.EarlyPageRead) -> None:
        self._on_page(frames.PageRead(frame.ref, frame.entries, frame.cursor, complete=not frame.entries))

    def _on_marked(self, frame: frames.Marked) -> None:
        self._complete(
            frame.ref, Outcome(Completion.OK, sequence=frame.sequence, conversation=frame.conversation)
        )

    def _on_receipt(self, frame: frames.ReceiptPush) -> None:
        self._observer.receipted(Receipt(frame.conversation, frame.user, frame.delivered, frame.read))

    def _on_markers(self, frame: frames.MarkersRead) -> None:
        receipts = [Receipt(frame.conversation, one.user, one.delivered, one.read) for one in frame.users]
        values: dict[str, object] = {"receipts": receipts}
        self._complete(frame.ref, Outcome(Completion.OK, conversation=frame.conversation, values=values))

    def _on_presence(self, frame: frames.PresenceState) -> None:
        presence = Presence(frame.user, frame.online, -1 if frame.last_seen is None else frame.last_seen)
        if frame.ref is None:
            self._observer.presence_changed(presence)
        else:
            self._complete(frame.ref, Outcome(Completion.OK, values={"presence": presence}))

    def _on_watching(self, frame: frames.Watching) -> None:
        self._complete(frame.ref, Outcome(Completion.OK))

    def _on_typing(self, frame: frames.TypingPush) -> None:
        self._observer.typed(Typing(frame.conversation, frame.user, frame.active))

    def _on_group(self, frame: frames.Group) -> None:
        membership = Membership(frame.conversation, frame.name, tuple(frame.members))
        if frame.ref is None:
            self._observer.membership_changed(membership)
        else:
            values: dict[str, object] = {"membership": membership}
            self._complete(frame.ref, Outcome(Completion.OK, conversation=frame.conversation, values=values))

    def _on_blocked(self, frame: frames.Blocked) -> None:
        self._complete(frame.ref, Outcome(Completion.OK, values={"users": frame.users}))

    def _on_closing(self, frame: frames.Closing) -> None:
        self.closing = frame


def _delivery(entry: frames.Entry, mode: Mode, read: int) -> Delivery:
    return Delivery(
        entry.conversation, entry.body.encode(), entry.sender, entry.key, entry.id, entry.sequence,
        entry.cursor, mode, read, entry.time,
    )  # fmt: skip
