"""Finds the smallest part of a history that still shows a finding.

Delta debugging (Zeller and Hildebrandt, 2002) over whole operations, sessions and faults rather than over events: what
began goes together with how it ended, and with everything that needs it. So an acknowledged send never turns into one
without an answer, and what is left is a history that could have been recorded. It shows the very finding that was
there before - proven by the same events - and no anomaly that was not there before: leaving out a delivery must not
make up a loss.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .checker import check_history
from .model import History
from .report import Anomaly, Example
from .unfolding import Unfolded, fold

Progress = Callable[[int, int], None]
"""Told how many events are left, and after how many tries, each time the history gets smaller."""


class NothingToShrink(Exception):
    """The history does not show what was asked for; the message says what it shows."""


@dataclass(frozen=True, slots=True)
class Shrunk:
    """The smallest history that was found.

    Attributes:
        anomaly: What it shows.
        sentence: The finding, with the numbers that its messages have in what is left.
        events: The events that are left, as objects of the long form.
        before: How many there were.
        tries: How many parts of the history were checked.
        smallest: Nothing more of it can be left out; false if the time was over before that was known.
    """

    anomaly: str
    sentence: str
    events: list[dict[str, Any]]
    before: int
    tries: int
    smallest: bool


def shrink(
    whole: Unfolded, anomaly: str = "", seconds: float = 60.0, progress: Progress = lambda left, tries: None
) -> Shrunk:
    """Leaves out whatever a finding does not need.

    The same history gives the same result, unless the time is over first.

    Args:
        whole: The history.
        anomaly: What must still be shown: its worst example is kept. By default the worst anomaly.
        seconds: When to stop; what is left then is told.
        progress: Told as it goes.

    Raises:
        NothingToShrink: The history does not show it.
    """
    found = check_history(whole.history).anomalies
    wanted = next((one for one in found if anomaly in ("", one.name)), None)
    if wanted is None:
        names = ", ".join(one.name for one in found) or "no anomaly"
        raise NothingToShrink(f"expected {anomaly or 'an anomaly'} in the history, found {names}")
    # A part of a history may lack what the scenario set out to do; that is no more than what shrinking means.
    known = {"vacuous", *(one.name for one in found)}
    shrinking = _Shrinking(whole, wanted, known, time.monotonic() + seconds, progress)
    return shrinking.result()


class _Shrinking:
    """Tries parts of a history; `kept` is the smallest one that showed the finding."""

    def __init__(
        self, whole: Unfolded, wanted: Anomaly, known: set[str], deadline: float, progress: Progress
    ) -> None:
        self._whole = whole
        self._anomaly = wanted.name
        self._example = wanted.examples[0]
        self._known = known
        self._deadline = deadline
        self._progress = progress
        self._unit_of, self._needs = _units(whole.events)
        self._needed_by: dict[int, set[int]] = {}
        for unit, needs in self._needs.items():
            for need in needs:
                self._needed_by.setdefault(need, set()).add(unit)
        self._tries = 0
        self._sentence = self._example.sentence
        self._tried: set[frozenset[int]] = set()
        self._kept = frozenset(self._unit_of)

    def result(self) -> Shrunk:
        """The smallest part."""
        proven = frozenset(self._unit_of[event - 1] for event in self._example.events)
        self._start_small(proven)
        before = None
        while before != self._kept and not self._over():
            before = self._kept
            for groups in (
                self._messages(),
                [frozenset((unit,)) for unit in sorted(self._kept, reverse=True)],
            ):
                self._reduce([group - proven for group in groups if group - proven])
        return Shrunk(
            self._anomaly,
            self._sentence,
            self._events(self._kept),
            len(self._whole.events),
            self._tries,
            smallest=before == self._kept,
        )

    def _start_small(self, proven: frozenset[int]) -> None:
        """Most findings need little beside their proof: the final reads, and what is said of the same messages."""
        finals = {
            self._unit_of[place]
            for place, event in enumerate(self._whole.events)
            if event["event"] == "final"
        }
        messages = [group for group in self._messages() if group & proven]
        for more in (frozenset[int](), frozenset(finals), frozenset(finals).union(*messages)):
            if self._shows(self._with_needs(proven | more)):
                return

    def _reduce(self, groups: list[frozenset[int]]) -> None:
        """Leaves out ever smaller runs of groups, until no single one can go."""
        size = max(1, len(groups) // 2)
        while groups and not self._over():
            place, smaller = 0, False
            while place < len(groups) and not self._over():
                gone = frozenset[int]().union(*groups[place : place + size])
                if self._shows(self._kept - self._with_those_that_need(gone)):
                    groups = [group for group in groups if group & self._kept]
                    smaller = True
                else:
                    place += size
            if size == 1 and not smaller:
                return
            size = max(1, size // 2)

    def _shows(self, units: frozenset[int]) -> bool:
        """Whether a part shows the finding and nothing new; it is kept if so."""
        if units in self._tried or len(units) >= len(self._kept):
            return False
        self._tried.add(units)
        self._tries += 1
        places = [place for place, unit in enumerate(self._unit_of) if unit in units]
        try:
            history = fold(
                self._whole.history.header,
                (dict(self._whole.events[place]) for place in places),
                closed=self._whole.history.closed,
            )
        except ValueError:
            return False
        example = self._found(history, [place + 1 for place in places])
        if example is None:
            return False
        self._kept, self._sentence = units, example.sentence
        self._progress(len(places), self._tries)
        return True

    def _found(self, history: History, numbers: Sequence[int]) -> Example | None:
        """The example that is proven by the same events as before."""
        report = check_history(history)
        if {one.name for one in report.anomalies} - self._known:
            return None
        if any(reason.startswith("the check ") for reason in report.unknown_reasons):
            return None
        for one in report.anomalies:
            if one.name == self._anomaly:
                for example in one.examples:
                    if tuple(numbers[event - 1] for event in example.events) != self._example.events:
                        continue
                    # What is proven by no event, such as an operation that never was, is known by its sentence alone.
                    if example.events or example.sentence == self._example.sentence:
                        return example
        return None

    def _events(self, units: frozenset[int]) -> list[dict[str, Any]]:
        events = zip(self._unit_of, self._whole.events, strict=True)
        return [event for unit, event in events if unit in units]

    def _with_needs(self, units: frozenset[int]) -> frozenset[int]:
        return _closure(units, self._needs)

    def _with_those_that_need(self, units: frozenset[int]) -> frozenset[int]:
        return _closure(units, self._needed_by)

    def _messages(self) -> list[frozenset[int]]:
        """Everything that is left of each message, the latest message first."""
        groups: dict[str, set[int]] = {}
        for unit, event in zip(self._unit_of, self._whole.events, strict=True):
            if unit in self._kept and event.get("key") and event["event"] in ("send", "deliver", "delete"):
                groups.setdefault(event["key"], set()).add(unit)
        return [frozenset(group) for group in reversed(groups.values())]

    def _over(self) -> bool:
        return time.monotonic() >= self._deadline


def _units(events: Sequence[dict[str, Any]]) -> tuple[list[int], dict[int, set[int]]]:
    """For each event its unit, which is the place of the unit's first event; and which units each unit needs."""
    heads: dict[tuple[str, Any], int] = {}
    unit_of = []
    needs: dict[int, set[int]] = {}
    for place, event in enumerate(events):
        head = heads.setdefault(_belongs(event, place), place)
        unit_of.append(head)
        its_needs = needs.setdefault(head, set())
        its_needs.update(heads[need] for need in _needed(event) if need in heads)
        its_needs.discard(head)
        if event["event"] == "deliver":
            heads["delivery", event["number"]] = head
    return unit_of, needs


def _belongs(event: dict[str, Any], place: int) -> tuple[str, Any]:
    """What an event is a part of: an operation, a session, a fault, an operation of administration, or nothing else."""
    what = event["event"]
    if what in ("session", "end"):
        return ("session", event["session"]) if "session" in event else ("event", place)
    for part in ("fault", "administration"):
        if what.startswith(f"{part}-"):
            return part, event[part]
    if "operation" in event and what != "receipt":
        return "operation", event["operation"]
    return "event", place


def _needed(event: dict[str, Any]) -> list[tuple[str, Any]]:
    """What must be there for an event to be there."""
    return [
        (part, event[name])
        for part, name in (
            ("session", "session"),
            ("operation", "operation"),
            ("operation", "read"),
            ("delivery", "delivery"),
        )
        if name in event
        and (name != "read" or event["event"] == "deliver")
        and (name != "operation" or event["event"] == "receipt")
    ]


def _closure(units: frozenset[int], more: dict[int, set[int]]) -> frozenset[int]:
    """Units with everything that hangs on them."""
    found, new = set(units), list(units)
    while new:
        hanging = more.get(new.pop(), set()) - found
        found |= hanging
        new += hanging
    return frozenset(found)
