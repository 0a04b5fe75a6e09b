"""The bands of a picture: what was done to the server meanwhile - faults, and operations of administration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from waybill.history.membership import NEVER
from waybill.history.model import History
from waybill.history.prose import Prose
from waybill.history.tables import Administration
from waybill.history.windows import told

BANDS = 40
"""The most bands; what is further from the finding is counted."""
FOREVER = 2**62
"""The end of what does not end."""


@dataclass(frozen=True, slots=True)
class Band:
    """Something that was done to the server, from its begin to its end.

    Attributes:
        begin: When it began: its time in microseconds, or its event where the history has no times.
        end: When it was over; FOREVER if nobody said so.
        observed: When its effect was seen; FOREVER if it was not, or where there is nothing to see.
        text: Its name in a few words.
        told: Everything that its events say, in a line.
        fault: Whether it is a fault; else somebody administered the server.
    """

    begin: int
    end: int
    observed: int
    text: str
    told: str
    fault: bool = True


def bands_of(
    history: History, window: tuple[int, int], near: Sequence[int], *, timed: bool, most: int = BANDS
) -> tuple[list[Band], int]:
    """The bands that touch a window, in order, and how many more there are.

    Args:
        history: The history.
        window: The first and the last event of what is shown.
        near: The events of the finding, ordered; the bands nearest to them are kept.
        timed: Whether what is shown has times.
        most: How many bands there may be.
    """
    first, last = window
    found: list[tuple[int, int, Band]] = []
    for fault in history.faults:
        if fault.event <= last and fault.end >= first:
            begin = fault.time if timed and fault.time >= 0 else moment(history, fault.event, timed)
            end = fault.end_time if timed and fault.end_time >= 0 else moment(history, fault.end, timed)
            seen = fault.observed_time
            if not timed or seen < 0:
                seen = moment(history, fault.observed, timed, before=True)
            seen = min(max(seen, begin), end) if fault.observed < NEVER else FOREVER
            text = f"{fault.kind} {fault.scope}".strip()
            found.append((fault.event, fault.end, Band(begin, end, seen, text, told(fault))))
    for asked in history.administrations:
        if asked.event <= last and asked.done >= first:
            begin = asked.time if timed and asked.time >= 0 else moment(history, asked.event, timed)
            end = asked.done_time if timed and asked.done_time >= 0 else moment(history, asked.done, timed)
            text, line = _administered(history, asked)
            found.append((asked.event, asked.done, Band(begin, end, FOREVER, text, line, fault=False)))
    marks = np.array(near)

    def distance(one: tuple[int, int, Band]) -> int:
        begin, end, _ = one
        return int(np.maximum(np.maximum(begin - marks, marks - end), 0).min()) if len(marks) else 0

    kept = sorted(sorted(found, key=distance)[:most], key=lambda one: one[:2])
    return [band for *_, band in kept], len(found) - len(kept)


def _administered(history: History, asked: Administration) -> tuple[str, str]:
    """An operation of administration in a few words, and in a line."""
    prose = Prose(history)
    about = prose.device(asked.device) if asked.device >= 0 else ""
    if not about and asked.user >= 0:
        about = prose.user(asked.user)
    if not about and asked.session > 0:
        about = f"session {asked.session}"
    if not about and asked.token > 0:
        about = f"token {asked.token}"
    text = f"{asked.operation} {about}".strip()
    outcome = "nobody knows" if asked.outcome is None else asked.outcome.name.lower()
    words = {"ok": "confirmed", "fail": "refused", "info": "nobody knows"}.get(outcome, outcome)
    if asked.time >= 0:
        until = f" to {asked.done_time / 1000:,.3f}" if asked.done_time >= 0 else ""
        return text, f"{text}, {asked.time / 1000:,.3f}{until} ms: {words}"
    return text, f"{text}, event {asked.event}: {words}"


def moment(history: History, event: int, timed: bool, *, before: bool = False) -> int:
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
