"""What each client frame does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from waybill_server.block_operations import ask_blocks, block, unblock
from waybill_server.client_frames import (
    Ack,
    AskBlocks,
    AskMarkers,
    AskPresence,
    AskStatus,
    Block,
    GroupAdd,
    GroupCreate,
    GroupInfo,
    GroupLeave,
    GroupRemove,
    Read,
    Send,
    Sync,
    Typing,
    Unblock,
    Watch,
)
from waybill_server.clock import message_id, message_time
from waybill_server.conversations import is_group
from waybill_server.group_operations import group_add, group_create, group_info, group_leave, group_remove
from waybill_server.limits import WATCHED_USERS
from waybill_server.records import (
    AckRequest,
    Message,
    Moved,
    Queued,
    ReadRequest,
    Result,
    SendRequest,
    Stored,
    text_of,
)
from waybill_server.refusing import Refuse, check_conversation, check_name, members_of, refused
from waybill_server.router import Listener
from waybill_server.server_frames import (
    Accepted,
    Acked,
    Entry,
    Marked,
    Marker,
    Markers,
    Page,
    Receipt,
    Status,
    TypingNotice,
    Watching,
)

if TYPE_CHECKING:
    from waybill_server.services import Services
    from waybill_server.session import Session

PAGE_OVERHEAD = 128
"""Bytes of a page around its entries, at most."""


def send(session: Session, frame: Send) -> None:
    """Stores a message, answers the sender, tells the open sessions of the members."""
    limits = session.services.limits
    check_conversation(session, frame.conversation)
    if not frame.key:
        raise Refuse("malformed", "the idempotency key is empty")
    if len(frame.key) > limits.key:
        raise Refuse(
            "key-too-long",
            f"the idempotency key has {len(frame.key)} characters, at most {limits.key}",
        )
    body = frame.body.encode()
    if len(body) > limits.body:
        raise Refuse("too-large", f"the body has {len(body)} bytes, at most {limits.body}")

    def done(result: Result) -> None:
        if isinstance(result, Stored):
            message = result.message
            if result.positions:
                session.services.router.publish(message, result.positions)
            number = message.number
            if result.expires:
                session.services.expiry.await_end(number)
            session.answer(
                Accepted(
                    frame.ref,
                    message_id(number),
                    message.conversation,
                    message.sequence,
                    message.key,
                    message_time(number),
                    result.duplicate,
                )
            )
        elif isinstance(result, Queued):
            conversation, key, time, duplicate = result
            session.answer(Accepted(frame.ref, None, conversation, None, key, time, duplicate, queued=True))
        else:
            refused(session, frame.ref, result)
        session.answered()

    session.submit(
        SendRequest(done, session.user, session.device, frame.conversation, frame.key, body, frame.ttl)
    )


def ack(session: Session, frame: Ack) -> None:
    """Stores the device's cursor; the feeder goes on, receipts go out."""

    def done(result: Result) -> None:
        if isinstance(result, Moved):
            session.acknowledged(result.value)
            session.answer(Acked(frame.ref, result.value))
            tell_receipts(session, session.services, result)
        else:
            refused(session, frame.ref, result)
        session.answered()

    session.submit(AckRequest(done, session.user, session.device, frame.cursor))


def read(session: Session, frame: Read) -> None:
    """Moves the user's read marker."""
    check_conversation(session, frame.conversation)

    def done(result: Result) -> None:
        if isinstance(result, Moved):
            session.answer(Marked(frame.ref, frame.conversation, result.value))
            tell_receipts(session, session.services, result)
        else:
            refused(session, frame.ref, result)
        session.answered()

    session.submit(ReadRequest(done, session.user, frame.conversation, frame.sequence))


def sync(session: Session, frame: Sync) -> None:
    """Answers with a page of the log."""
    services = session.services
    limit = min(frame.limit, services.limits.page)
    room = services.limits.frame - PAGE_OVERHEAD
    entries: list[msgspec.Raw] = []
    after = frame.after
    head = services.store.head(session.user)
    stretch = 64
    while after < head and len(entries) < limit and room > 0:
        upto = min(after + min(stretch, limit - len(entries)), head)
        for position, message in services.store.entries(session.user, after, upto):
            encoded = session.codec.encode_entry(_entry(position, message))
            room -= len(encoded) + 1
            if room < 0 and entries:
                break
            entries.append(msgspec.Raw(encoded))
            after = position
        else:
            # Whatever stands there: the whole stretch is read, and what is over leaves its place empty.
            after = upto
    session.answer(Page(frame.ref, entries, after, complete=after >= head))


def markers(session: Session, frame: AskMarkers) -> None:
    """Answers with all members' watermarks; in a direct conversation without those of whoever blocks the caller."""
    permissions = session.services.store.permissions
    members = tuple(
        member
        for member in members_of(session, frame.conversation)
        if is_group(frame.conversation) or permissions.sees(session.user, member)
    )
    stored = session.services.store.watermarks(frame.conversation, members)
    users = [Marker(each.user, each.delivered, each.read) for each in stored]
    session.answer(Markers(frame.ref, frame.conversation, users))


def presence(session: Session, frame: AskPresence) -> None:
    """Answers with a user's presence."""
    check_name(session, frame.user)
    session.answer(session.services.presence.of(frame.user, frame.ref, session.user))


def status(session: Session, frame: AskStatus) -> None:
    """Answers with what became of a message that the caller sent."""
    found = session.services.store.status(session.user, frame.key)
    if found is None:
        raise Refuse("no-such-message", f"{session.user} sent no message under the key {frame.key!r}")
    message = found.message
    session.answer(
        Status(
            frame.ref,
            message_id(message.number),
            message.conversation,
            message.sequence,
            message.key,
            found.expires,
            found.expired,
        )
    )


def watch(session: Session, frame: Watch) -> None:
    """Replaces the session's watch list."""
    if "presence" not in session.capabilities:
        raise Refuse("not-negotiated", "watch needs the capability 'presence' in hello")
    users = list(dict.fromkeys(frame.users))
    if len(users) > WATCHED_USERS:
        raise Refuse("too-many-watched", f"{len(users)} users, at most {WATCHED_USERS} are watched")
    for user in users:
        check_name(session, user)
    session.services.presence.watch(session, users)
    session.answer(Watching(frame.ref, users))


def typing(session: Session, frame: Typing) -> None:
    """Passes a typing notice on to the other members who are there."""
    members = members_of(session, frame.conversation)
    if not is_group(frame.conversation) and not _may_type(session, members):
        return
    notice = TypingNotice(frame.conversation, session.user, frame.active)
    for user in members:
        if user != session.user:
            for other in session.services.router.sessions(user):
                if "typing" in other.capabilities:
                    other.notice(notice)
            session.services.router.elsewhere(user, notice)


def _may_type(session: Session, members: Sequence[str]) -> bool:
    """Whether a typing notice may reach the other side of a direct conversation: as a message might, and only where
    nobody blocks the other."""
    permissions = session.services.store.permissions
    return permissions.notices_pass(members) and all(
        permissions.may_write(session.user, member) for member in members
    )


def begin_bye(session: Session) -> None:
    """Ends the session once what it handed over is answered."""
    session.ending = True
    if not session.open_operations:
        session.close("bye", "goodbye")


def tell_receipts(session: Listener | None, services: Services, moved: Moved) -> None:
    """Tells the members' other sessions of the watermarks that a session moved; where one side of a direct conversation
    blocks the other, only the user's own."""
    router, permissions = services.router, services.store.permissions
    for (conversation, user, delivered, upto), members in moved.watermarks:
        receipt = Receipt(conversation, user, delivered, upto)
        passes = is_group(conversation) or permissions.notices_pass(members)
        for member in members if passes else (user,):
            for other in router.sessions(member):
                if other is not session and "receipts" in other.capabilities:
                    other.push(("receipt", conversation, user), receipt)


def _entry(position: int, message: Message) -> Entry:
    number, conversation, sequence, sender, device, key, body = message
    return Entry(
        position,
        message_id(number),
        conversation,
        sequence,
        sender,
        device,
        key,
        text_of(body),
        message_time(number),
    )


OPERATIONS: dict[type, Callable[[Session, Any], None]] = {
    Send: send,
    Ack: ack,
    Sync: sync,
    Read: read,
    AskMarkers: markers,
    AskPresence: presence,
    Watch: watch,
    Typing: typing,
    GroupCreate: group_create,
    GroupAdd: group_add,
    GroupRemove: group_remove,
    GroupLeave: group_leave,
    GroupInfo: group_info,
    Block: block,
    Unblock: unblock,
    AskBlocks: ask_blocks,
    AskStatus: status,
}
"""The operation behind each client frame."""

__all__ = ["OPERATIONS", "Refuse", "begin_bye", "tell_receipts"]
