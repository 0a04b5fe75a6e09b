"""What a picture of a finding shows: its messages on all devices, what happened around them, sessions and faults."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from waybill.history.events import Completion, End, Mode, Operation
from waybill.history.membership import NEVER, Ints
from waybill.history.model import History
from waybill.history.prose import Prose
from waybill.history.report import Anomaly, Example
from waybill.history.shapes import short

LANES = 11
"""The most devices; with the lane of the faults there are twelve."""
MARKS = 200
"""The most marks in all."""
MESSAGES = 6
"""The most messages of the finding that are followed."""
FOREVER = 2**62
"""The end of what does not end."""
BESIDE = 12
"""How many events before the first and after the last of the finding belong to the window."""
COPIES = 24
"""The most deliveries of one followed message."""
ABSENT = ("lost-acked", "lost-proven", "stuck", "partial-fanout", "membership-leak", "gap", "stale-read")
"""Anomalies in which a device lacks a message of the finding."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One event on the lane of a device.

    Attributes:
        at: Its time in microseconds, or its number where the history has no times.
        event: Its number.
        device: Whose lane it is on.
        kind: `send`, `ok`, `fail`, `info`, `deliver`, `read` (a delivery that the device asked for), `ask` (another
            operation begins), `told` (a receipt, a presence or a cursor), `end` (a session begins or ends, a view
            ends, a deadline passes).
        text: What it is, in a word or two.
        message: The followed message, by its place among them; -1 for none.
    """

    at: int
    event: int
    device: int
    kind: str
    text: str = ""
    message: int = -1


@dataclass(frozen=True, slots=True)
class Bar:
    """One session on the lane of a device; `begin` and `end` may lie outside of what is shown."""

    device: int
    epoch: int
    begin: int
    end: int
    ended: str
    node: str
    doubtful: bool


@dataclass(frozen=True, slots=True)
class Band:
    """One fault."""

    begin: int
    end: int
    observed: int
    text: str


@dataclass(slots=True)
class Moments:
    """Everything that is shown.

    Attributes:
        anomaly: Its name, with the form in brackets.
        count: How often it occurs.
        sentence: The prose of the example.
        events: The events that prove it.
        timed: Whether the marks carry times or, for want of those, event numbers.
        window: The first and the last event of what is shown.
        devices: The lanes from top to bottom: number and name.
        messages: The names of the followed messages.
        marks: The marks of the finding.
        around: Marks of other messages nearby.
        absent: A followed message and a device that never held it.
        more: For each device how many further events lie in the window.
        hidden: How many further devices have events in the window.
        bars: The sessions.
        bands: The faults.
    """

    anomaly: str
    count: int
    sentence: str
    events: tuple[int, ...]
    timed: bool
    window: tuple[int, int] = (0, 0)
    devices: list[tuple[int, str]] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    around: list[Mark] = field(default_factory=list)
    absent: list[tuple[int, int]] = field(default_factory=list)
    more: dict[int, int] = field(default_factory=dict)
    hidden: int = 0
    bars: list[Bar] = field(default_factory=list)
    bands: list[Band] = field(default_factory=list)


def moments_of(history: History, anomaly: Anomaly, *, marks: int = MARKS) -> Moments:
    """What to show of the worst example of an anomaly, with at most so many marks.

    The window reaches from a little before the first mark of the finding to a little after the last; around the marks
    of the finding are shown the nearest others.
    """
    example = anomaly.examples[0] if anomaly.examples else Example(anomaly.name)
    name = f"{anomaly.name} ({example.sub_kind})" if example.sub_kind else anomaly.name
    finder = _Finder(history)
    followed = finder.messages(example.events)
    found = finder.marks(example.events, followed)
    timed = all(mark.at >= 0 for mark in found)
    shown = Moments(name, anomaly.count, example.sentence, example.events, timed)
    if not timed:
        found = [replace(mark, at=mark.event) for mark in found]
    shown.marks = sorted(found, key=lambda mark: (mark.event, mark.message))[: max(marks * 3 // 4, 12)]
    shown.messages = [finder.prose.message(message) for message in followed]
    numbers = {name.rpartition("#")[2] for name in shown.messages}
    if len(numbers) < len(shown.messages):
        shown.marks = [finder.in_full(mark, shown.messages) for mark in shown.marks]
    if not shown.marks:
        return shown
    shown.window = (shown.marks[0].event - BESIDE, shown.marks[-1].event + BESIDE)
    _surroundings(history, shown, finder, marks - len(shown.marks))
    _sessions(history, shown)
    _faults(history, shown)
    if anomaly.name in ABSENT:
        lanes = {device for device, _ in shown.devices}
        for place, message in enumerate(followed):
            shown.absent += [
                (place, device) for device in finder.lacking(message, example.events) if device in lanes
            ]
    return shown


class _Finder:
    """Finds what stands at an event, and everything about a message."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.prose = Prose(history)

    def messages(self, events: Iterable[int]) -> list[int]:
        """The first few messages that these events concern."""
        found: dict[int, None] = {}
        for event in events:
            message = self._message_at(event)
            if message >= 0 and self.history.messages.sent[message]:
                found[message] = None
        return list(found)[:MESSAGES]

    def marks(self, events: Iterable[int], followed: list[int]) -> list[Mark]:
        """The marks of these events and of everything that became of the followed messages."""
        found: dict[tuple[int, str], Mark] = {}
        for place, message in enumerate(followed):
            for mark in (*self._sends(message, place), *self._deliveries(message, place, set(events))):
                found[mark.event, mark.kind] = mark
        known = {event for event, _ in found}
        for event in events:
            if event not in known:
                for mark in self._at(event):
                    found.setdefault((mark.event, mark.kind), mark)
        return list(found.values())

    @staticmethod
    def in_full(mark: Mark, names: list[str]) -> Mark:
        """A mark that names its message with the device that sent it."""
        if mark.message < 0 or not mark.text.startswith("#"):
            return mark
        sender = short(names[mark.message].rpartition("#")[0], 16)
        return replace(mark, text=f"{sender}{mark.text}")

    def lacking(self, message: int, events: Iterable[int]) -> list[int]:
        """The devices of these events that were never given a message and did not send it."""
        history = self.history
        concerned = dict.fromkeys(mark.device for event in events for mark in self._at(event))
        rows = np.flatnonzero(history.messages.given == message)
        holders = set(history.sessions.device[history.deliveries.session[rows]].tolist())
        sender = int(history.messages.device[message])
        return [device for device in concerned if device >= 0 and device != sender and device not in holders]

    def _message_at(self, event: int) -> int:
        history = self.history
        row = place_of(history.sends.event, event)
        if row >= 0:
            return int(history.sends.message[row])
        row = place_of(history.deliveries.event, event)
        if row >= 0:
            return int(history.messages.given[row])
        for table in (history.oks, history.not_oks):
            row = place_of(table.event, event)
            if row >= 0:
                sends = np.flatnonzero(history.sends.operation == table.operation[row])
                return int(history.sends.message[sends[0]]) if len(sends) else -1
        return -1

    def _sends(self, message: int, place: int) -> Iterator[Mark]:
        """Each attempt of a message and how it ended."""
        history = self.history
        sends, operations = history.sends, history.operations
        rows = np.flatnonzero(sends.message == message)[:8].tolist()
        for attempt, row in enumerate(rows):
            device, operation = int(history.sessions.device[sends.session[row]]), int(sends.operation[row])
            text = f"#{int(history.messages.number[message])}" + (" again" if attempt else "")
            yield Mark(int(sends.time[row]), int(sends.event[row]), device, "send", text, place)
            if operations.completion[operation]:
                yield self._completion(operation, device, place)

    def _completion(self, operation: int, device: int, place: int = -1) -> Mark:
        operations = self.history.operations
        completion = Completion(int(operations.completion[operation]))
        code = int(operations.code[operation])
        texts = {
            Completion.OK: "ack" if operations.what[operation] == Operation.SEND else "ok",
            Completion.FAIL: "refused",
            Completion.INFO: self.history.codes[code] if code >= 0 else "unknown",
        }
        event, at = int(operations.done[operation]), int(operations.done_time[operation])
        return Mark(at, event, device, completion.name.lower(), texts[completion], place)

    def _deliveries(self, message: int, place: int, proving: set[int]) -> Iterator[Mark]:
        """The deliveries of a message; first those that prove the finding, then the earliest."""
        deliveries, sessions = self.history.deliveries, self.history.sessions
        rows = np.flatnonzero(self.history.messages.given == message).tolist()
        rows.sort(key=lambda row: (int(deliveries.event[row]) not in proving, row))
        for row in sorted(rows[:COPIES]):
            pushed = deliveries.mode[row] in (Mode.LIVE, Mode.BACKLOG)
            device = int(sessions.device[deliveries.session[row]])
            text = f"#{int(self.history.messages.number[message])}"
            kind = "deliver" if pushed else "read"
            yield Mark(int(deliveries.time[row]), int(deliveries.event[row]), device, kind, text, place)

    def _at(self, event: int) -> Iterator[Mark]:
        """Whatever stands at one event."""
        history, sessions = self.history, self.history.sessions
        row = place_of(history.invokes.event, event)
        if row >= 0:
            device, operation = (
                int(sessions.device[history.invokes.session[row]]),
                int(history.invokes.operation[row]),
            )
            text = Operation(int(history.invokes.what[row])).name.lower()
            yield Mark(int(history.invokes.time[row]), event, device, "ask", text)
            if history.operations.completion[operation]:
                yield self._completion(operation, device)
        for table in (history.oks, history.not_oks):
            row = place_of(table.event, event)
            if row >= 0:
                operation = int(table.operation[row])
                yield self._completion(operation, int(sessions.device[history.operations.session[operation]]))
        row = place_of(history.sends.event, event)
        if row >= 0:
            device = int(sessions.device[history.sends.session[row]])
            yield Mark(int(history.sends.time[row]), event, device, "send", "send")
        row = place_of(history.deliveries.event, event)
        if row >= 0:
            device = int(sessions.device[history.deliveries.session[row]])
            given = int(history.messages.given[row])
            text = f"#{int(history.messages.number[given])}" if given >= 0 else "unknown message"
            yield Mark(int(history.deliveries.time[row]), event, device, "deliver", text)
        for told, word in (
            (history.receipts, "receipt"),
            (history.presences, "presence"),
            (history.cursors, "cursor"),
        ):
            row = place_of(told.event, event)
            if row >= 0:
                yield Mark(int(told.time[row]), event, int(sessions.device[told.session[row]]), "told", word)
        yield from self._turning(event)

    def _turning(self, event: int) -> Iterator[Mark]:
        """The session that begins or ends, the view that ends or the deadline that passes at one event."""
        history, sessions = self.history, self.history.sessions
        for events, times, words in (
            (sessions.event, sessions.time, "connects"),
            (sessions.end_event, sessions.end_time, "leaves"),
        ):
            for session in np.flatnonzero(events == event).tolist():
                yield Mark(int(times[session]), event, int(sessions.device[session]), "end", words)
        for final in history.finals:
            if final.event == event:
                yield Mark(final.time, event, final.device, "end", "final view")
        for deadline in history.deadlines:
            if deadline.event == event:
                yield Mark(deadline.time, event, deadline.device, "end", "deadline")


def place_of(events: Ints, event: int) -> int:
    """The row of an event in a table that is ordered by them; -1 if it is not there."""
    row = int(np.searchsorted(events, event))
    return row if row < len(events) and events[row] == event else -1


def _surroundings(history: History, shown: Moments, finder: _Finder, room: int) -> None:
    """Chooses the lanes, and the marks of other messages that are nearest to those of the finding."""
    sends, deliveries, operations = history.sends, history.deliveries, history.operations
    first, last = shown.window
    done = np.flatnonzero((operations.what == Operation.SEND) & (operations.completion > 0))
    pushed = np.isin(deliveries.mode, (Mode.LIVE, Mode.BACKLOG))
    kinds = np.concatenate((np.zeros(len(sends.event)), operations.completion[done], np.where(pushed, 4, 5)))
    events = np.concatenate((sends.event, operations.done[done], deliveries.event))
    times = np.concatenate((sends.time, operations.done_time[done], deliveries.time))
    sessions = np.concatenate((sends.session, operations.session[done], deliveries.session)).astype(np.int64)
    devices = history.sessions.device[sessions]
    taken = np.array([mark.event for mark in shown.marks])
    inside = (events >= first) & (events <= last) & ~np.isin(events, taken)
    counts = np.bincount(devices[inside], minlength=len(history.devices))

    proving = sorted(shown.marks, key=lambda mark: mark.event not in shown.events)
    lanes = list(dict.fromkeys(mark.device for mark in proving if mark.device >= 0))[:LANES]
    busy = [
        device
        for device in np.argsort(-counts, kind="stable").tolist()
        if counts[device] and device not in lanes
    ]
    lanes += busy[: max(0, 8 - len(lanes))]
    shown.hidden = len(set(busy) - set(lanes))
    shown.devices = [(device, finder.prose.device(device)) for device in sorted(lanes)]
    shown.marks = [mark for mark in shown.marks if mark.device in lanes]

    places = np.flatnonzero(inside & np.isin(devices, lanes))
    after = np.minimum(np.searchsorted(taken, events[places]), len(taken) - 1)
    before = np.maximum(after - 1, 0)
    distance = np.minimum(np.abs(taken[after] - events[places]), np.abs(events[places] - taken[before]))
    chosen = np.sort(places[np.argsort(distance, kind="stable")[: max(room, 0)]])
    names = {0: "send", 1: "ok", 2: "fail", 3: "info", 4: "deliver", 5: "read"}
    for place in chosen.tolist():
        at = int(times[place]) if shown.timed else int(events[place])
        shown.around.append(Mark(at, int(events[place]), int(devices[place]), names[int(kinds[place])]))
    drawn = np.bincount(devices[chosen], minlength=len(counts))
    shown.more = {
        device: int(counts[device] - drawn[device]) for device in lanes if counts[device] > drawn[device]
    }


def _sessions(history: History, shown: Moments) -> None:
    """The sessions of the lanes that touch the window."""
    sessions = history.sessions
    first, last = shown.window
    several = len({node for node in sessions.node if node}) > 1
    for device, _ in shown.devices:
        for epoch, session in enumerate(np.flatnonzero(sessions.device == device).tolist(), start=1):
            begun, ended = int(sessions.event[session]), int(sessions.end_event[session])
            if begun > last or ended < first:
                continue
            over = ended < NEVER
            begin = int(sessions.time[session]) if shown.timed else begun
            end = FOREVER if not over else int(sessions.end_time[session]) if shown.timed else ended
            word = End(int(sessions.end[session])).name.lower() if over else ""
            doubtful = sessions.credential[session] != 1 or sessions.transport[session] != 1
            node = sessions.node[session] if several else ""
            shown.bars.append(Bar(device, epoch, begin, end, word, node, bool(doubtful)))


def _faults(history: History, shown: Moments) -> None:
    """The faults that touch the window."""
    first, last = shown.window
    for fault in history.faults:
        if fault.event <= last and fault.end >= first:
            begin = fault.time if shown.timed else fault.event
            end = _moment(history, fault.end, shown.timed)
            observed = _moment(history, fault.observed, shown.timed, before=True)
            observed = min(max(observed, begin), end) if fault.observed < NEVER else FOREVER
            text = f"{fault.kind} {fault.scope}".strip()
            shown.bands.append(Band(begin, end, observed, text))


def _moment(history: History, event: int, timed: bool, *, before: bool = False) -> int:
    """When an event was: its number, or the time of the first event after it (the last before it) that says one."""
    if event == NEVER:
        return FOREVER
    if not timed:
        return event
    sessions = history.sessions
    near = sessions.event <= event if before else (sessions.event >= event) & (sessions.event < NEVER)
    times = sessions.time[near].tolist()
    for table in (history.sends, history.invokes, history.oks, history.not_oks, history.deliveries):
        row = int(np.searchsorted(table.event, event)) - before
        if 0 <= row < len(table.time):
            times.append(int(table.time[row]))
    if before:
        return max(times, default=0)
    return min(times, default=FOREVER)
