"""What each frame of a v1 client does."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from waybill_server.limits import OPEN_OPERATIONS
from waybill_server.operations import tell_receipts
from waybill_server.records import AckRequest, Moved, Refusal, Result, SendRequest, Stored
from waybill_server.refusing import Refuse, check_name
from waybill_server.server_frames import TypingNotice
from waybill_server.v1 import frames

if TYPE_CHECKING:
    from waybill_server.v1.session import V1Session

KEY_BYTES = 16
"""Wire v1 has no idempotency key, and the store needs one: every send gets a key that nobody will use again."""


def send(session: V1Session, frame: frames.Send | frames.SendSequenced | frames.CborMessage) -> None:
    """Stores a message and tells the open sessions of both users; the sender is told only of a refusal."""
    _store(session, _user(session, frame.target), frame.body)


def send_batch(session: V1Session, frame: frames.BatchSend) -> None:
    """Stores the messages of a batch, each for itself. One frame must not keep the store from everybody else."""
    target = _user(session, frame.target)
    bodies = frames.bodies_of(frame.bodies, OPEN_OPERATIONS)
    if len(bodies) > OPEN_OPERATIONS:
        raise Refuse("too-large", f"a batch has at most {OPEN_OPERATIONS} messages")
    for body in bodies:
        _store(session, target, body)


def send_encrypted(session: V1Session, frame: frames.EncryptedMessage) -> None:
    """Stores a message that only its recipient can read, as it will be delivered."""
    recipient = _user(session, frame.recipient)
    _store(session, recipient, frames.encrypted(session.user, frame.header, frame.ciphertext))


def ack(session: V1Session, frame: frames.Ack) -> None:
    """Moves the device's cursor over what it holds without a gap; receipts go out to v2 clients."""
    cursor = session.given.acknowledge(frame.id)
    if cursor is None:
        return

    def done(result: Result) -> None:
        if isinstance(result, Moved):
            session.acknowledged(result.value)
            tell_receipts(session, session.services, result)
        elif isinstance(result, Refusal):
            session.refuse(result)
        session.answered()

    session.submit(AckRequest(done, session.user, session.device, cursor))


def get_status(session: V1Session, frame: frames.GetStatus) -> None:
    """Answers with a user's presence."""
    user = _user(session, frame.target)
    presence = session.services.presence.of(user, None, session.user)
    session.answer(frames.status(user, online=presence.online, last_seen=(presence.last_seen or 0) // 1000))


def typing(session: V1Session, frame: frames.TypingStart | frames.TypingStop) -> None:
    """Passes a typing notice on, to v1 and v2 clients alike."""
    user = _user(session, frame.target)
    if not _may_notice(session, user):
        return
    notice = TypingNotice(_direct(session.user, user), session.user, isinstance(frame, frames.TypingStart))
    for other in session.services.router.sessions(user):
        if other is not session and "typing" in other.capabilities:
            other.notice(notice)
    session.services.router.elsewhere(user, notice)


def read_receipt(session: V1Session, frame: frames.ReadReceipt) -> None:
    """Passes a read receipt on to the original sender's v1 clients; it is not stored."""
    sender = _user(session, frame.sender)
    if not _may_notice(session, sender):
        return
    told = frames.read_receipt(frame.id, session.user, session.services.clock.wall_ms())
    for other in session.services.router.sessions(sender):
        if other is not session and isinstance(other, type(session)) and other.writable():
            other.answer(told)


def no_prekeys(session: V1Session, frame: object) -> None:
    """This server keeps no prekeys; wire v1 says so with an empty answer."""
    session.answer(frames.no_prekeys())


def no_groups(session: V1Session, frame: object) -> None:
    """Groups exist on wire v2 only."""
    raise Refuse("not-supported", "this server has groups on wire v2 only")


def _store(session: V1Session, target: str, body: bytes) -> None:
    most = session.services.limits.body
    if len(body) > most:
        raise Refuse("too-large", f"the body has {len(body)} bytes, at most {most}")

    def done(result: Result) -> None:
        if isinstance(result, Stored):
            session.services.router.publish(result.message, result.positions)
        elif isinstance(result, Refusal):
            session.refuse(result)
        session.answered()

    conversation = _direct(session.user, target)
    key = secrets.token_hex(KEY_BYTES)
    session.submit(SendRequest(done, session.user, session.device, conversation, key, body))


def _may_notice(session: V1Session, other: str) -> bool:
    """Whether typing notices and read receipts pass between the caller and another user."""
    permissions = session.services.store.permissions
    return permissions.notices_pass((session.user, other)) and permissions.may_write(session.user, other)


def _user(session: V1Session, name: bytes) -> str:
    """A user's name."""
    user = name.decode("utf-8", "replace")
    check_name(session, user)
    return user


def _direct(one: str, other: str) -> str:
    first, second = sorted((one, other))
    return f"d:{first}:{second}"


OPERATIONS: dict[type, Callable[[V1Session, Any], None]] = {
    frames.Send: send,
    frames.Ack: ack,
    frames.BatchSend: send_batch,
    frames.GetStatus: get_status,
    frames.SendSequenced: send,
    frames.CborMessage: send,
    frames.UploadPrekeys: no_prekeys,
    frames.FetchPrekeys: no_prekeys,
    frames.EncryptedMessage: send_encrypted,
    frames.GroupCreate: no_groups,
    frames.GroupLeave: no_groups,
    frames.GroupMessage: no_groups,
    frames.GroupRoster: no_groups,
    frames.SenderKeys: no_groups,
    frames.TypingStart: typing,
    frames.TypingStop: typing,
    frames.ReadReceipt: read_receipt,
}
"""The operation behind each client frame."""
