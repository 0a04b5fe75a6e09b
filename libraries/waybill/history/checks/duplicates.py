"""One message twice: stored, delivered or accepted."""

from __future__ import annotations

import numpy as np

from waybill.history.events import Completion, Mode, Operation
from waybill.history.membership import NEVER, Bools, Ints
from waybill.history.model import History
from waybill.history.prose import Prose
from waybill.history.report import Anomaly, Example, anomaly_of
from waybill.history.views import is_pushed, senders_of


def check(history: History) -> list[Anomaly]:
    """`duplicate-stored`, `duplicate-delivered` and `duplicate-accepted`.

    Whatever was given, stored or accepted once costs one pass; only what occurs twice is looked at closely. A target
    that promises `dedup` `"none"` may store and accept a message as often as it was tried.
    """
    return [*_stored(history), *_delivered(history), *_accepted(history)]


def _may_repeat(history: History, messages: Ints) -> Bools:
    if history.promise("dedup", "durable") == "none":
        repeated: Bools = history.messages.attempts[messages] > 1
        return repeated
    return np.zeros(len(messages), dtype=np.bool_)


def _stored(history: History) -> list[Anomaly]:
    """Deliveries of one message under two server ids; under two sequences where the server has no ids."""
    deliveries, messages, prose = history.deliveries, history.messages, Prose(history)
    found: list[tuple[int, int]] = []
    known = np.flatnonzero(messages.given >= 0)
    known = known[~messages.ambiguous[messages.given[known]]]
    for column in (deliveries.id, deliveries.sequence):
        rows = known[column[known] >= 0]
        if column is deliveries.sequence:
            rows = rows[deliveries.id[rows] < 0]
        first = np.full(len(messages.sent) + 1, -1, dtype=np.int64)
        first[messages.given[rows[::-1]]] = rows[::-1]
        other = rows[column[rows] != column[first[messages.given[rows]]]]
        other = other[~_may_repeat(history, messages.given[other])]
        once: dict[tuple[int, int], tuple[int, int]] = {}
        for row in other.tolist():
            message = int(messages.given[row])
            once.setdefault((message, int(column[row])), (int(first[message]), row))
        found += once.values()

    def example(one: int, two: int) -> Example:
        message = int(messages.given[two])
        names = [
            f"id {prose.id(int(deliveries.id[row]))}"
            if deliveries.id[row] >= 0
            else f"sequence {int(deliveries.sequence[row])}"
            for row in (one, two)
        ]
        devices = [prose.device_of(int(deliveries.session[row])) for row in (one, two)]
        return Example(
            f"{prose.message(message)} is in the log twice: {devices[0]} got it as {names[0]}, {devices[1]} as "
            f"{names[1]}; it was tried {int(messages.attempts[message])} times under one key",
            tuple(
                sorted((int(messages.invoked[message]), *(int(deliveries.event[row]) for row in (one, two))))
            ),
        )

    rows = np.array([two for _, two in found], dtype=np.int64)
    return anomaly_of(
        "duplicate-stored",
        sorted(found, key=lambda pair: pair[1]),
        example,
        sessions=(senders_of(history, rows), deliveries.session[rows]),
    )


def _delivered(history: History) -> list[Anomaly]:
    deliveries, messages, prose = history.deliveries, history.messages, Prose(history)
    pushed = is_pushed(history)
    found: list[tuple[int, int, str]] = []
    size = len(messages.sent)
    first = np.full(size + len(history.ids) + 1, -1, dtype=np.int64)
    for device, rows in enumerate(history.rows_of_devices):
        named = _identity(history, rows)
        own, identity = rows[named >= 0], named[named >= 0]
        first[identity[::-1]] = own[::-1]
        again = first[identity] != own
        if again.any():
            concerned = np.isin(identity, identity[again])
            found += _repeats(history, device, own[concerned], identity[concerned], pushed)
    found.sort(key=lambda one: one[1])

    def example(one: int, two: int, kind: str) -> Example:
        device = prose.device_of(int(deliveries.session[two]))
        how = {
            "same-epoch": "twice in one session",
            "acknowledged": "again after it had acknowledged it",
            "same-page": "twice in one page",
            "before-page": "in a page that begins after it",
            "next-page": "in the page that begins where the one with it was said to end",
        }[kind]
        return Example(
            f"{device} got {prose.delivery(two)} {how}",
            tuple(sorted({int(deliveries.event[one]), int(deliveries.event[two])})),
            kind,
        )

    rows = np.array([two for _, two, _ in found], dtype=np.int64)
    sessions = (senders_of(history, rows), deliveries.session[rows])
    return anomaly_of(
        "duplicate-delivered", found, example, kinds=[kind for *_, kind in found], sessions=sessions
    )


def _identity(history: History, rows: Ints) -> Ints:
    """What makes two deliveries the same: the message; without one the server's id; -1 if nobody can tell."""
    messages, ids = history.messages, history.deliveries.id[rows]
    given = messages.given[rows]
    size = len(messages.sent)
    identity = np.where(given >= 0, given, np.where(ids >= 0, ids + size, -1))
    if messages.ambiguous.any():
        identity = np.where(
            (given >= 0) & messages.ambiguous[given], np.where(ids >= 0, ids + size, -1), identity
        )
    return identity


def _repeats(
    history: History, device: int, rows: Ints, identity: Ints, pushed: Bools
) -> list[tuple[int, int, str]]:
    deliveries, reads = history.deliveries, _Reads(history)
    acknowledged = _Acknowledged(history, device)
    by_identity: dict[int, list[int]] = {}
    for row, one in zip(rows.tolist(), identity.tolist(), strict=True):
        by_identity.setdefault(one, []).append(row)
    found = []
    for identified, group in by_identity.items():
        legal = _legal_copies(history, identified, group[0])
        if legal > 1:
            found += _too_many(history, group, legal)
            continue
        for place, row in enumerate(group[1:], 1):
            copy = int(deliveries.id[row])
            earlier = [one for one in group[:place] if deliveries.id[one] == copy]
            if not earlier:
                continue
            session = int(deliveries.session[row])
            if pushed[row]:
                twin = next(
                    (one for one in earlier if pushed[one] and deliveries.session[one] == session), None
                )
                if twin is not None:
                    found.append((twin, row, "same-epoch"))
                elif acknowledged.before(session, row, earlier):
                    found.append((earlier[-1], row, "acknowledged"))
            elif deliveries.read[row] >= 0:
                found += reads.again(row, earlier)
    return found


def _legal_copies(history: History, identity: int, row: int) -> int:
    """How many copies of a message may exist: one for each attempt, where nothing is deduplicated and no id tells the
    copies apart; else one."""
    messages = history.messages
    if identity >= len(messages.sent) or history.deliveries.id[row] >= 0:
        return 1
    repeatable = _may_repeat(history, np.array([identity]))[0]
    return int(messages.attempts[identity]) if repeatable else 1


def _too_many(history: History, rows: list[int], legal: int) -> list[tuple[int, int, str]]:
    """More copies in one session than may exist; which copy a later session was given again nobody can tell."""
    by_session: dict[int, list[int]] = {}
    for row in rows:
        by_session.setdefault(int(history.deliveries.session[row]), []).append(row)
    return [(own[0], own[legal], "same-epoch") for own in by_session.values() if len(own) > legal]


class _Reads:
    """The pages that were asked for: where each begins, and where it was said to end."""

    def __init__(self, history: History) -> None:
        operations, invokes = history.operations, history.invokes
        self._deliveries = history.deliveries
        self._after = np.full(len(operations.what), -1, dtype=np.int64)
        self._after[invokes.operation] = invokes.value
        self._end = np.full(len(operations.what), -1, dtype=np.int64)
        pages = np.flatnonzero((operations.what == Operation.SYNC) & (operations.completion == Completion.OK))
        self._end[pages] = history.oks.value[operations.row[pages]]

    def again(self, row: int, earlier: list[int]) -> list[tuple[int, int, str]]:
        """What is wrong with a page that shows a message once more; nothing if it just reads the same stretch."""
        deliveries, read = self._deliveries, int(self._deliveries.read[row])
        after = int(self._after[read])
        twin = next((one for one in earlier if deliveries.read[one] == read), None)
        if twin is not None:
            return [(twin, row, "same-page")]
        if deliveries.mode[row] == Mode.PAGE and 0 <= int(deliveries.cursor[row]) <= after:
            return [(earlier[-1], row, "before-page")]
        pages = [one for one in earlier if deliveries.read[one] >= 0]
        twin = next((one for one in pages if self._end[deliveries.read[one]] == after >= 0), None)
        return [] if twin is None else [(twin, row, "next-page")]


class _Acknowledged:
    """What one device had certainly acknowledged when a session of it began."""

    def __init__(self, history: History, device: int) -> None:
        invokes, operations, sessions = history.invokes, history.operations, history.sessions
        self._history = history
        mine = sessions.device[invokes.session] == device
        rows = np.flatnonzero(mine & (invokes.what == Operation.ACKNOWLEDGE))
        rows = rows[operations.completion[invokes.operation[rows]] == Completion.OK]
        self._cumulative = [
            (int(operations.done[invokes.operation[row]]), int(invokes.value[row]))
            for row in rows.tolist()
            if invokes.value[row] >= 0
        ]
        self._ids: dict[int, int] = {}
        self._numbers: dict[int, int] = {}
        for row in rows.tolist():
            done = int(operations.done[invokes.operation[row]])
            for table, column in ((self._ids, invokes.id), (self._numbers, invokes.delivery)):
                if column[row] >= 0:
                    table[int(column[row])] = min(done, table.get(int(column[row]), NEVER))
        logins = np.flatnonzero(mine & (invokes.what == Operation.LOGIN))
        self._asked = {int(invokes.session[row]): int(invokes.value[row]) for row in logins.tolist()}

    def before(self, session: int, row: int, earlier: list[int]) -> bool:
        """Whether one of the earlier deliveries was acknowledged, and that confirmed, before a session began."""
        deliveries = self._history.deliveries
        begun = int(self._history.sessions.event[session])
        cursor, asked = int(deliveries.cursor[row]), self._asked.get(session, -1)
        if 0 <= asked < cursor:
            return False
        for one in earlier:
            own = int(deliveries.cursor[one])
            if own >= 0 and any(done < begun and value >= own for done, value in self._cumulative):
                return True
            if self._ids.get(int(deliveries.id[one]), NEVER) < begun and deliveries.id[one] >= 0:
                return True
            if self._numbers.get(number_of(self._history, one), NEVER) < begun:
                return True
        return False


def number_of(history: History, row: int) -> int:
    """The number under which a device may acknowledge a delivery."""
    number = int(history.deliveries.number[row])
    return number if number >= 0 else row + 1


def _accepted(history: History) -> list[Anomaly]:
    """Two acknowledgements of one key with different ids, of different bodies, or two answers to one attempt."""
    sends, operations, oks = history.sends, history.operations, history.oks
    messages, prose = history.messages, Prose(history)
    completed = np.flatnonzero(operations.completion[sends.operation] == Completion.OK)
    first = np.full(len(messages.sent), -1, dtype=np.int64)
    first[sends.message[completed[::-1]]] = completed[::-1]
    before = first[sends.message[completed]]
    again = before != completed
    found: list[tuple[int, int, str]] = []
    pairs = zip(before[again].tolist(), completed[again].tolist(), strict=True)
    for one, two in pairs:
        rows = [int(operations.row[sends.operation[send]]) for send in (one, two)]
        column = oks.id if oks.id[rows[0]] >= 0 else oks.sequence
        differ = column[rows[0]] != column[rows[1]] and min(column[rows[0]], column[rows[1]]) >= 0
        if sends.digest[one] != sends.digest[two]:
            found.append((int(oks.event[rows[0]]), int(oks.event[rows[1]]), "bodies"))
        elif differ and not _may_repeat(history, sends.message[[two]])[0]:
            found.append((int(oks.event[rows[0]]), int(oks.event[rows[1]]), "ids"))
    message_of = np.full(len(operations.what), -1, dtype=np.int32)
    message_of[sends.operation] = sends.message
    row_of = operations.row[oks.operation]
    extra = np.flatnonzero(
        (row_of != np.arange(len(row_of))) & (operations.what[oks.operation] == Operation.SEND)
    )
    found += [(int(oks.event[row_of[row]]), int(oks.event[row]), "answers") for row in extra.tolist()]
    found.sort(key=lambda one: one[1])
    operation_at = dict(zip(oks.event[extra].tolist(), oks.operation[extra].tolist(), strict=True))
    for row in completed[again].tolist():
        operation = int(sends.operation[row])
        operation_at[int(operations.done[operation])] = operation

    def example(one: int, two: int, kind: str) -> Example:
        message = int(message_of[operation_at[two]])
        how = {
            "bodies": "was acknowledged with two different bodies under one key",
            "ids": "was acknowledged twice, with two different ids",
            "answers": "was answered twice: one attempt, two acknowledgements",
        }[kind]
        return Example(f"{prose.message(message)} {how}", (int(messages.invoked[message]), one, two), kind)

    return anomaly_of("duplicate-accepted", found, example, kinds=[kind for *_, kind in found])
