"""Two devices of one user that differ when everything is at rest."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from ..events import Completion, Mode, Operation
from ..membership import NEVER, Ints
from ..model import History
from ..prose import Prose
from ..report import Anomaly, Example, anomaly_of
from ..views import first_login, passed_over


def check(history: History) -> list[Anomaly]:
    """`device-divergence`: in the set of messages, their order, a read marker or the number of unread messages.

    Compared are the complete final reads of neighbouring devices of a user, in what existed before both began. What
    one of the two sent itself is left out of the set, and what the user sent at all unless `own_devices` is promised.
    """
    return [*_report(history, [*_sets(history), *_orders(history), *_markers(history)])]


def _report(history: History, found: list[tuple[Example, tuple[int, int]]]) -> list[Anomaly]:
    examples = [example for example, _ in found]
    sessions = (
        np.array([pair[0] for _, pair in found], dtype=np.int64),
        np.array([pair[1] for _, pair in found], dtype=np.int64),
    )
    return anomaly_of(
        "device-divergence",
        range(len(found)),
        lambda place: examples[place],
        kinds=[example.sub_kind for example in examples],
        sessions=sessions,
    )


def _pairs(history: History) -> list[tuple[int, int]]:
    """Neighbouring devices of one user, both with a complete final read."""
    found = []
    for user in sorted(history.devices_of_user):
        judged = [device for device in history.devices_of_user[user] if device in history.final_begin]
        found += list(pairwise(judged))
    return found


def _sets(history: History) -> list[tuple[Example, tuple[int, int]]]:
    messages, deliveries, prose = history.messages, history.deliveries, Prose(history)
    found = []
    for one, two in _pairs(history):
        first = [_first_given(history, device) for device in (one, two)]
        rest = min(history.final_begin[one], history.final_begin[two])
        both = np.flatnonzero((first[0] < NEVER) ^ (first[1] < NEVER))
        both = both[(messages.device[both] != one) & (messages.device[both] != two) & ~messages.ambiguous[both]]
        both = both[np.minimum(first[0][both], first[1][both]) < rest]
        if not history.promise("own_devices", False):
            both = both[messages.sender[both] != history.device_user[one]]
        if history.promise("new_device_history", "all") == "none":
            both = both[messages.invoked[both] > max(first_login(history, one), first_login(history, two))]
        for message in both[np.argsort(messages.invoked[both], kind="stable")].tolist():
            has, lacks = (one, two) if first[0][message] < NEVER else (two, one)
            event = int(min(first[0][message], first[1][message]))
            session = int(deliveries.session[np.searchsorted(deliveries.event, event)])
            sentence = f"at rest {prose.device(has)} holds {prose.message(message)} and {prose.device(lacks)} does not"
            found.append((Example(sentence, (event, history.final_begin[lacks]), "set"), (int(messages.session[message]), session)))
    return found


def _first_given(history: History, device: int) -> Ints:
    """For each message the event at which a device was first given it."""
    first = np.full(len(history.messages.sent) + 1, NEVER, dtype=np.int64)
    rows = history.rows_of_devices[device][::-1]
    first[history.messages.given[rows]] = history.deliveries.event[rows]
    return first[:-1]


def _orders(history: History) -> list[tuple[Example, tuple[int, int]]]:
    """Final reads of two devices that show the messages of a conversation in different orders."""
    messages, deliveries, prose = history.messages, history.deliveries, Prose(history)
    if not history.promise("total_order", True):
        return []
    found = []
    for one, two in _pairs(history):
        place = []
        for device in (one, two):
            rows = history.rows_of_devices[device]
            rows = rows[(deliveries.mode[rows] == Mode.FINAL) & (messages.given[rows] >= 0)]
            at = np.full(len(messages.sent), -1, dtype=np.int64)
            at[messages.given[rows[::-1]]] = np.arange(len(rows))[::-1]
            place.append((rows, at))
        common = np.flatnonzero((place[0][1] >= 0) & (place[1][1] >= 0) & ~messages.ambiguous)
        common = common[np.lexsort((place[0][1][common], messages.conversation[common]))]
        value = place[1][1][common]
        late, early = passed_over(messages.conversation[common], value, value)
        for second, first in zip(common[late].tolist(), common[early].tolist(), strict=True):
            events = sorted(int(deliveries.event[rows[at[m]]]) for rows, at in place for m in (first, second))
            sentence = (
                f"at rest {prose.device(one)} shows {prose.message(first)} before {prose.message(second)}, "
                f"{prose.device(two)} the other way round"
            )
            sessions = (int(messages.session[second]), int(deliveries.session[place[1][0][place[1][1][second]]]))
            found.append((Example(sentence, tuple(events), "order"), sessions))
    return found


def _markers(history: History) -> list[tuple[Example, tuple[int, int]]]:
    """The last answers to MARKERS that two devices asked for after everything that moves them had ended."""
    receipts, operations, invokes, prose = history.receipts, history.operations, history.invokes, Prose(history)
    asked = np.flatnonzero(receipts.operation >= 0)
    if not len(asked):
        return []
    moved: dict[int, int] = {}
    for row in np.flatnonzero(invokes.what == Operation.READ).tolist():
        operation, conversation = int(invokes.operation[row]), int(invokes.conversation[row])
        done = int(operations.done[operation]) if operations.completion[operation] == Completion.OK else NEVER
        if operations.completion[operation] != Completion.FAIL:
            moved[conversation] = max(moved.get(conversation, 0), done)
    last: dict[tuple[int, int, int], dict[int, int]] = {}
    for row in asked.tolist():
        conversation, device = int(receipts.conversation[row]), int(history.sessions.device[receipts.session[row]])
        mine = messages_done(history, conversation)
        if operations.event[receipts.operation[row]] > max(moved.get(conversation, 0), mine):
            observer = int(history.device_user[device])
            last.setdefault((observer, conversation, int(receipts.user[row])), {})[device] = row
    found = []
    for (_, conversation, user), rows in sorted(last.items()):
        for one, two in pairwise(sorted(rows)):
            for kind, column in (("marker", receipts.read), ("unread", receipts.unread)):
                values = [int(column[rows[device]]) for device in (one, two)]
                if kind == "unread" and min(values) < 0:
                    continue
                if values[0] != values[1]:
                    what = "read marker" if kind == "marker" else "number of unread messages"
                    sentence = (
                        f"at rest {prose.device(one)} is told {what} {values[0]} of {prose.user(user)} in "
                        f"{prose.conversation(conversation)}, {prose.device(two)} is told {values[1]}"
                    )
                    events = tuple(sorted(int(receipts.event[rows[device]]) for device in (one, two)))
                    pair = (int(receipts.session[rows[one]]), int(receipts.session[rows[two]]))
                    found.append((Example(sentence, events, kind), pair))
    return found


def messages_done(history: History, conversation: int) -> int:
    """The event after which no send of a conversation was under way, for a send may move its sender's marker."""
    messages = history.messages
    mine = messages.of_conversation(conversation)
    done = messages.acknowledged[mine]
    return int(done[done < NEVER].max(initial=0))
