"""Changes of a group's members, within the writer's transaction."""

from __future__ import annotations

from waybill_server.ledger import Ledger
from waybill_server.limits import Limits
from waybill_server.records import Group, GroupRequest, Refusal, Regrouped


def change_group(ledger: Ledger, limits: Limits, request: GroupRequest) -> Regrouped | Refusal:
    """Does one change. What a member may do, every member may do; nobody adds whom they may not write to. A moderator
    may remove members without being one."""
    if request.action == "created":
        return _create(ledger, limits, request)
    members = ledger.members(request.conversation)
    may = request.caller in members or (request.moderates and request.action == "removed" and members)
    if not request.conversation.startswith("g:") or not may:
        return Refusal("not-a-member", f"{request.caller} is not a member of {request.conversation}")
    user = request.users[0]
    if (user in members) == (request.action == "added"):
        return _present(ledger, request.conversation, user, "")
    if request.action != "added":
        _leave(ledger, request.conversation, user)
    elif not ledger.permissions.may_write(request.caller, user):
        return _unwanted(request.caller, user)
    elif len(members) < limits.members:
        _join(ledger, request.conversation, user)
    else:
        return _too_many(limits)
    return _present(ledger, request.conversation, user, request.action)


def _create(ledger: Ledger, limits: Limits, request: GroupRequest) -> Regrouped | Refusal:
    members = list(dict.fromkeys((request.caller, *request.users)))
    if len(members) > limits.members:
        return _too_many(limits)
    for user in members:
        if not ledger.permissions.may_write(request.caller, user):
            return _unwanted(request.caller, user)
    conversation = ledger.new_group()
    ledger.connection.execute("INSERT INTO conversation VALUES (?, ?)", (conversation, request.name))
    for user in members:
        _join(ledger, conversation, user)
    return _present(ledger, conversation, request.caller, "created")


def _join(ledger: Ledger, conversation: str, user: str) -> None:
    ledger.connection.execute("INSERT INTO member (conversation, user) VALUES (?, ?)", (conversation, user))
    ledger.regrouped(conversation)


def _leave(ledger: Ledger, conversation: str, user: str) -> None:
    ledger.connection.execute("DELETE FROM member WHERE conversation = ? AND user = ?", (conversation, user))
    ledger.regrouped(conversation)


def _present(ledger: Ledger, conversation: str, user: str, action: str) -> Regrouped:
    name = ledger.connection.execute(
        "SELECT name FROM conversation WHERE conversation = ?", (conversation,)
    ).fetchone()[0]
    return Regrouped(Group(conversation, name, ledger.members(conversation)), user, action)


def _unwanted(caller: str, user: str) -> Refusal:
    """A group is no way round a block or a rule."""
    return Refusal("not-permitted", f"{caller} may not add {user} to a group")


def _too_many(limits: Limits) -> Refusal:
    return Refusal("too-many-members", f"a group has at most {limits.members} members")
