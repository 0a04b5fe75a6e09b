"""What each client frame does."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from waybill_server.clock import message_id, message_time
from waybill_server.conversations import direct_members, is_group, legal_name, printable
from waybill_server.frames import (
    Accepted, Ack, Acked, AskMarkers, AskPresence, Change, Entry, Group, GroupAdd, GroupCreate, GroupInfo, GroupLeave,
    GroupRemove, Marked, Marker, Markers, Page, Read, Receipt, Send, Sync, Typing, TypingNotice, Watch, Watching,
)  # fmt: skip
from waybill_server.limits import WATCHED_USERS
from waybill_server.records import (
    AckRequest, GroupRequest, Message, Moved, ReadRequest, Refusal, Regrouped, Result, SendRequest, Stored,
)  # fmt: skip
from waybill_server.store import StoreFailed

if TYPE_CHECKING:
    from waybill_server.session import Session

PAGE_OVERHEAD = 128
"""Bytes of a page around its entries, at most."""

_changes = itertools.count()


class Refuse(Exception):
    """The operation is refused before it reached the store."""

    def __init__(self, ref: int, code: str, text: str) -> None:
        super().__init__(text)
        self.ref = ref
        self.refusal = Refusal(code, text)


def send(session: Session, frame: Send) -> None:
    """Stores a message, answers the sender, tells the open sessions of the members."""
    limits = session.services.limits
    _check_conversation(session, frame.ref, frame.conversation)
    if not frame.key:
        raise Refuse(frame.ref, "malformed", "the idempotency key is empty")
    if len(frame.key) > limits.key:
        raise Refuse(frame.ref, "key-too-long", f"the idempotency key has {len(frame.key)} characters, at most {limits.key}")
    body = frame.body.encode()
    if len(body) > limits.body:
        raise Refuse(frame.ref, "too-large", f"the body has {len(body)} bytes, at most {limits.body}")

    def done(result: Result) -> None:
        if isinstance(result, Stored):
            message = result.message
            if result.positions:
                session.services.router.publish(message, result.positions)
            number = message.number
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
        else:
            _refused(session, frame.ref, result)
        session.answered()

    session.submit(SendRequest(done, session.user, session.device, frame.conversation, frame.key, body))


def ack(session: Session, frame: Ack) -> None:
    """Stores the device's cursor; the feeder goes on, receipts go out."""

    def done(result: Result) -> None:
        if isinstance(result, Moved):
            session.acknowledged(result.value)
            session.answer(Acked(frame.ref, result.value))
            _tell_receipts(session, result)
        else:
            _refused(session, frame.ref, result)
        session.answered()

    session.submit(AckRequest(done, session.user, session.device, frame.cursor))


def read(session: Session, frame: Read) -> None:
    """Moves the user's read marker."""
    _check_conversation(session, frame.ref, frame.conversation)

    def done(result: Result) -> None:
        if isinstance(result, Moved):
            session.answer(Marked(frame.ref, frame.conversation, result.value))
            _tell_receipts(session, result)
        else:
            _refused(session, frame.ref, result)
        session.answered()

    session.submit(ReadRequest(done, session.user, frame.conversation, frame.sequence))


def sync(session: Session, frame: Sync) -> None:
    """Answers with a page of the log."""
    services = session.services
    limit = min(frame.limit, services.limits.page)
    room = services.limits.frame - PAGE_OVERHEAD
    entries: list[msgspec.Raw] = []
    after = frame.after
    try:
        head = services.store.head(session.user)
        stretch = 64
        while after < head and len(entries) < limit and room > 0:
            upto = min(after + min(stretch, limit - len(entries)), head)
            for position, message in services.store.entries(session.user, after, upto):
                encoded = services.codec.encode_entry(_entry(position, message))
                room -= len(encoded) + 1
                if room < 0 and entries:
                    break
                entries.append(msgspec.Raw(encoded))
                after = position
    except StoreFailed as error:
        raise Refuse(frame.ref, "storage", str(error)) from None
    session.answer(Page(frame.ref, entries, after, complete=after >= head))


def markers(session: Session, frame: AskMarkers) -> None:
    """Answers with all members' watermarks."""
    members = _members(session, frame.ref, frame.conversation)
    try:
        stored = session.services.store.watermarks(frame.conversation, members)
    except StoreFailed as error:
        raise Refuse(frame.ref, "storage", str(error)) from None
    users = [Marker(each.user, each.delivered, each.read) for each in stored]
    session.answer(Markers(frame.ref, frame.conversation, users))


def presence(session: Session, frame: AskPresence) -> None:
    """Answers with a user's presence."""
    _check_name(session, frame.ref, frame.user)
    try:
        session.answer(session.services.presence.of(frame.user, frame.ref))
    except StoreFailed as error:
        raise Refuse(frame.ref, "storage", str(error)) from None


def watch(session: Session, frame: Watch) -> None:
    """Replaces the session's watch list."""
    if "presence" not in session.capabilities:
        raise Refuse(frame.ref, "not-negotiated", "watch needs the capability 'presence' in hello")
    users = list(dict.fromkeys(frame.users))
    if len(users) > WATCHED_USERS:
        raise Refuse(frame.ref, "too-many-watched", f"{len(users)} users, at most {WATCHED_USERS} are watched")
    for user in users:
        _check_name(session, frame.ref, user)
    session.answer(Watching(frame.ref, users))
    session.services.presence.watch(session, users)


def typing(session: Session, frame: Typing) -> None:
    """Passes a typing notice on to the other members who are there."""
    try:
        members = _members(session, 0, frame.conversation)
    except Refuse:
        return
    notice = TypingNotice(frame.conversation, session.user, frame.active)
    for user in members:
        if user != session.user:
            for other in session.services.router.sessions(user):
                if "typing" in other.capabilities:
                    other.notice(notice)


def group_create(session: Session, frame: GroupCreate) -> None:
    """Makes a group."""
    limit = session.services.limits.name
    if len(frame.name) > limit:
        raise Refuse(frame.ref, "name-too-long", f"the group's name has {len(frame.name)} characters, at most {limit}")
    if not printable(frame.name):
        raise Refuse(frame.ref, "malformed", "the group's name is empty or has control characters")
    for user in frame.members:
        _check_name(session, frame.ref, user)
    _change_group(session, frame.ref, "created", "", tuple(frame.members), frame.name)


def group_add(session: Session, frame: GroupAdd) -> None:
    """Adds a member."""
    _check_conversation(session, frame.ref, frame.conversation)
    _check_name(session, frame.ref, frame.user)
    _change_group(session, frame.ref, "added", frame.conversation, (frame.user,))


def group_remove(session: Session, frame: GroupRemove) -> None:
    """Removes a member."""
    _check_conversation(session, frame.ref, frame.conversation)
    _check_name(session, frame.ref, frame.user)
    _change_group(session, frame.ref, "removed", frame.conversation, (frame.user,))


def group_leave(session: Session, frame: GroupLeave) -> None:
    """Leaves a group."""
    _check_conversation(session, frame.ref, frame.conversation)
    _change_group(session, frame.ref, "left", frame.conversation, (session.user,))


def group_info(session: Session, frame: GroupInfo) -> None:
    """Answers with a group's present state."""
    try:
        group = session.services.store.group(frame.conversation)
    except StoreFailed as error:
        raise Refuse(frame.ref, "storage", str(error)) from None
    if group is None or session.user not in group.members:
        raise Refuse(frame.ref, "not-a-member", f"{session.user} is not a member of {frame.conversation}")
    session.answer(Group(frame.ref, frame.conversation, group.name, list(group.members), None))


def begin_bye(session: Session) -> None:
    """Ends the session once what it handed over is answered."""
    session.ending = True
    if not session.open_operations:
        session.close("bye", "goodbye")


def _change_group(
    session: Session, ref: int, action: str, conversation: str, users: tuple[str, ...], name: str = ""
) -> None:
    def done(result: Result) -> None:
        if isinstance(result, Regrouped):
            _tell_group(session, ref, result)
        else:
            _refused(session, ref, result)
        session.answered()

    session.submit(GroupRequest(done, session.user, action, conversation, users, name))


def _tell_group(session: Session, ref: int, result: Regrouped) -> None:
    conversation, name, members = result.group
    change = Change(result.user, result.action) if result.action else None
    session.answer(Group(ref, conversation, name, list(members), change))
    if change is None:
        return
    push = Group(None, conversation, name, list(members), change)
    key = ("group", conversation, str(next(_changes)))
    for user in dict.fromkeys((*members, result.user)):
        for other in session.services.router.sessions(user):
            if other is not session:
                other.push(key, push)


def _tell_receipts(session: Session, moved: Moved) -> None:
    for (conversation, user, delivered, upto), members in moved.watermarks:
        receipt = Receipt(conversation, user, delivered, upto)
        for member in members:
            for other in session.services.router.sessions(member):
                if other is not session and "receipts" in other.capabilities:
                    other.push(("receipt", conversation, user), receipt)


def _refused(session: Session, ref: int, result: Result) -> None:
    assert isinstance(result, Refusal)
    session.refuse(ref, result)


def _entry(position: int, message: Message) -> Entry:
    number, conversation, sequence, sender, device, key, body = message
    return Entry(
        position, message_id(number), conversation, sequence, sender, device, key, body.decode(), message_time(number)
    )


def _members(session: Session, ref: int, conversation: str) -> tuple[str, ...]:
    """The members of a conversation that the caller is in."""
    members = direct_members(conversation)
    if members is None:
        try:
            group = session.services.store.group(conversation)
        except StoreFailed as error:
            raise Refuse(ref, "storage", str(error)) from None
        members = group.members if group else ()
    if session.user not in members:
        raise Refuse(ref, "not-a-member", f"{session.user} is not a member of {conversation}")
    return members


def _check_conversation(session: Session, ref: int, conversation: str) -> None:
    members = direct_members(conversation)
    if members is None:
        if not is_group(conversation):
            raise Refuse(ref, "malformed", "the conversation is neither d:<user>:<user>, names ascending, nor g:<id>")
    else:
        for user in members:
            _check_name(session, ref, user)


def _check_name(session: Session, ref: int, user: str) -> None:
    if not legal_name(user):
        raise Refuse(ref, "malformed", "a user name has characters of A-Z a-z 0-9 . _ - only, and at least one")
    if len(user) > session.services.limits.name:
        raise Refuse(ref, "name-too-long", f"a user name has {len(user)} characters, at most {session.services.limits.name}")


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
}
"""The operation behind each client frame."""

__all__ = ["OPERATIONS", "Refuse", "begin_bye"]
