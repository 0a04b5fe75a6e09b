"""Two devices of one user that differ when everything is at rest."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from waybill.history.columns import passed_over
from waybill.history.events import Mode
from waybill.history.membership import NEVER, Ints
from waybill.history.model import History
from waybill.history.prose import Prose
from waybill.history.report import Anomaly, Example, anomaly_of
from waybill.history.views import first_login, sent_by


def check(history: History) -> list[Anomaly]:
    """`device-divergence`: in the set of messages, their order, or (in `markers`) a marker.

    Compared are the complete final reads of neighbouring devices of a user, in what existed before both began. What
    one of the two sent itself is left out of the set, as is what has expired, and what the user sent at all unless
    `own_devices` is promised.
    """
    return _report([*_sets(history), *_orders(history)])


def _report(found: list[tuple[Example, tuple[int, int]]]) -> list[Anomaly]:
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
        own = sent_by(history, one, both) | sent_by(history, two, both)
        both = both[~own & ~messages.ambiguous[both] & ~history.over[both]]
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
            example = Example(sentence, (event, history.final_begin[lacks]), "set")
            found.append((example, (int(messages.session[message]), session)))
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
            sessions = (
                int(messages.session[second]),
                int(deliveries.session[place[1][0][place[1][1][second]]]),
            )
            found.append((Example(sentence, tuple(events), "order"), sessions))
    return found
