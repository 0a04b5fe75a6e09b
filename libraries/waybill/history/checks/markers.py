"""Read and delivery markers: those that go back, and those that differ between a user's devices at rest."""

from __future__ import annotations

import numpy as np

from waybill.history.columns import compact, passed_over, small, stable_order
from waybill.history.events import Completion, Operation
from waybill.history.membership import NEVER, Ints
from waybill.history.model import History
from waybill.history.prose import Prose
from waybill.history.report import Anomaly, Example, anomaly_of

Regression = tuple[int, int, int, int, str]
"""The receipt's row, the value before, the event that told it, the lower value, and which marker it is."""

_MOVING = (
    Operation.READ,
    Operation.ACKNOWLEDGE,
    Operation.SYNC,
    Operation.LOGIN,
    Operation.ADD,
    Operation.REMOVE,
    Operation.LEAVE,
    Operation.DELETE,
)
"""The operations of a user that may move a marker."""


def check(history: History) -> list[Anomaly]:
    """`cursor-regression` and `device-divergence` of markers.

    A marker that is pushed must not be below another pushed to the same session before. The answer to a question must
    not be below what the same device had been told before it asked, nor below what the server had confirmed to the
    user who set the marker; what is pushed while the question is under way may overtake the answer.

    Two devices of a user diverge if both asked at rest - everything that could move the marker had a known outcome
    before either asked - and were told different markers or numbers of unread messages.

    One sort of the receipts for each kind of marker.
    """
    if not len(history.receipts.event):
        return []
    return [*_regressions(history), *_divergence(history)]


def _regressions(history: History) -> list[Anomaly]:
    receipts, prose = history.receipts, Prose(history)
    found = sorted(_went_back(history), key=lambda one: (one[0], one[4]))

    def example(row: int, before: int, earlier: int, value: int, kind: str) -> Example:
        user, place = prose.user(int(receipts.user[row])), prose.conversation(int(receipts.conversation[row]))
        return Example(
            f"the {kind.replace('-', ' ')} of {user} in {place} went back: "
            f"{prose.device_of(int(receipts.session[row]))} was told {value}, after {before}",
            (earlier, int(receipts.event[row])),
            kind,
        )

    return anomaly_of("cursor-regression", found, example, kinds=[one[4] for one in found])


def _went_back(history: History) -> list[Regression]:
    receipts, sessions = history.receipts, history.sessions
    found: dict[tuple[int, str], Regression] = {}

    def note(row: int, before: int, earlier: int, kind: str, marks: Ints) -> None:
        found.setdefault((row, kind), (row, before, earlier, int(marks[row]), kind))

    for kind, marks in (("delivered-marker", receipts.delivered), ("read-marker", receipts.read)):
        rows = np.flatnonzero((marks >= 0) & (receipts.id < 0) & (receipts.user >= 0))
        pushed, answers = rows[receipts.operation[rows] < 0], rows[receipts.operation[rows] >= 0]
        groups, count = compact(_group(history, pushed) * len(sessions.device) + receipts.session[pushed])
        order = stable_order(groups, count)
        values = small(marks[pushed])[order]
        low, high = passed_over(groups[order], values, values)
        for row, other in zip(pushed[order[low]].tolist(), pushed[order[high]].tolist(), strict=True):
            note(row, int(marks[other]), int(receipts.event[other]), kind, marks)
        device, width = sessions.device[receipts.session], len(history.devices)
        told = (_group(history, rows) * width + device[rows], receipts.event[rows], marks[rows])
        groups = _group(history, answers)
        for row, before, earlier in _below(history, answers, groups * width + device[answers], told, marks):
            note(row, before, earlier, kind, marks)
        if kind == "read-marker":
            for row, before, earlier in _below(history, answers, groups, _confirmed(history), marks):
                note(row, before, earlier, kind, marks)
    return list(found.values())


def _group(history: History, rows: Ints) -> Ints:
    """A number for each pair of conversation and user."""
    receipts, width = history.receipts, len(history.users)
    numbers: Ints = (receipts.conversation[rows].astype(np.int64) + 1) * width + receipts.user[rows]
    return numbers


def _confirmed(history: History) -> tuple[Ints, Ints, Ints]:
    """The read markers that the server confirmed to those who set them: group, event, value."""
    invokes, operations = history.invokes, history.operations
    rows = np.flatnonzero((invokes.what == Operation.READ) & (invokes.conversation >= 0))
    rows = rows[operations.completion[invokes.operation[rows]] == Completion.OK]
    stated = history.oks.sequence[operations.row[invokes.operation[rows]]]
    value = np.where(stated >= 0, stated, invokes.value[rows])
    user = history.sessions.user[invokes.session[rows]]
    group = (invokes.conversation[rows].astype(np.int64) + 1) * len(history.users) + user
    kept = value >= 0
    return group[kept], operations.done[invokes.operation[rows]][kept], value[kept]


def _below(
    history: History, answers: Ints, groups: Ints, told: tuple[Ints, Ints, Ints], marks: Ints
) -> list[tuple[int, int, int]]:
    """The answers below the highest value of their group that was told before the question: the answer's row, that
    value, and the event that told it."""
    group, event, value = told
    if not len(answers) or not len(group):
        return []
    numbers, _ = compact(np.concatenate((group, groups)))
    ranks, _ = compact(np.concatenate((value, marks[answers])))
    keys = numbers[: len(group)].astype(np.int64) << 32 | event
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    peaks = np.maximum.accumulate((keys >> 32 << 32) | ranks[: len(value)][order])
    mine = numbers[len(group) :].astype(np.int64) << 32
    asked = history.operations.event[history.receipts.operation[answers]]
    place = np.searchsorted(keys, mine | asked) - 1
    before = peaks[np.maximum(place, 0)]
    low = (place >= 0) & (before >> 32 == mine >> 32) & ((mine | ranks[len(value) :]) < before)
    source = order[np.searchsorted(peaks, before[low])]
    return list(zip(answers[low].tolist(), value[source].tolist(), event[source].tolist(), strict=True))


def _divergence(history: History) -> list[Anomaly]:
    found = _diverging(history)
    sessions = (
        np.array([one for _, (one, _) in found], dtype=np.int64),
        np.array([other for _, (_, other) in found], dtype=np.int64),
    )
    kinds = [example.sub_kind for example, _ in found]
    return anomaly_of("device-divergence", found, lambda one, _: one, kinds=kinds, sessions=sessions)


def _diverging(history: History) -> list[tuple[Example, tuple[int, int]]]:
    """The last answers that two devices of a user were given at rest, where they differ, with their sessions."""
    receipts, prose, sessions = history.receipts, Prose(history), history.sessions
    answers = np.flatnonzero((receipts.operation >= 0) & (receipts.id < 0) & (receipts.user >= 0))
    last: dict[tuple[int, int, int], dict[int, int]] = {}
    columns = (receipts.session, receipts.conversation, receipts.user)
    values = (column[answers].tolist() for column in columns)
    for row, session, place, user in zip(answers.tolist(), *values, strict=True):
        last.setdefault((int(sessions.user[session]), place, user), {})[int(sessions.device[session])] = row
    found = []
    rest = _Rest(history)
    for (_, place, user), by_device in sorted(last.items()):
        if len(by_device) < 2:
            continue
        rows = [row for _, row in sorted(by_device.items())]
        for kind, marks in (
            ("marker", receipts.read),
            ("delivered", receipts.delivered),
            ("unread", receipts.unread),
        ):
            stated = [row for row in rows if marks[row] >= 0]
            if len(stated) < 2:
                continue
            quiet = rest.since(place, user, kind)
            stated = [row for row in stated if _asked(history, row) > quiet]
            what = {"marker": "read marker", "unread": "number of unread messages"}.get(
                kind, "delivered marker"
            )
            for row in stated:
                if marks[row] != marks[stated[0]]:
                    one, other = (prose.device_of(int(receipts.session[each])) for each in (stated[0], row))
                    sentence = (
                        f"at rest {one} is told {what} {int(marks[stated[0]])} of {prose.user(user)} in "
                        f"{prose.conversation(place)}, {other} is told {int(marks[row])}"
                    )
                    events = tuple(sorted(int(receipts.event[each]) for each in (stated[0], row)))
                    pair = (int(receipts.session[stated[0]]), int(receipts.session[row]))
                    found.append((Example(sentence, events, kind), pair))
    return found


def _asked(history: History, row: int) -> int:
    return int(history.operations.event[history.receipts.operation[row]])


class _Rest:
    """When nothing could move a marker any more."""

    def __init__(self, history: History) -> None:
        self._history = history
        operations = history.operations
        certain = operations.completion == Completion.OK
        self._until = np.where(certain, operations.done, NEVER)
        self._until[operations.completion == Completion.FAIL] = 0
        self._of_user: dict[tuple[int, bool], int] = {}
        self._of_conversation: dict[tuple[int, bool], int] = {}

    def since(self, conversation: int, user: int, kind: str) -> int:
        """The event after which a marker of a user in a conversation stays; NEVER if it may always move."""
        one, other = (user, kind == "marker"), (conversation, kind == "marker")
        if one not in self._of_user:
            self._of_user[one] = self._last_of(*one)
        if other not in self._of_conversation:
            self._of_conversation[other] = self._last_in(*other)
        return max(self._of_user[one], self._of_conversation[other])

    def _last_of(self, user: int, read: bool) -> int:
        """The last event of the user's own operations that may move a marker; reading the log only if it worked."""
        operations, sessions = self._history.operations, self._history.sessions
        moving = np.isin(operations.what, (Operation.READ,) if read else _MOVING)
        reading = (operations.what == Operation.SYNC) | (operations.what == Operation.LOGIN)
        moving &= ~reading | (operations.completion == Completion.OK)
        moving &= sessions.user[operations.session] == user
        return int(self._until[moving].max(initial=0))

    def _last_in(self, conversation: int, read: bool) -> int:
        """The last event of the sends in the conversation, and of their deliveries to anybody where these count."""
        history = self._history
        sends = history.sends.operation[history.sends.conversation == conversation]
        given = history.deliveries.event[history.deliveries.conversation == conversation]
        return int(max(self._until[sends].max(initial=0), 0 if read else given.max(initial=0)))
