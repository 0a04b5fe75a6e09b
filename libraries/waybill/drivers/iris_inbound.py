"""What the server says in wire v1, turned into calls of the observer."""

from __future__ import annotations

from collections import deque

from waybill.drivers import iris_frames as frames
from waybill.drivers.base import Delivery, Observer, Outcome, Presence, Receipt, Typing
from waybill.drivers.iris_link import Ping, RawMessage
from waybill.history.events import Completion


class Inbound:
    """Reports what the server says.

    A frame about prekeys, rosters or sender keys is passed over: the driver never asks for them.

    Attributes:
        pending: The numbers of the operations that have no outcome yet.
        last_error: The newest error that the server reported.
    """

    def __init__(self, observer: Observer, session: object, user: str) -> None:
        self.pending: set[int] = set()
        self.last_error = ""
        self._observer = observer
        self._session = session
        self._user = user
        self._asked: dict[str, deque[int]] = {}

    def asked(self, user: str, operation: int) -> None:
        """A user's presence is about to be asked for; answers name the user and come in the order of questions."""
        self._asked.setdefault(user, deque()).append(operation)

    def take(self, item: frames.Frame | RawMessage | Ping) -> None:
        """Reports one frame, or one message without a frame."""
        match item:
            case RawMessage():
                self._observer.delivered(Delivery("", bytes(item)))
            case frames.ReliableMessage():
                # Neither its sender nor its conversation is on the wire, nor whether it waited or is new.
                delivery = Delivery("", item.body, id=_text(item.id), receipt_handle=(self._session, item.id))
                self._observer.delivered(delivery)
            case frames.EncryptedDelivery():
                sender = _text(item.sender)
                conversation = conversation_of(self._user, sender)
                self._observer.delivered(Delivery(conversation, item.ciphertext, sender=sender))
            case frames.GroupMessage():
                self._observer.delivered(Delivery(f"group:{_text(item.group)}", item.ciphertext))
            case frames.Status():
                self._on_status(item)
            case frames.TypingNotice():
                sender = _text(item.sender)
                conversation = conversation_of(self._user, sender)
                self._observer.typed(Typing(conversation, sender, active=item.active != 0))
            case frames.ReadReceipt():
                reader = _text(item.reader)
                conversation = conversation_of(self._user, reader)
                self._observer.receipted(Receipt(conversation, reader, read=1, id=_text(item.id)))
            case frames.ErrorReported():
                self.last_error = _text(item.reason)
                self._observer.unmatched(-1, Outcome(Completion.INFO, "error", self.last_error))
            case frames.RateLimited():
                self.last_error = f"RATE_LIMITED, retry after {item.retry_after_ms} ms"
                seconds = item.retry_after_ms / 1000
                outcome = Outcome(Completion.INFO, "rate-limited", self.last_error, retry_after=seconds)
                self._observer.unmatched(-1, outcome)

    def _on_status(self, status: frames.Status) -> None:
        user = _text(status.user)
        last_seen = status.last_seen * 1000 if status.last_seen else -1
        presence = Presence(user, status.online != 0, last_seen)
        waiting = self._asked.get(user)
        if not waiting:
            self._observer.presence_changed(presence)
            return
        operation = waiting.popleft()
        if not waiting:
            del self._asked[user]
        self.pending.discard(operation)
        self._observer.completed(operation, Outcome(Completion.OK, values={"presence": presence}))


def conversation_of(one: str, other: str) -> str:
    """The name of the direct conversation of two accounts."""
    return "direct:" + ":".join(sorted((one, other)))


def _text(name: bytes) -> str:
    """A name as text; bytes that are none stay readable."""
    return name.decode("utf-8", "backslashreplace")
