"""What arrived and should not have, or not like this: phantoms, refused sends, changed bodies, false names."""

from __future__ import annotations

import numpy as np

from waybill.history.events import Completion
from waybill.history.membership import Ints
from waybill.history.model import History
from waybill.history.prose import Prose
from waybill.history.report import Anomaly, Example, anomaly_of
from waybill.history.views import senders_of


def check(history: History) -> list[Anomaly]:
    """`phantom`, `delivered-after-refusal`, `corrupted` and `spoofed`; one pass over the deliveries.

    A delivery is a phantom if no send before it can be it. It is corrupted if its body is that of no attempt of the
    message that it is, and spoofed if it names another sender or conversation than the send.
    """
    deliveries, messages, prose = history.deliveries, history.messages, Prose(history)
    given = messages.given

    def phantom(row: int) -> Example:
        session = int(deliveries.session[row])
        return Example(
            f"{prose.device_of(session)} got {prose.delivery(row)} in "
            f"{prose.conversation(int(deliveries.conversation[row]))}{prose.at(int(deliveries.time[row]))}, which "
            f"nobody had sent",
            (int(deliveries.event[row]),),
        )

    known = np.flatnonzero(given >= 0)
    message = given[known]
    refused = known[messages.refused[message] & ~messages.ambiguous[message]]
    changed = (messages.digest[message] != deliveries.digest[known]) | (
        (messages.length[message] != deliveries.length[known])
        & (messages.length[message] >= 0)
        & (deliveries.length[known] >= 0)
    )
    corrupted, late = _changed(history, known[changed])
    refused = np.sort(np.concatenate((refused, np.array(late, dtype=refused.dtype))))

    def after_refusal(row: int) -> Example:
        return Example(
            f"{prose.delivery(row)} was refused, yet {prose.device_of(int(deliveries.session[row]))} got it"
            f"{prose.at(int(deliveries.time[row]))}",
            (int(messages.invoked[given[row]]), int(deliveries.event[row])),
        )

    def corruption(row: int) -> Example:
        one = int(given[row])
        lengths = f"{int(messages.length[one])} bytes sent, {int(deliveries.length[row])} bytes delivered"
        return Example(
            f"{prose.message(one)} came to {prose.device_of(int(deliveries.session[row]))} with another body "
            f"({lengths})",
            (int(messages.invoked[one]), int(deliveries.event[row])),
        )

    phantoms = np.flatnonzero(given < 0)
    return [
        *anomaly_of("phantom", phantoms, phantom),
        *anomaly_of("delivered-after-refusal", refused, after_refusal),
        *anomaly_of(
            "corrupted",
            corrupted,
            corruption,
            sessions=(senders_of(history, corrupted), deliveries.session[corrupted]),
        ),
        *_spoofed(history, known),
    ]


def _changed(history: History, rows: Ints) -> tuple[Ints, list[int]]:
    """Of the deliveries whose body is not that of the first attempt: those with the body of no attempt, and those
    with the body of a refused one."""
    sends, operations, given = history.sends, history.operations, history.messages.given
    corrupted, late = [], []
    if len(rows):
        concerned = np.flatnonzero(np.isin(sends.message, np.unique(given[rows])))
        bodies: dict[int, dict[tuple[int, int], bool]] = {}
        for row in concerned.tolist():
            of_message = bodies.setdefault(int(sends.message[row]), {})
            body = (int(sends.digest[row]), int(sends.length[row]))
            refused = operations.completion[sends.operation[row]] == Completion.FAIL
            of_message[body] = of_message.get(body, True) and bool(refused)
        for row in rows.tolist():
            body = (int(history.deliveries.digest[row]), int(history.deliveries.length[row]))
            only_refused = bodies[int(given[row])].get(body)
            if only_refused is None:
                corrupted.append(row)
            elif only_refused and not history.messages.refused[given[row]]:
                late.append(row)
    return np.array(corrupted, dtype=np.int64), late


def _spoofed(history: History, known: Ints) -> list[Anomaly]:
    deliveries, messages, prose = history.deliveries, history.messages, Prose(history)
    message = messages.given[known]
    sender = (deliveries.sender[known] >= 0) & (deliveries.sender[known] != messages.sender[message])
    place = (deliveries.conversation[known] >= 0) & (
        deliveries.conversation[known] != messages.conversation[message]
    )
    clear = ~messages.ambiguous[message]
    rows = known[(sender | place) & clear]
    kinds = np.where(sender[(sender | place) & clear], "sender", "conversation").tolist()

    times, kinds_of_time = _times(history, known[clear])

    def example(row: int, kind: str) -> Example:
        one, session = int(messages.given[row]), int(deliveries.session[row])
        if kind == "sender":
            claim = f"as from {prose.user(int(deliveries.sender[row]))}"
        elif kind == "conversation":
            claim = f"in {prose.conversation(int(deliveries.conversation[row]))}"
        else:
            claim = f"with the time {int(deliveries.server_time[row])} ms, other than before"
        return Example(
            f"{prose.message(one)} was sent in {prose.conversation(int(messages.conversation[one]))}, but "
            f"{prose.device_of(session)} got it {claim}",
            (int(messages.invoked[one]), int(deliveries.event[row])),
            kind,
        )

    found = list(zip([*rows.tolist(), *times], [*kinds, *kinds_of_time], strict=True))
    return anomaly_of("spoofed", found, example, kinds=[kind for _, kind in found])


def _times(history: History, rows: Ints) -> tuple[list[int], list[str]]:
    """Deliveries of one stored copy whose server time differs, where the target promises that it keeps the time."""
    deliveries, given = history.deliveries, history.messages.given
    if history.promise("message_time", "any") != "stored":
        return [], []
    rows = rows[(deliveries.server_time[rows] >= 0) & (deliveries.id[rows] >= 0)]
    first = np.full(len(history.messages.sent) + 1, -1, dtype=np.int64)
    first[given[rows[::-1]]] = rows[::-1]
    before = first[given[rows]]
    differ = (deliveries.server_time[rows] != deliveries.server_time[before]) & (
        deliveries.id[rows] == deliveries.id[before]
    )
    found = rows[differ].tolist()
    return found, ["time"] * len(found)
