"""Receipts that say too much: given or read before any device of the user held the message, or from a stranger."""

from __future__ import annotations

import numpy as np

from waybill.history.events import Operation
from waybill.history.membership import NEVER, START, Bools, Ints
from waybill.history.model import History
from waybill.history.prose import Prose
from waybill.history.report import Anomaly, Example, anomaly_of


def check(history: History) -> list[Anomaly]:
    """`false-receipt` in the forms `delivered`, `read` and `non-member`.

    A receipt is false if it covers a message that none of its user's devices had been given when the receipt was
    seen, or if its user had never been a member. A user need not have been given what that user sent, nor what was
    sent while nobody can say whether the user was a member, nor what has expired. A read marker that a device of the
    user asked for before is that device's own word and never false.

    One pass over the deliveries for each user that a receipt names, one running maximum for each conversation.
    """
    receipts, prose, messages = history.receipts, Prose(history), history.messages
    found: list[tuple[int, int, str, int]] = []
    known = (receipts.user >= 0) & (receipts.conversation >= 0)
    for user in np.unique(receipts.user[known]).tolist():
        held = _held(history, user)
        of_user = np.flatnonzero(known & (receipts.user == user))
        for conversation in np.unique(receipts.conversation[of_user]).tolist():
            rows = of_user[receipts.conversation[of_user] == conversation]
            strange = _strange(history, rows, conversation, user)
            found += [(row, -1, "non-member", NEVER) for row in rows[strange].tolist()]
            rows = rows[~strange]
            for kind, marks in (("delivered", receipts.delivered), ("read", receipts.read)):
                for covering, message in (
                    _watermarks(history, rows, marks, conversation, user, held, kind),
                    _single(history, rows, marks, conversation, user, held),
                ):
                    pairs = zip(covering.tolist(), message.tolist(), strict=True)
                    found += [(row, one, kind, int(held[one])) for row, one in pairs]
    found.sort(key=lambda one: (int(receipts.event[one[0]]), one[2]))

    def example(row: int, message: int, kind: str, given: int) -> Example:
        viewer, user = prose.device_of(int(receipts.session[row])), prose.user(int(receipts.user[row]))
        place, when = prose.conversation(int(receipts.conversation[row])), prose.at(int(receipts.time[row]))
        event = int(receipts.event[row])
        if kind == "non-member":
            sentence = (
                f"{viewer} saw a receipt of {user} in {place}{when}, where {user} had never been a member"
            )
            return Example(sentence, (event,), kind)
        said = "was given" if kind == "delivered" else "read"
        until = "only later did one of them get it" if given < NEVER else "none of them ever got it"
        return Example(
            f"{viewer} was told{when} that {user} {said} {prose.message(message)} in {place}, but no device of {user} "
            f"held it then; {until}",
            tuple(sorted({int(messages.invoked[message]), event, *((given,) if given < NEVER else ())})),
            kind,
        )

    rows = np.array([row for row, *_ in found], dtype=np.int64)
    about = np.array([message for _, message, *_ in found], dtype=np.int64)
    return anomaly_of(
        "false-receipt",
        found,
        example,
        kinds=[kind for *_, kind, _ in found],
        sessions=(messages.session[about], receipts.session[rows]) if bool((about >= 0).all()) else None,
    )


def _held(history: History, user: int) -> Ints:
    """For each message the event at which a device of the user first held it; the start for what it sent itself and
    for what cannot be told apart."""
    messages, deliveries = history.messages, history.deliveries
    held = np.full(len(messages.sent), NEVER, dtype=np.int32)
    for device in history.devices_of_user.get(user, []):
        rows = history.rows_of_devices[device][::-1]
        first = np.full(len(held) + 1, NEVER, dtype=np.int32)
        first[messages.given[rows]] = deliveries.event[rows]
        np.minimum(held, first[:-1], out=held)
    held[(messages.sender == user) | messages.ambiguous] = START
    return held


def _strange(history: History, rows: Ints, conversation: int, user: int) -> Bools:
    """Marks the receipts that say something of a user who had never been a member."""
    receipts = history.receipts
    membership = history.membership(conversation, user)
    if membership is None:
        return np.zeros(len(rows), dtype=np.bool_)
    added = min((change.begun for change in membership.changes if change.added), default=NEVER)
    says = (receipts.delivered[rows] > 0) | (receipts.read[rows] > 0)
    strange: Bools = says & (receipts.event[rows] < added)
    return strange


def _expected(history: History, conversation: int, user: int) -> Ints:
    """The messages of a conversation that were sent while the user was certainly a member, and have not expired."""
    messages = history.messages
    membership = history.membership(conversation, user)
    found = messages.of_conversation(conversation)
    found = found[~history.over[found]]
    if membership is None:
        return found[:0]
    return found[membership.certainly_in(messages.invoked[found], messages.effect[found])]


def _watermarks(
    history: History, rows: Ints, marks: Ints, conversation: int, user: int, held: Ints, kind: str
) -> tuple[Ints, Ints]:
    """The watermarks that cover a message not yet held, each with the first such message."""
    receipts, messages = history.receipts, history.messages
    rows = rows[(receipts.id[rows] < 0) & (marks[rows] >= 0)]
    if kind == "read" and len(rows):
        rows = rows[marks[rows] > _asked(history, receipts.event[rows], conversation, user)]
    expected = _expected(history, conversation, user)
    expected = expected[messages.sequence[expected] >= 0]
    expected = expected[np.argsort(messages.sequence[expected], kind="stable")]
    if not len(rows) or not len(expected):
        return rows[:0], rows[:0]
    latest = np.maximum.accumulate(held[expected])
    covered = np.searchsorted(messages.sequence[expected], marks[rows], side="right")
    event = receipts.event[rows]
    false = (covered > 0) & (latest[covered - 1] > event)
    return rows[false], expected[np.searchsorted(latest, event[false], side="right")]


def _single(
    history: History, rows: Ints, marks: Ints, conversation: int, user: int, held: Ints
) -> tuple[Ints, Ints]:
    """The receipts for one message by its id that came before the message was held."""
    receipts, messages = history.receipts, history.messages
    rows = rows[(receipts.id[rows] >= 0) & (marks[rows] > 0)]
    expected = _expected(history, conversation, user)
    expected = expected[messages.id[expected] >= 0]
    if not len(rows) or not len(expected):
        return rows[:0], rows[:0]
    expected = expected[np.argsort(messages.id[expected], kind="stable")]
    ids = messages.id[expected]
    place = np.minimum(np.searchsorted(ids, receipts.id[rows]), len(ids) - 1)
    about = expected[place]
    false = (ids[place] == receipts.id[rows]) & (held[about] > receipts.event[rows])
    return rows[false], about[false]


def _asked(history: History, events: Ints, conversation: int, user: int) -> Ints:
    """The highest read marker that a device of the user had asked for before each event; -1 for none."""
    invokes = history.invokes
    mine = (invokes.what == Operation.READ) & (invokes.conversation == conversation)
    mine &= history.sessions.user[invokes.session] == user
    rows = np.flatnonzero(mine)
    highest = np.concatenate(([-1], np.maximum.accumulate(invokes.value[rows])))
    asked: Ints = highest[np.searchsorted(invokes.event[rows], events)]
    return asked
