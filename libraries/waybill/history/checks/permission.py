"""Operations that took effect although nobody may do them: in conversations of others, and in spite of a block."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from waybill.history.blocks import Block, blocks
from waybill.history.events import Completion, CredentialKind, Operation
from waybill.history.membership import NEVER, Membership
from waybill.history.model import History
from waybill.history.prose import Prose
from waybill.history.report import Anomaly, Example, anomaly_of

MEMBERS_ONLY = (
    Operation.SEND,
    Operation.READ,
    Operation.MARKERS,
    Operation.ADD,
    Operation.TYPING,
    Operation.ROSTER,
)
"""What only a member may do. Who may remove others is not the same everywhere: moderators are no members. Leaving what
one is not in changes nothing."""

Found = tuple[int, Example]


def check(history: History) -> list[Anomaly]:
    """`outsider-ok` and `block-ignored`.

    An operation of an outsider took effect if it ended in `ok` and its user was certainly no member of the conversation
    from its begin to its end. What counts of a send is its first attempt: the answer to a retry may be about that one.
    A direct message, or a typing notice, took effect in spite of a block if it began after
    the block had been confirmed and ended in `ok` before anybody asked to lift it. Presence in spite of a block is an
    answer, asked for in that time, that says that the blocker is online, and a notice that says so: it may have been
    under way when the block was confirmed, so it counts from the first answer on to what its session asked later.

    Sessions under a bad credential are judged elsewhere.
    """
    return [
        *_anomaly("outsider-ok", list(_outsiders(history))),
        *_anomaly("block-ignored", [one for block in blocks(history) for one in _ignored(history, block)]),
    ]


def _anomaly(name: str, found: list[Found]) -> list[Anomaly]:
    examples = [example for _, example in sorted(found, key=lambda one: one[0])]
    return anomaly_of(name, examples, lambda one: one, kinds=[one.sub_kind for one in examples])


class Attempt(NamedTuple):
    """What took effect in a conversation, from one event to another."""

    what: Operation
    session: int
    conversation: int
    begun: int
    done: int


def _attempts(history: History) -> Iterator[Attempt]:
    """What took effect in conversations."""
    operations = history.operations
    for table, kind in ((history.sends, Operation.SEND), (history.invokes, None)):
        what: Any = np.full(len(table.event), int(kind)) if kind else history.invokes.what
        chosen = (
            np.isin(what, MEMBERS_ONLY)
            & (table.conversation >= 0)
            & (operations.completion[table.operation] == Completion.OK)
            & (history.sessions.credential[table.session] == CredentialKind.VALID)
        )
        for row in np.flatnonzero(chosen).tolist():
            kind_of = Operation(int(what[row]))
            begun = int(table.event[row])
            if kind_of is Operation.SEND:
                begun = int(history.messages.invoked[history.sends.message[row]])
            yield Attempt(
                kind_of, int(table.session[row]), int(table.conversation[row]),
                begun, int(operations.done[table.operation[row]]),
            )  # fmt: skip


def _suspects(history: History) -> set[tuple[int, int]]:
    """The pairs of user and conversation in which something took effect, with users who were ever outside."""
    sessions, pairs = history.sessions, set()
    for table in (history.sends, history.invokes):
        users = sessions.user[table.session].astype(np.int64)
        codes = np.unique(users * (len(history.conversations) + 1) + table.conversation + 1)
        pairs |= {divmod(code, len(history.conversations) + 1) for code in codes.tolist()}
    found = set()
    for user, place in pairs:
        membership = history.membership(place - 1, user)
        if membership is not None and membership.outside:
            found.add((user, place - 1))
    return found


def _outsiders(history: History) -> Iterator[Found]:
    suspects = _suspects(history)
    if not suspects:
        return
    prose = Prose(history)
    for what, session, conversation, begun, done in _attempts(history):
        user = int(history.sessions.user[session])
        membership = history.membership(conversation, user) if (user, conversation) in suspects else None
        if membership is not None and _outside(membership, begun, done):
            sentence = (
                f"{prose.device_of(session)}: {what.name.lower()} took effect in {prose.conversation(conversation)}, "
                f"of which {prose.user(user)} was no member"
            )
            yield done, Example(sentence, tuple(sorted({begun, done})), what.name.lower())


def _outside(membership: Membership, begun: int, done: int) -> bool:
    """Whether somebody was no member while an operation was under way, but for what it did itself."""
    before = np.array([begun - 1])
    others = any(
        change.added and change.begun != begun and change.begun < done and change.done > begun
        for change in membership.changes
    )
    return bool(membership.certainly_out(before, before)[0]) and not others


def _ignored(history: History, block: Block) -> Iterator[Found]:
    if block.begin == NEVER:
        return
    prose = Prose(history)
    why = f"although {prose.user(block.user)} had blocked {prose.user(block.other)}"
    for what, session, conversation, begun, done in _attempts(history):
        members = history.memberships.get(conversation, {})
        if (
            what in (Operation.SEND, Operation.TYPING)
            and history.sessions.user[session] == block.other
            and set(members) == {block.user, block.other}
            and not any(membership.joined for membership in members.values())
            and block.begin < begun
            and done < block.end
        ):
            sentence = f"{prose.device_of(session)}: {what.name.lower()} took effect {why}"
            yield done, Example(sentence, tuple(sorted({block.begin, begun, done})), what.name.lower())
    for event, session in _seen(history, block):
        sentence = f"{prose.device_of(session)} was told that {prose.user(block.user)} is online {why}"
        yield event, Example(sentence, tuple(sorted({block.begin, event})), "presence")


def _seen(history: History, block: Block) -> Iterator[tuple[int, int]]:
    """Answers and notices to sessions of the blocked user that say that the blocker is online."""
    invokes, operations, notices, sessions = (
        history.invokes,
        history.operations,
        history.presences,
        history.sessions,
    )
    asked = (invokes.what == Operation.PRESENCE) & (invokes.user == block.user)
    for row in np.flatnonzero(asked & (sessions.user[invokes.session] == block.other)).tolist():
        operation = int(invokes.operation[row])
        begun, done = int(operations.event[operation]), int(operations.done[operation])
        said_online = (
            operations.completion[operation] == Completion.OK
            and history.oks.value[operations.row[operation]] > 0
        )
        if said_online and block.begin < begun and done < block.end:
            yield done, int(invokes.session[row])
    theirs = (notices.user == block.user) & (sessions.user[notices.session] == block.other)
    for row in np.flatnonzero(theirs & (notices.online > 0)).tolist():
        event, session = int(notices.event[row]), int(notices.session[row])
        if _first_answer(history, session, block.begin) < event < block.end:
            yield event, session


def _first_answer(history: History, session: int, after: int) -> int:
    """The event of the first answer to something that a session asked after an event."""
    operations = history.operations
    mine = (
        (operations.session == session)
        & (operations.event > after)
        & np.isin(operations.completion, (Completion.OK, Completion.FAIL))
    )
    return int(operations.done[mine].min(initial=NEVER))
