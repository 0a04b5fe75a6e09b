"""What had to arrive and did not: lost, stuck, dropped in silence, or given to some members only."""

from __future__ import annotations

from collections import Counter

import numpy as np

from waybill.history.events import Completion, Mode, Operation
from waybill.history.expiry import told
from waybill.history.membership import NEVER, Bools, Ints
from waybill.history.model import Fault, History
from waybill.history.prose import Prose
from waybill.history.report import Anomaly, Example, anomaly_of
from waybill.history.views import holdings

SHORTLY = 2_000_000
"""Microseconds before a fault in which an acknowledgement counts as shortly before it; batches of commits and caches
that are written behind last well below that."""
DESTRUCTIVE = {"kill", "crash", "power", "disk", "fsync", "storage", "io", "torn", "wal", "full", "readonly"}
"""Words in the kind of a fault that can lose what is not on the disk."""


def check(history: History) -> list[Anomaly]:
    """`lost-acked`, `lost-proven`, `premature-ack`, `partial-fanout`, `silent-drop` and `stuck`.

    A message is lost at a device if it must be given to it (see `views.must_be_given`), certainly existed when the
    device's complete final read began, and is in nothing that the device was given. One pass over the deliveries of
    each device and over what it must hold.

    Where a device read its whole log at the end, from position 0, a message that it was given earlier and that the log
    no longer shows is lost too (`forgotten`), since a new device would never get it.
    """
    lost = _lost(history)
    return [
        *_report_lost(history, lost),
        *_premature(history, lost),
        *_partial(history, lost),
        *_silent(history, lost),
        *_stuck(history),
    ]


class _Lost:
    """Pairs of a message and a device that lacks it, in the order of the messages' first attempts."""

    def __init__(self, message: Ints, device: Ints, kind: list[str]) -> None:
        self.message = message
        self.device = device
        self.kind = kind


def _lost(history: History) -> _Lost:
    messages = history.messages
    found: list[Ints] = []
    devices: list[int] = []
    kinds: list[str] = []
    for holding in holdings(history):
        if holding.begin == NEVER:
            continue
        must = holding.must[messages.effect[holding.must] < holding.begin]
        read = _final_read(history, holding.device)
        lacking = ~(holding.held if read is None else read)[must]
        if messages.ambiguous.any():
            lacking &= ~messages.ambiguous[must]
            lacking |= np.isin(must, _too_few(history, holding.device, must))
        missing = must[lacking]
        if len(missing):
            missing = missing[np.argsort(messages.invoked[missing], kind="stable")]
            found.append(missing)
            devices += [holding.device] * len(missing)
            places = _places(history, missing, must[~lacking])
            had = (holding.held[missing] & ~messages.ambiguous[missing]).tolist()
            kinds += ["forgotten" if once else place for once, place in zip(had, places, strict=True)]
    if not found:
        nothing = np.empty(0, dtype=np.int64)
        return _Lost(nothing, nothing, [])
    message, device = np.concatenate(found), np.array(devices)
    order = np.lexsort((device, messages.invoked[message]))
    return _Lost(message[order], device[order], [kinds[place] for place in order.tolist()])


def _too_few(history: History, device: int, must: Ints) -> list[int]:
    """Of messages that nobody can tell apart: as many acknowledged ones as a device was given too few."""
    messages = history.messages
    given = messages.given[history.rows_of_devices[device]]
    given = given[given >= 0]
    given = given[messages.ambiguous[given]]

    def alike(message: int) -> tuple[int, int]:
        return int(messages.conversation[message]), int(messages.digest[message])

    have = Counter(alike(message) for message in given.tolist())
    found = []
    owed = must[messages.ambiguous[must] & (messages.acknowledged[must] < NEVER)]
    for message in owed[np.argsort(messages.invoked[owed], kind="stable")].tolist():
        have[alike(message)] -= 1
        if have[alike(message)] < 0:
            found.append(message)
    return found


def _final_read(history: History, device: int) -> Bools | None:
    """For each message whether the device's final read showed it; None if that read did not begin at the log's start.

    A final read of pages that begin at 0 is the whole log. Any other one only adds to what the device was given.
    """
    rows = history.rows_of_devices[device]
    rows = rows[history.deliveries.mode[rows] == Mode.FINAL]
    reads = np.unique(history.deliveries.read[rows])
    from_start = history.invokes.operation[
        (history.invokes.what == Operation.SYNC) & (history.invokes.value == 0)
    ]
    if not np.isin(reads, from_start).any():
        return None
    shown = np.zeros(len(history.messages.sent) + 1, dtype=np.bool_)
    shown[history.messages.given[rows]] = True
    return shown[:-1]


def _places(history: History, missing: Ints, held: Ints) -> list[str]:
    """Where in its stream each missing message stood: before everything that arrived, after it, or in between."""
    messages = history.messages
    width = len(history.conversations) + 1
    stream = messages.device.astype(np.int64) * width + messages.conversation
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    concerned = held[np.isin(stream[held], np.unique(stream[missing]))]
    for key, invoked in zip(stream[concerned].tolist(), messages.invoked[concerned].tolist(), strict=True):
        first[key] = min(first.get(key, NEVER), invoked)
        last[key] = max(last.get(key, 0), invoked)
    kinds = []
    for key, invoked in zip(stream[missing].tolist(), messages.invoked[missing].tolist(), strict=True):
        if key not in first:
            kinds.append("whole")
        elif invoked < first[key]:
            kinds.append("prefix")
        else:
            kinds.append("suffix" if invoked > last[key] else "middle")
    return kinds


def _sessions(history: History, message: Ints, device: Ints) -> tuple[Ints, Ints]:
    """The sending session, and the last session of the device that lacks the message."""
    last = np.full(len(history.devices), -1, dtype=np.int64)
    for session, its_device in enumerate(history.sessions.device.tolist()):
        if its_device >= 0:
            last[its_device] = session
    return history.messages.session[message], last[device]


def _report_lost(history: History, lost: _Lost) -> list[Anomaly]:
    prose, messages = Prose(history), history.messages
    in_k = messages.acknowledged[lost.message] < NEVER

    def acked(message: int, device: int, kind: str) -> Example:
        at = prose.at(int(messages.acknowledged_time[message]))
        name = prose.device(device)
        what = {
            "whole": f"{name} got nothing of its whole stream",
            "forgotten": f"{name}, which had got it, no longer finds it in its log",
        }.get(kind, f"{name} never got it; it is missing from the {kind} of its stream")
        return Example(
            f"{prose.message(message)} in {prose.conversation(int(messages.conversation[message]))} was acknowledged"
            f"{at}, but {what}",
            (*prose.send_events(message), history.final_begin[device]),
            kind,
        )

    def proven(message: int, device: int, kind: str) -> Example:
        row = int(np.flatnonzero(messages.given == message)[0])
        session = int(history.deliveries.session[row])
        return Example(
            f"{prose.message(message)} had no known outcome, but {prose.device_of(session)} got it, so it exists; "
            f"{prose.device(device)} "
            + ("no longer finds it in its log" if kind == "forgotten" else "never got it"),
            (*prose.send_events(message), int(history.deliveries.event[row]), history.final_begin[device]),
            kind,
        )

    anomalies = []
    for name, chosen, example in (("lost-acked", in_k, acked), ("lost-proven", ~in_k, proven)):
        places = np.flatnonzero(chosen).tolist()
        anomalies += anomaly_of(
            name,
            [(int(lost.message[place]), int(lost.device[place]), lost.kind[place]) for place in places],
            example,
            kinds=[lost.kind[place] for place in places],
            sessions=_sessions(history, lost.message[chosen], lost.device[chosen]),
        )
    return anomalies


def _premature(history: History, lost: _Lost) -> list[Anomaly]:
    """Lost messages that nobody saw any more after a destructive fault, acknowledged shortly before it.

    An acknowledgement may also come in while the fault strikes: after its start and before its effect was observed.
    """
    prose, messages, deliveries = Prose(history), history.messages, history.deliveries
    faults = [
        fault
        for fault in history.faults
        if DESTRUCTIVE & set(fault.kind.lower().replace("_", "-").split("-"))
    ]
    found: list[tuple[int, Fault]] = []
    if faults and len(lost.message):
        last_seen = np.full(len(messages.sent) + 1, -1, dtype=np.int64)
        np.maximum.at(last_seen, messages.given, deliveries.event)
        for message in dict.fromkeys(lost.message.tolist()):
            acknowledged, time = int(messages.acknowledged[message]), int(messages.acknowledged_time[message])
            after = next((fault for fault in faults if _struck(fault) > acknowledged), None)
            timed = after is not None and after.time >= 0 and time >= 0
            if after is None or last_seen[message] > after.event or (timed and after.time - time > SHORTLY):
                continue
            found.append((message, after))

    def example(message: int, fault: Fault) -> Example:
        gap = fault.time - int(messages.acknowledged_time[message])
        timed = fault.time >= 0 and messages.acknowledged_time[message] >= 0
        when = f"{gap / 1000:.3f} ms before the fault" if timed else "before the fault"
        when = when if fault.event > messages.acknowledged[message] else "during the fault"
        return Example(
            f"{prose.message(message)} was acknowledged {when} {fault.kind} on {fault.scope}, and "
            f"nobody saw it afterwards: the acknowledgement came before the message was safe",
            tuple(sorted((*prose.send_events(message), fault.event))),
        )

    return anomaly_of("premature-ack", found, example)


def _struck(fault: Fault) -> int:
    """The event by which a fault had its effect; its start if nobody observed one."""
    effect = min(fault.observed, fault.end)
    return effect if effect < NEVER else fault.event


def _partial(history: History, lost: _Lost) -> list[Anomaly]:
    """Messages that some members got, while all judged devices of another member lack them."""
    messages, prose = history.messages, Prose(history)
    if not len(lost.message):
        return []
    lacking: dict[tuple[int, int], list[int]] = {}
    for message, device in zip(lost.message.tolist(), lost.device.tolist(), strict=True):
        if messages.ambiguous[message]:
            continue
        lacking.setdefault((message, int(history.device_user[device])), []).append(device)
    concerned = np.zeros(len(messages.sent) + 1, dtype=np.bool_)
    concerned[lost.message] = True
    rows = np.flatnonzero(concerned[messages.given])
    users = history.sessions.user[history.deliveries.session[rows]]
    got: dict[int, dict[int, int]] = {}
    for message, user, row in zip(messages.given[rows].tolist(), users.tolist(), rows.tolist(), strict=True):
        got.setdefault(message, {}).setdefault(user, row)
    missed: dict[int, list[int]] = {}
    for message, user in lacking:
        holders = got.get(message, {})
        if user not in holders and any(holder not in (user, messages.sender[message]) for holder in holders):
            missed.setdefault(message, []).append(user)

    def example(message: int, without: list[int]) -> Example:
        holders = {user: row for user, row in got[message].items() if user != messages.sender[message]}
        row = min(holders.values())
        names = ", ".join(prose.user(user) for user in sorted(without)[:5])
        more = f" and {len(without) - 5} more" if len(without) > 5 else ""
        return Example(
            f"{prose.message(message)} reached {len(holders)} members of "
            f"{prose.conversation(int(messages.conversation[message]))}, but not {names}{more}",
            (*prose.send_events(message), int(history.deliveries.event[row])),
        )

    return anomaly_of("partial-fanout", list(missed.items()), example)


def _silent(history: History, lost: _Lost) -> list[Anomaly]:
    """Sends over a quota that were neither kept after an acknowledgement nor refused."""
    sends, operations, sessions = history.sends, history.operations, history.sessions
    prose, messages = Prose(history), history.messages
    over = np.flatnonzero(sends.over_quota == 1)
    if not len(over):
        return []
    lacking = set(lost.message[messages.acknowledged[lost.message] < NEVER].tolist())
    found = []
    for row in over.tolist():
        message, operation = int(sends.message[row]), int(sends.operation[row])
        completion = int(operations.completion[operation])
        if completion == Completion.OK and message in lacking:
            found.append((row, "acknowledged"))
        elif completion in (0, Completion.INFO):
            ended = int(sessions.end_event[sends.session[row]])
            done = min(int(operations.done[operation]), history.count)
            retried = messages.acknowledged[message] < NEVER and message not in lacking
            answered = ended < done or (completion == 0 and not history.closed)
            if not answered and not retried and history.healthy(int(sends.event[row]), done):
                found.append((row, "unanswered"))

    def example(row: int, kind: str) -> Example:
        message = int(sends.message[row])
        said = "was acknowledged but not kept" if kind == "acknowledged" else "was never answered"
        return Example(
            f"{prose.message(message)} was sent over a quota and {said}: it must be kept or refused",
            (int(sends.event[row]), *prose.send_events(message)[1:]),
            kind,
        )

    return anomaly_of("silent-drop", found, example, kinds=[kind for _, kind in found])


def _stuck(history: History) -> list[Anomaly]:
    """Acknowledged messages that a device still lacked when the drain deadline passed without any fault in force."""
    prose, messages = Prose(history), history.messages
    wanted = {key for deadline in history.deadlines for _, key in deadline.missing}
    if not wanted:
        return []
    conversations = {name: number for number, name in enumerate(history.conversations)}
    by_key: dict[tuple[int, str], list[int]] = {}
    for message, key in enumerate(history.keys):
        if key in wanted and messages.sent[message]:
            by_key.setdefault((int(messages.conversation[message]), key), []).append(message)
    found, (ended, _) = [], told(history)
    for deadline in history.deadlines:
        if not history.healthy(deadline.event, deadline.event):
            continue
        rows = history.rows_of_devices[deadline.device]
        rows = rows[history.deliveries.event[rows] < deadline.event]
        given = set(messages.given[rows].tolist())
        for conversation, key in deadline.missing:
            for message in by_key.get((conversations.get(conversation, -1), key), []):
                late = messages.acknowledged[message] < deadline.event and not messages.ambiguous[message]
                late = late and not (history.over[message] and ended[message] < deadline.event)
                if late and message not in given:
                    found.append((message, deadline.device, deadline.event, deadline.time))

    def example(message: int, device: int, event: int, time: int) -> Example:
        return Example(
            f"{prose.message(message)} was acknowledged{prose.at(int(messages.acknowledged_time[message]))}, and "
            f"{prose.device(device)} did not have it when the deadline passed{prose.at(time)} although the target was "
            f"healthy",
            (*prose.send_events(message), event),
        )

    return anomaly_of("stuck", found, example)
