"""Works out who was a member of what from the operations of a history."""

from __future__ import annotations

import numpy as np

from .assembly import Assembly
from .events import Completion, Operation
from .membership import NEVER, START, Change, Membership
from .model import History
from .names import Names

AT_START = Change(True, START, START, True, told=False)
"""A member from the start."""


def memberships(assembly: Assembly, history: History) -> dict[int, dict[int, Membership]]:
    """Every conversation whose members the history tells, with what it tells of each of them."""
    users, conversations = assembly.names["users"], assembly.names["conversations"]
    rolls = _Rolls()
    for name, members in assembly.header.conversations.items():
        rolls.begin(conversations.number(name), [users.number(member) for member in members], AT_START)
    created: dict[int, list[str]] = {}
    for _, _, line in assembly.lines:
        if line["event"] == "members":
            present = [users.number(member) for member in line.get("members", ())]
            rolls.begin(conversations.number(line["conversation"]), present, AT_START)
        elif line["event"] == "create":
            created[line["operation"]] = [str(member) for member in line["members"]]
    invokes, operations = history.invokes, history.operations
    kinds = (Operation.CREATE, Operation.ADD, Operation.REMOVE, Operation.LEAVE)
    for row in np.flatnonzero(np.isin(invokes.what, kinds)).tolist():
        operation, what = int(invokes.operation[row]), Operation(int(invokes.what[row]))
        completion, begun = int(operations.completion[operation]), int(operations.event[operation])
        if completion == Completion.FAIL:
            continue
        definite = completion == Completion.OK
        done = int(operations.done[operation]) if definite else NEVER
        changed = Change(what in (Operation.CREATE, Operation.ADD), begun, done, definite)
        conversation, user = int(invokes.conversation[row]), int(invokes.user[row])
        myself = int(history.sessions.user[invokes.session[row]])
        if what is Operation.CREATE:
            if definite:
                conversation = _created(history, conversations, int(operations.row[operation]), conversation)
            others = [users.number(name) for name in created.get(operation, ())]
            rolls.begin(conversation, [myself, *others], changed)
        else:
            rolls.change(conversation, myself if what is Operation.LEAVE else user, changed)
    return rolls.settled()


def _created(history: History, conversations: Names, row: int, asked: int) -> int:
    """The conversation that a CREATE made: as its answer names it, else as it was asked for."""
    named, named_by_id = int(history.oks.conversation[row]), int(history.oks.id[row])
    if named < 0 and asked < 0 and named_by_id >= 0:
        return conversations.number(history.ids[named_by_id])
    return named if named >= 0 else asked


class _Rolls:
    """The members of conversations as they become known."""

    def __init__(self) -> None:
        self._found: dict[int, dict[int, Membership]] = {}
        self._known: set[int] = set()

    def begin(self, conversation: int, members: list[int], change: Change) -> None:
        """A conversation whose members are these."""
        self._known.add(conversation)
        self._found.setdefault(conversation, {})
        for member in members:
            self.change(conversation, member, change)

    def change(self, conversation: int, user: int, change: Change) -> None:
        """One user comes or goes."""
        if conversation >= 0 and user >= 0:
            self._found.setdefault(conversation, {}).setdefault(user, Membership()).changes.append(change)

    def settled(self) -> dict[int, dict[int, Membership]]:
        """The conversations whose first members are known; of others nobody can say who is a stranger."""
        for members in self._found.values():
            for membership in members.values():
                membership.settle()
        return {
            conversation: self._found[conversation]
            for conversation in self._found
            if conversation in self._known
        }
