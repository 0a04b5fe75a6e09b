"""Read and delivery markers: those that go back, and those that differ between a user's devices at rest."""

from __future__ import annotations

import numpy as np

from ..events import Completion, Operation
from ..membership import NEVER, Ints
from ..model import History
from ..prose import Prose
from ..report import Anomaly, Example, anomaly_of
from ..views import compact, passed_over, small, stable_order

_MARKERS = (
    Operation.READ,
    Operation.ACKNOWLEDGE,
    Operation.SYNC,
    Operation.LOGIN,
    Operation.ADD,
    Operation.REMOVE,
    Operation.LEAVE,
    Operation.DELETE,
)
"""The operations that may move a marker."""


def check(history: History) -> list[Anomaly]:
    """`cursor-regression` and `device-divergence`, both in the form `marker`.

    A marker goes back if a session is pushed a lower one than before, or if the answer to a question is below what
    the same device had been told before it asked, or below what the server had confirmed to the user who set it.
    Two devices of a user diverge if both asked at rest - everything that could move the marker had its known outcome
    before - and were told different markers or numbers of unread messages.

    One sort of the receipts for each kind of marker; the pairs at rest cost a dictionary of the last answers.
    """
    if not len(history.receipts.event):
        return []
    return [*_back(history), *_diverging(history)]


def _back(history: History) -> list[Anomaly]:
    receipts, prose = history.receipts, Prose(history)
    found: list[tuple[int, str, int, int, int]] = []
    for kind, marks in (("delivered", receipts.delivered), ("read", receipts.read)):
        rows = np.flatnonzero((marks >= 0) & (receipts.id < 0) & (receipts.user >= 0))
        pushed = rows[receipts.operation[rows] < 0]
        place = _group(history, pushed)
        groups, count = compact(history.sessions.device.shape[0] * place + receipts.session[pushed])
        order = stable_order(groups, count)
        values = small(marks[pushed])[order]
        low, high = passed_over(groups[order], values, values)
        for one, other in zip(pushed[order[low]].tolist(), pushed[order[high]].tolist(), strict=True):
            before, event = int(marks[other]), int(receipts.event[other])
            found.append((one, kind, int(marks[one]), before, event))
        answers = rows[receipts.operation[rows] >= 0]
        device = history.sessions.device[receipts.session]
        width = len(history.devices)
        told = (_group(history, rows) * width + device[rows], receipts.event[rows], marks[rows])
        found += _below(history, answers, _group(history, answers) * width + device[answers], told, kind, marks)
        if kind == "read":
            found += _below(history, answers, _group(history, answers), _confirmed(history), kind, marks)
    first: dict[tuple[int, str], tuple[int, str, int, int, int]] = {}
    for regression in found:
        first.setdefault(regression[:2], regression)
    found = sorted(first.values(), key=lambda one: (int(receipts.event[one[0]]), one[1]))

    def example(row: int, kind: str, value: int, before: int, event: int) -> Example:
        user, place = prose.user(int(receipts.user[row])), prose.conversation(int(receipts.conversation[row]))
        return Example(
            f"the {kind} marker of {user} in {place} went back: it had been {before}, and "
            f"{prose.device_of(int(receipts.session[row]))} was told {value}{prose.at(int(receipts.time[row]))}",
            (event, int(receipts.event[row])),
            "marker",
        )

    return anomaly_of("cursor-regression", found, example, kinds=["marker"] * len(found))


def _group(history: History, rows: Ints) -> Ints:
    """A number for each pair of conversation and user."""
    receipts = history.receipts
    width = len(history.users)
    return receipts.conversation[rows].astype(np.int64) * width + receipts.user[rows] + width


def _confirmed(history: History) -> tuple[Ints, Ints, Ints]:
    """The read markers that the server confirmed to those who set them: group, event, value."""
    invokes, operations = history.invokes, history.operations
    rows = np.flatnonzero((invokes.what == Operation.READ) & (invokes.conversation >= 0))
    rows = rows[operations.completion[invokes.operation[rows]] == Completion.OK]
    stated = history.oks.sequence[operations.row[invokes.operation[rows]]]
    value = np.where(stated >= 0, stated, invokes.value[rows])
    width = len(history.users)
    user = history.sessions.user[invokes.session[rows]]
    group = invokes.conversation[rows].astype(np.int64) * width + user + width
    keep = value >= 0
    return group[keep], operations.done[invokes.operation[rows]][keep], value[keep]


def _below(
    history: History, answers: Ints, groups: Ints, told: tuple[Ints, Ints, Ints], kind: str, marks: Ints
) -> list[tuple[int, str, int, int, int]]:
    """The answers below the highest value of their group that was told before the question."""
    group, event, value = told
    if not len(answers) or not len(group):
        return []
    numbers, _ = compact(np.concatenate((group, groups)))
    keys = numbers[: len(group)].astype(np.int64) << 32 | event
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    heights, _ = compact(np.concatenate((value, marks[answers])))
    peaks = np.maximum.accumulate((keys >> 32 << 32) | heights[: len(value)][order])
    asked = history.operations.event[history.receipts.operation[answers]]
    mine = numbers[len(group) :].astype(np.int64) << 32
    place = np.searchsorted(keys, mine | asked) - 1
    before = peaks[np.maximum(place, 0)]
    low = np.flatnonzero((place >= 0) & (before >> 32 == mine >> 32) & ((mine | heights[len(value) :]) < before))
    source = order[np.searchsorted(peaks, before[low])]
    return [
        (row, kind, int(marks[row]), int(value[at]), int(event[at]))
        for row, at in zip(answers[low].tolist(), source.tolist(), strict=True)
    ]


def _diverging(history: History) -> list[Anomaly]:
    receipts, prose, sessions = history.receipts, Prose(history), history.sessions
    answers = np.flatnonzero((receipts.operation >= 0) & (receipts.id < 0) & (receipts.user >= 0))
    last: dict[tuple[int, int, int], dict[int, int]] = {}
    columns = (receipts.session, receipts.conversation, receipts.user)
    for row, session, place, user in zip(
        answers.tolist(), *(column[answers].tolist() for column in columns), strict=True
    ):
        last.setdefault((int(sessions.user[session]), place, user), {})[int(sessions.device[session])] = row
    found: list[tuple[int, int, str]] = []
    rest = _Rest(history)
    for (_, place, user), by_device in last.items():
        if len(by_device) < 2:
            continue
        quiet = rest.since(place, user)
        asked = history.operations.event
        rows = [row for row in by_device.values() if asked[receipts.operation[row]] > quiet]
        for kind, marks in (("read", receipts.read), ("delivered", receipts.delivered), ("unread", receipts.unread)):
            stated = [row for row in rows if marks[row] >= 0]
            differing = [row for row in stated if marks[row] != marks[stated[0]]]
            found += [(stated[0], row, kind) for row in differing]

    def example(one: int, other: int, kind: str) -> Example:
        marks = {"read": receipts.read, "delivered": receipts.delivered, "unread": receipts.unread}[kind]
        user, place = prose.user(int(receipts.user[one])), prose.conversation(int(receipts.conversation[one]))
        what = "number of unread messages" if kind == "unread" else f"{kind} marker"
        devices = [prose.device_of(int(receipts.session[row])) for row in (one, other)]
        return Example(
            f"at rest the {what} of {user} in {place} is {int(marks[one])} for {devices[0]} and {int(marks[other])} "
            f"for {devices[1]}",
            tuple(sorted((int(receipts.event[one]), int(receipts.event[other])))),
            "marker",
        )

    return anomaly_of("device-divergence", found, example, kinds=["marker"] * len(found))


class _Rest:
    """When nothing could move a marker any more."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._of_user: dict[int, int] = {}
        self._of_conversation: dict[int, int] = {}

    def since(self, conversation: int, user: int) -> int:
        """The event after which the markers of a user in a conversation stay; NEVER if they may always move."""
        if user not in self._of_user:
            self._of_user[user] = self._last_of(user)
        if conversation not in self._of_conversation:
            self._of_conversation[conversation] = self._last_in(conversation)
        return max(self._of_user[user], self._of_conversation[conversation])

    def _last_of(self, user: int) -> int:
        """The last event of the user's own operations that may move a marker."""
        operations, sessions = self._history.operations, self._history.sessions
        moving = np.isin(operations.what, _MARKERS) & (operations.completion != Completion.FAIL)
        reading = (operations.what == Operation.SYNC) | (operations.what == Operation.LOGIN)
        moving &= ~(reading & (operations.completion != Completion.OK))
        moving &= sessions.user[operations.session] == user
        return int(operations.done[moving].max(initial=0))

    def _last_in(self, conversation: int) -> int:
        """The last event of the sends in the conversation, and of their deliveries to anybody."""
        history = self._history
        sends = history.sends.operation[history.sends.conversation == conversation]
        sends = sends[history.operations.completion[sends] != Completion.FAIL]
        given = history.deliveries.event[history.deliveries.conversation == conversation]
        return int(max(history.operations.done[sends].max(initial=0), given.max(initial=0)))
