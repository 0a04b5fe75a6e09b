"""Finds the marks of a picture: what stands at an event, and everything that became of a message."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from waybill.history.events import Completion, Mode, Operation
from waybill.history.membership import Ints
from waybill.history.model import History
from waybill.history.prose import Prose
from waybill.history.shapes import short

MESSAGES = 6
"""The most messages of the finding that are followed."""
COPIES = 24
"""The most deliveries of one followed message."""


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


class Finder:
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
                for mark in self.at(event):
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
        concerned = dict.fromkeys(mark.device for event in events for mark in self.at(event))
        rows = np.flatnonzero(history.messages.given == message)
        holders = set(history.sessions.device[history.deliveries.session[rows]].tolist())
        sender = int(history.messages.device[message])
        return [device for device in concerned if device >= 0 and device != sender and device not in holders]

    def sessions(self, event: int) -> Iterator[int]:
        """The sessions in which an event happened."""
        history = self.history
        for told in (
            history.sends,
            history.invokes,
            history.deliveries,
            history.receipts,
            history.presences,
            history.cursors,
        ):
            row = place_of(told.event, event)
            if row >= 0:
                yield int(told.session[row])
        for answers in (history.oks, history.not_oks):
            row = place_of(answers.event, event)
            if row >= 0:
                yield int(history.operations.session[answers.operation[row]])

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

    def at(self, event: int) -> Iterator[Mark]:
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
