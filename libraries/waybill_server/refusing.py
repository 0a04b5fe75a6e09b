"""What is refused before it reaches the store, and how refusals are answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from waybill_server.conversations import direct_members, is_group, legal_name
from waybill_server.records import Refusal, Result

if TYPE_CHECKING:
    from waybill_server.services import Services
    from waybill_server.session import Session


class Caller(Protocol):
    """Whose operation it is."""

    services: Services


class Refuse(Exception):
    """The operation is refused before it reached the store."""

    def __init__(self, code: str, text: str, retry_after: int | None = None) -> None:
        super().__init__(text)
        self.refusal = Refusal(code, text, retry_after=retry_after)


def refused(session: Session, ref: int, result: Result) -> None:
    """Answers an operation that the store refused."""
    assert isinstance(result, Refusal)
    session.refuse(ref, result)


def members_of(session: Session, conversation: str) -> tuple[str, ...]:
    """The members of a conversation that the caller is in."""
    check_conversation(session, conversation)
    members = direct_members(conversation)
    if members is None:
        group = session.services.store.group(conversation)
        members = group.members if group else ()
    if session.user not in members:
        raise Refuse("not-a-member", f"{session.user} is not a member of {conversation}")
    return members


def check_conversation(session: Session, conversation: str) -> None:
    """Refuses what is no conversation id."""
    members = direct_members(conversation)
    if members is None:
        if not is_group(conversation):
            raise Refuse(
                "malformed", "the conversation is neither d:<user>:<user>, names ascending, nor g:<id>"
            )
    else:
        for user in members:
            check_name(session, user)


def check_name(session: Caller, user: str) -> None:
    """Refuses what is no user name."""
    if not legal_name(user):
        raise Refuse("malformed", "a user name has characters of A-Z a-z 0-9 . _ - only, and at least one")
    if len(user) > session.services.limits.name:
        raise Refuse(
            "name-too-long",
            f"a user name has {len(user)} characters, at most {session.services.limits.name}",
        )
