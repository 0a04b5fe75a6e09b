"""Places in a log: passed over, or gone back to."""

from __future__ import annotations

import numpy as np

from waybill.history.checks.identity import unknown_sends
from waybill.history.events import Completion, Mode, Operation
from waybill.history.membership import Ints
from waybill.history.model import History
from waybill.history.pages import Log, Page
from waybill.history.prose import Prose
from waybill.history.report import Anomaly, Example, anomaly_of
from waybill.history.views import is_pushed, sent_by


def check(history: History) -> list[Anomaly]:
    """`gap`, and `cursor-regression` of cursors (that of markers is in `markers`).

    A gap needs proof that something is there: another device of the user, or a page, showed a message at that place.
    That the device finds it in its final read does not close a gap in what was pushed to it: the read is the judge's,
    and a device that trusts its cursor would never have asked.
    Where the target promises `sequences` `"gapless"`, a hole between known sequences of a conversation is one too,
    unless sends with unknown outcome can fill it. What has expired leaves its place empty.
    """
    return [*_gaps(history), *_regressions(history)]


def _gaps(history: History) -> list[Anomaly]:
    messages, prose = history.messages, Prose(history)
    found: list[tuple[int, int, int, int, str]] = []
    proven = history.logs
    taken = history.pages
    held = np.zeros(len(messages.sent) + 1, dtype=np.bool_)
    for device, rows in enumerate(history.rows_of_devices):
        log = proven.get(int(history.device_user[device]))
        if log is None:
            continue
        given = messages.given[rows]
        held[given] = True
        own = sent_by(history, device, log.message) | history.over[log.message]
        if not history.promise("own_devices", False):
            own |= messages.sender[log.message] == history.device_user[device]
        lacking = ~held[log.message] & ~own
        if lacking.any():
            found += _skipped(history, device, log, lacking, taken)
        held[given] = False
        before = given[history.deliveries.mode[rows] != Mode.FINAL]
        held[before] = True
        unpushed = ~held[log.message] & ~own
        if unpushed.any():
            found += _passed(history, device, rows, log, unpushed)
        held[before] = False
    found = list({(device, place): one for one in reversed(found) for device, place in [one[:2]]}.values())[
        ::-1
    ]
    found.sort(key=lambda one: (one[3], one[0], one[1]))

    def example(device: int, place: int, row: int, event: int, kind: str) -> Example:
        if kind == "sequence":
            return Example(
                f"{prose.conversation(device)} has no message with sequence {place}, though it has lower and higher "
                f"ones",
                tuple(one for one in (row, event) if one),
                kind,
            )
        deliveries = history.deliveries
        message, other = int(messages.given[row]), int(deliveries.session[row])
        own = int(history.sessions.device[other]) == device
        shown = "only its final read shows" if own else f"{prose.device_of(other)} was shown"
        return Example(
            f"{prose.device(device)} passed place {place} of its log and was never given {prose.message(message)}, "
            f"which {shown} there",
            tuple(sorted((int(deliveries.event[row]), event))),
            kind,
        )

    found += _holes(history)
    return anomaly_of("gap", found, example, kinds=[one[4] for one in found])


def _passed(
    history: History, device: int, rows: Ints, log: Log, lacking: Ints
) -> list[tuple[int, int, int, int, str]]:
    """Places below what was pushed to the device or what it acknowledged, and not below where it began."""
    deliveries, invokes, operations = history.deliveries, history.invokes, history.operations
    mine = history.sessions.device[invokes.session] == device
    logins = np.flatnonzero(mine & (invokes.what == Operation.LOGIN))
    starts = [
        max(int(invokes.value[row]), int(history.oks.value[operations.row[invokes.operation[row]]]), 0)
        if invokes.value[row] < 0
        else int(invokes.value[row])
        for row in logins.tolist()
        if operations.row[invokes.operation[row]] >= 0
    ]
    start = min(starts, default=0)
    pushed = rows[is_pushed(history)[rows]]
    pushed = pushed[deliveries.cursor[pushed] >= 0]
    acks = np.flatnonzero(mine & (invokes.what == Operation.ACKNOWLEDGE) & (invokes.value >= 0))
    values = np.concatenate((deliveries.cursor[pushed], invokes.value[acks]))
    events = np.concatenate((deliveries.event[pushed], invokes.event[acks]))
    if not len(values):
        return []
    lacked = np.flatnonzero(lacking & (log.cursor > start) & (log.cursor < int(values.max())))
    found = []
    for place in lacked.tolist():
        passing = int(events[values > log.cursor[place]].min())
        found.append((device, int(log.cursor[place]), int(log.row[place]), passing, "pushed"))
    return found


def _skipped(
    history: History, device: int, log: Log, lacking: Ints, taken: list[Page]
) -> list[tuple[int, int, int, int, str]]:
    """Places that a page of the device covers, of messages that existed before the page was asked for."""
    messages = history.messages
    found = []
    for page in taken:
        if page.device == device:
            span = log.between(page.after, page.upto)
            places = np.flatnonzero(lacking[span]) + span.start
            for place in places[messages.effect[log.message[places]] < page.begun].tolist():
                found.append((device, int(log.cursor[place]), int(log.row[place]), page.done, "page"))
    return found


def _holes(history: History) -> list[tuple[int, int, int, int, str]]:
    if history.promise("sequences", "any") != "gapless":
        return []
    messages = history.messages
    found = []
    for conversation in range(len(history.conversations)):
        mine = messages.of_conversation(conversation)
        mine = mine[messages.sequence[mine] >= 0]
        known, first = np.unique(messages.sequence[mine], return_index=True)
        steps = np.diff(known)
        places = np.flatnonzero(steps > 1)
        if not len(places) or int((steps[places] - 1).sum()) <= unknown_sends(history, conversation):
            continue
        for place in places.tolist():
            events = [int(messages.effect[mine[first[one]]]) for one in (place, place + 1)]
            for hole in range(int(known[place]) + 1, min(int(known[place + 1]), int(known[place]) + 1000)):
                found.append((conversation, hole, min(events), max(events), "sequence"))
    return found


def _regressions(history: History) -> list[Anomaly]:
    prose = Prose(history)
    found = sorted(_cursors(history), key=lambda one: one[3])

    def example(session: int, before: int, earlier: int, event: int, value: int) -> Example:
        device = prose.device_of(session)
        return Example(
            f"the server stated cursor {value} to {device}, after {before} and without a resubscription",
            (earlier, event),
            "cursor",
        )

    return anomaly_of("cursor-regression", found, example, kinds=["cursor"] * len(found))


def _cursors(history: History) -> list[tuple[int, int, int, int, int]]:
    """Cursors that the server stated, below what it had stated or confirmed before; a login that asks for an older
    place starts anew from there. An acknowledgement raises what is confirmed; a device may repeat an old one."""
    invokes, operations, oks, sessions = history.invokes, history.operations, history.oks, history.sessions
    told = history.cursors
    stated: list[tuple[int, int, int, bool]] = [
        (event, session, value, True)
        for event, session, value in zip(
            told.event.tolist(), told.session.tolist(), told.value.tolist(), strict=True
        )
    ]
    asked: dict[int, int] = {}
    rows = np.flatnonzero((invokes.what == Operation.LOGIN) | (invokes.what == Operation.ACKNOWLEDGE))
    operation = invokes.operation[rows]
    logins, took_effect = (
        invokes.what[rows] == Operation.LOGIN,
        operations.completion[operation] == Completion.OK,
    )
    for place in np.flatnonzero(logins & (invokes.value[rows] >= 0)).tolist():
        asked[int(invokes.session[rows[place]])] = int(invokes.value[rows[place]])
    value = np.full(len(rows), -1, dtype=np.int64)
    value[took_effect] = oks.value[operations.row[operation[took_effect]]]
    value = np.where(logins, value, np.where(took_effect, np.maximum(value, invokes.value[rows]), -1))
    known = np.flatnonzero(value >= 0)
    columns = (operations.done[operation[known]], invokes.session[rows[known]], value[known], logins[known])
    stated += zip(*(column.tolist() for column in columns), strict=True)
    found = []
    highest: dict[int, list[tuple[int, int, int]]] = {}
    reset: set[int] = set()
    device_of, begin_of = sessions.device.tolist(), sessions.event.tolist()
    for event, session, place, by_server in sorted(stated):
        device = device_of[session]
        mine = highest.setdefault(device, [])
        if session in asked and session not in reset:
            reset.add(session)
            if mine and asked[session] < mine[-1][2]:
                mine.clear()
        begun = begin_of[session]
        witness = next((one for one in reversed(mine) if one[1] == session or one[0] < begun), None)
        if by_server and witness is not None and place < witness[2]:
            found.append((session, witness[2], witness[0], event, place))
        elif not mine or place > mine[-1][2]:
            mine.append((event, session, place))
    return found
