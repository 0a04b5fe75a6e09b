"""What the client frames about groups do."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from waybill_server import records
from waybill_server.client_frames import GroupAdd, GroupCreate, GroupInfo, GroupLeave, GroupRemove
from waybill_server.conversations import printable
from waybill_server.records import GroupRequest, Regrouped, Result
from waybill_server.refusing import Refuse, check_conversation, check_name, refused
from waybill_server.router import Listener
from waybill_server.server_frames import Change, Group

if TYPE_CHECKING:
    from waybill_server.services import Services
    from waybill_server.session import Session


changes_made = itertools.count()

MODERATORS = frozenset({"moderator", "admin"})
"""The roles that may remove members of any group."""


def group_create(session: Session, frame: GroupCreate) -> None:
    """Makes a group."""
    limit = session.services.limits.name
    if len(frame.name) > limit:
        raise Refuse("name-too-long", f"the group's name has {len(frame.name)} characters, at most {limit}")
    if not printable(frame.name):
        raise Refuse("malformed", "the group's name is empty or has control characters")
    for user in frame.members:
        check_name(session, user)
    _change_group(session, frame.ref, "created", "", tuple(frame.members), frame.name)


def group_add(session: Session, frame: GroupAdd) -> None:
    """Adds a member."""
    check_conversation(session, frame.conversation)
    check_name(session, frame.user)
    _change_group(session, frame.ref, "added", frame.conversation, (frame.user,))


def group_remove(session: Session, frame: GroupRemove) -> None:
    """Removes a member."""
    check_conversation(session, frame.conversation)
    check_name(session, frame.user)
    _change_group(session, frame.ref, "removed", frame.conversation, (frame.user,))


def group_leave(session: Session, frame: GroupLeave) -> None:
    """Leaves a group."""
    check_conversation(session, frame.conversation)
    _change_group(session, frame.ref, "left", frame.conversation, (session.user,))


def group_info(session: Session, frame: GroupInfo) -> None:
    """Answers with a group's present state."""
    check_conversation(session, frame.conversation)
    group = session.services.store.group(frame.conversation)
    if group is None or session.user not in group.members:
        raise Refuse("not-a-member", f"{session.user} is not a member of {frame.conversation}")
    session.answer(Group(frame.ref, frame.conversation, group.name, list(group.members), None))


def _change_group(
    session: Session, ref: int, action: str, conversation: str, users: tuple[str, ...], name: str = ""
) -> None:
    def done(result: Result) -> None:
        if isinstance(result, Regrouped):
            _tell_group(session, ref, result)
        else:
            refused(session, ref, result)
        session.answered()

    moderates = not MODERATORS.isdisjoint(session.roles)
    session.submit(GroupRequest(done, session.user, action, conversation, users, name, moderates))


def _tell_group(session: Session, ref: int, result: Regrouped) -> None:
    conversation, name, members = result.group
    change = Change(result.user, result.action) if result.action else None
    session.answer(Group(ref, conversation, name, list(members), change))
    if change is not None:
        tell_members(session, session.services, result.group, change)


def tell_members(session: Listener | None, services: Services, group: records.Group, change: Change) -> None:
    """Tells the members' sessions of a change, and those of whom it was about; not the one that made it."""
    push = Group(None, group.conversation, group.name, list(group.members), change)
    key = ("group", group.conversation, str(next(changes_made)))
    for user in dict.fromkeys((*group.members, change.user)):
        for other in services.router.sessions(user):
            if other is not session:
                other.push(key, push)
