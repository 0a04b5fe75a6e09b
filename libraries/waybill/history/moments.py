"""What a picture of a finding shows: its messages on all devices, what happened around them, sessions and faults."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from waybill.history.bands import BANDS, FOREVER, Band, bands_of
from waybill.history.events import End, Mode, Operation
from waybill.history.marks import Finder, Mark
from waybill.history.membership import NEVER
from waybill.history.model import History
from waybill.history.report import Anomaly, Example

LANES = 11
"""The most devices; with the lane of the faults there are twelve."""
MARKS = 200
"""The most marks in all."""
BESIDE = 12
"""How many events before the first and after the last of the finding belong to the window."""
ABSENT = ("lost-acked", "lost-proven", "stuck", "partial-fanout", "membership-leak", "gap", "stale-read")
"""Anomalies in which a device lacks a message of the finding."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One session on the lane of a device; `begin` and `end` may lie outside of what is shown. `where` names its node
    and its protocol version, where the history has several."""

    device: int
    epoch: int
    begin: int
    end: int
    ended: str
    where: str
    doubtful: bool


@dataclass(slots=True)
class Moments:
    """Everything that is shown.

    Attributes:
        anomaly: Its name, with the form in brackets.
        count: How often it occurs.
        sentence: The prose of the example, with its faults.
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
        bands: The faults, and what was administered.
        unbanded: How many more of them there are in the window.
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
    unbanded: int = 0


def moments_of(history: History, anomaly: Anomaly, *, marks: int = MARKS, bands: int = BANDS) -> Moments:
    """What to show of the worst example of an anomaly, with at most so many marks and bands.

    The window reaches from a little before the first mark of the finding to a little after the last; around the marks
    of the finding are shown the nearest others.
    """
    example = anomaly.examples[0] if anomaly.examples else Example(anomaly.name)
    name = f"{anomaly.name} ({example.sub_kind})" if example.sub_kind else anomaly.name
    sentence = f"{example.sentence}. {example.meanwhile}" if example.meanwhile else example.sentence
    finder = Finder(history)
    followed = finder.messages(example.events)
    found = finder.marks(example.events, followed)
    timed = all(mark.at >= 0 for mark in found)
    shown = Moments(name, anomaly.count, sentence, example.events, timed)
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
    near = [mark.event for mark in shown.marks]
    shown.bands, shown.unbanded = bands_of(history, shown.window, near, timed=timed, most=bands)
    if anomaly.name in ABSENT:
        lanes = {device for device, _ in shown.devices}
        for place, message in enumerate(followed):
            shown.absent += [
                (place, device) for device in finder.lacking(message, example.events) if device in lanes
            ]
    return shown


def _surroundings(history: History, shown: Moments, finder: Finder, room: int) -> None:
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
    nodes = len({node for node in sessions.node if node}) > 1
    versions = len(np.unique(sessions.version[sessions.version > 0])) > 1
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
            where = sessions.node[session] if nodes else ""
            if versions and sessions.version[session] > 0:
                where = f"{where} v{int(sessions.version[session])}".strip()
            shown.bars.append(Bar(device, epoch, begin, end, word, where, bool(doubtful)))
