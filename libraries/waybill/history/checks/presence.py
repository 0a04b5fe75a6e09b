"""Presence that contradicts the sessions of a user for longer than promised."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from waybill.history.blocks import blocks
from waybill.history.events import Completion, CredentialKind, Operation
from waybill.history.membership import Bools, Ints
from waybill.history.model import History
from waybill.history.promises import seconds
from waybill.history.prose import Prose
from waybill.history.report import Anomaly, Example, anomaly_of

FOREVER = 2**62
Found = tuple[int, Example]
"""The event of a finding, and what to say of it."""


def check(history: History) -> list[Anomaly]:
    """`stale-read` of presence: answers, notices and missing notices that are wrong after the promised bound.

    A user is certainly online from a login that took effect until the end of that session, and certainly offline
    while no login is under way or in force. What is said of a user is wrong if the opposite was certain from the
    `presence_bound` before the question (the notice) until the answer. Because a device notes the end of its session
    only after it happened, an `offline` shortly before that end is no contradiction either.

    A notice is missing if a session watches a user, the user certainly came or went, stayed so for the bound, and the
    last that the session was told is the opposite; a session that was told nothing is taken to know how it was when
    the watch began. Nothing is promised while a fault is in force.

    Whom a user blocks is told nothing true of the user, and that is no finding, from the begin of the block on.

    A sort of each user's sessions and two searches for each statement.
    """
    bound = seconds(history.promise("presence_bound", None))
    if bound is None:
        return []
    lasting = int(bound * 1_000_000)
    told = _statements(history)
    watched = history.invokes.user[(history.invokes.what == Operation.WATCH) & (history.invokes.user >= 0)]
    users = np.unique(np.concatenate((told.user, watched))).tolist()
    if not users:
        return []
    logins = _logins(history)
    spells = {user: _spells(history, user, logins) for user in users}
    found = [*_wrong(history, told, spells, lasting), *_missing(history, told, spells, lasting)]
    found.sort(key=lambda one: one[0])
    examples = [example for _, example in found]
    return anomaly_of("stale-read", examples, lambda one: one, kinds=[one.sub_kind for one in examples])


@dataclass(frozen=True, slots=True)
class _Told:
    """What was said of users, one row each: about whom, what, to which session; asked (or told) when, told when."""

    user: Ints
    online: Ints
    session: Ints
    asked: Ints
    time: Ints
    first: Ints
    event: Ints


@dataclass(frozen=True, slots=True)
class _Spells:
    """A user's sessions: when it was certainly online, and when it may have been."""

    sure_begin: Ints
    sure_end: Ints
    begin: Ints
    end: Ints

    def online(self, since: Ints, until: Ints) -> Bools:
        """Whether the user was certainly online all that time."""
        if not len(self.sure_begin):
            return np.zeros(len(since), dtype=np.bool_)
        place = np.searchsorted(self.sure_begin, since, side="right") - 1
        certain: Bools = (place >= 0) & (self.sure_end[place] > until)
        return certain

    def offline(self, since: Ints, until: Ints) -> Bools:
        """Whether the user was certainly offline all that time."""
        begun = np.searchsorted(self.begin, until, side="right")
        over = np.searchsorted(np.sort(self.end), since, side="left")
        certain: Bools = begun == over
        return certain


def _statements(history: History) -> _Told:
    """Answers to PRESENCE and notices, ordered by event."""
    invokes, operations, oks, notices = history.invokes, history.operations, history.oks, history.presences
    rows = np.flatnonzero((invokes.what == Operation.PRESENCE) & (invokes.user >= 0))
    rows = rows[operations.completion[invokes.operation[rows]] == Completion.OK]
    operation = invokes.operation[rows]
    said = oks.value[operations.row[operation]]
    known = said >= 0
    rows, operation, said = rows[known], operation[known], said[known]
    pairs = (
        (invokes.user[rows], notices.user),
        (said > 0, notices.online > 0),
        (invokes.session[rows], notices.session),
        (operations.time[operation], notices.time),
        (operations.done_time[operation], notices.time),
        (operations.event[operation], notices.event),
        (operations.done[operation], notices.event),
    )
    columns = [np.concatenate(pair).astype(np.int64) for pair in pairs]
    order = np.argsort(columns[-1], kind="stable")
    order = order[(columns[3][order] >= 0) & (columns[0][order] >= 0)]
    order = order[~_kept_from(history, columns[0][order], columns[2][order], columns[6][order])]
    return _Told(*(column[order] for column in columns))


def _kept_from(history: History, user: Ints, session: Ints, event: Ints) -> Bools:
    """Which statements were made to somebody whom the user may have blocked by then."""
    kept = np.zeros(len(user), dtype=np.bool_)
    for block in blocks(history):
        to_them = (user == block.user) & (history.sessions.user[session] == block.other)
        kept |= to_them & (event > block.earliest) & (event <= block.latest)
    return kept


def _logins(history: History) -> Ints:
    """For each session the operation of its login; -1 for none."""
    logins = np.full(len(history.sessions.user), -1, dtype=np.int64)
    rows = np.flatnonzero(history.invokes.what == Operation.LOGIN)
    logins[history.invokes.session[rows]] = history.invokes.operation[rows]
    return logins


def _spells(history: History, user: int, logins: Ints) -> _Spells:
    """The times of a user's sessions; those under a bad credential and those without a login may be anything."""
    sessions, operations = history.sessions, history.operations
    mine = np.flatnonzero(sessions.user == user)
    end = np.where(sessions.end[mine] > 0, sessions.end_time[mine], FOREVER)
    operation = logins[mine]
    completion = np.where(operation >= 0, operations.completion[operation], Completion.INFO)
    genuine = (sessions.credential[mine] == CredentialKind.VALID) & (completion == Completion.OK)
    sure_begin, sure_end = _merged(operations.done_time[operation[genuine]], end[genuine])
    possible = completion != Completion.FAIL
    begin = np.sort(sessions.time[mine][possible])
    return _Spells(sure_begin, sure_end, begin, end[possible])


def _merged(begin: Ints, end: Ints) -> tuple[Ints, Ints]:
    """Spans of time without those that overlap."""
    order = np.argsort(begin, kind="stable")
    begin, latest = begin[order], np.maximum.accumulate(end[order])
    first = np.ones(len(begin), dtype=np.bool_)
    first[1:] = begin[1:] > latest[:-1]
    last = np.append(first[1:], True)[: len(begin)]
    return begin[first], latest[last]


def _wrong(history: History, told: _Told, spells: dict[int, _Spells], lasting: int) -> list[Found]:
    """What was said although the opposite was certain."""
    prose = Prose(history)
    wrong = np.zeros(len(told.user), dtype=np.bool_)
    for user in np.unique(told.user).tolist():
        rows = np.flatnonzero(told.user == user)
        since, until = told.asked[rows] - lasting, told.time[rows]
        offline = spells[user].offline(since, until) & (until >= lasting)
        online = spells[user].online(since, until + lasting)
        wrong[rows] = np.where(told.online[rows] > 0, offline, online)
    found = []
    for row in np.flatnonzero(wrong).tolist():
        if _healthy(history, int(told.asked[row]) - lasting, int(told.event[row])):
            said, was = ("online", "offline") if told.online[row] else ("offline", "online")
            sentence = (
                f"{prose.device_of(int(told.session[row]))} was told that {prose.user(int(told.user[row]))} is {said}"
                f"{prose.at(int(told.time[row]))}, who had been {was} for longer than the promised {lasting / 1e6:g} s"
            )
            events = tuple(sorted({int(told.first[row]), int(told.event[row])}))
            found.append((int(told.event[row]), Example(sentence, events, "presence")))
    return found


def _missing(history: History, told: _Told, spells: dict[int, _Spells], lasting: int) -> list[Found]:
    """Changes that a session was not told of although it watched the user."""
    invokes, operations, sessions, prose = (
        history.invokes,
        history.operations,
        history.sessions,
        Prose(history),
    )
    found = []
    watches = np.flatnonzero(invokes.what == Operation.WATCH)
    for row in watches.tolist():
        operation, session, user = (
            int(invokes.operation[row]),
            int(invokes.session[row]),
            int(invokes.user[row]),
        )
        if operations.completion[operation] != Completion.OK or user < 0 or operations.time[operation] < 0:
            continue
        blocked = {(block.user, block.other) for block in blocks(history)}
        if (user, int(sessions.user[session])) in blocked:
            continue
        later = watches[(invokes.session[watches] == session) & (watches > row)]
        until = int(invokes.time[later[0]]) if len(later) else FOREVER
        until = min(until, int(sessions.end_time[session]) if sessions.end[session] else _last_time(history))
        mine = np.flatnonzero((told.user == user) & (told.session == session))
        for change, online in _changes(spells[user], int(operations.done_time[operation]), until, lasting):
            heard = mine[told.time[mine] <= change + lasting]
            last = int(heard[-1]) if len(heard) else -1
            known = (
                bool(told.online[last])
                if last >= 0
                else _at(spells[user], int(operations.done_time[operation]))
            )
            if known is None or known == online:
                continue
            begun = _event_at(history, change)
            if _healthy(history, change, _event_at(history, change + lasting)):
                came = "came online" if online else "went offline"
                before = (
                    f"the last it was told is {'offline' if online else 'online'}"
                    if last >= 0
                    else "it was told nothing"
                )
                sentence = (
                    f"{prose.user(user)} {came}{prose.at(change)}, and {prose.device_of(session)}, which watched, was "
                    f"not told within the promised {lasting / 1e6:g} s; {before}"
                )
                proof = {
                    int(operations.event[operation]),
                    begun,
                    *((int(told.event[last]),) if last >= 0 else ()),
                }
                found.append((begun, Example(sentence, tuple(sorted(proof)), "presence")))
    return found


def _at(spells: _Spells, time: int) -> bool | None:
    """Whether the user was online at a time; None if nobody can tell."""
    moment = np.array([time])
    if spells.online(moment, moment)[0]:
        return True
    return False if spells.offline(moment, moment)[0] else None


def _changes(spells: _Spells, after: int, until: int, lasting: int) -> list[tuple[int, bool]]:
    """When the user certainly came (True) or went and stayed so for long enough, within a span of time."""
    changes = [(time, True) for time in spells.sure_begin.tolist()] + [
        (time, False) for time in spells.sure_end.tolist()
    ]
    lasted = []
    for time, online in sorted(changes):
        if after < time and time + lasting <= until:
            span = np.array([time]), np.array([time + lasting])
            stays = spells.online(*span) if online else spells.offline(span[0] + 1, span[1])
            if stays[0]:
                lasted.append((time, online))
    return lasted


def _healthy(history: History, since: int, until: int) -> bool:
    """Whether no fault was in force from a time until an event."""
    return not history.faults or history.healthy(_event_at(history, since), until)


def _event_at(history: History, time: int) -> int:
    """The first event at or after a time."""
    sessions = history.sessions
    found = [history.count]
    for table in (
        history.sends,
        history.invokes,
        history.oks,
        history.not_oks,
        history.deliveries,
        history.presences,
    ):
        place = int(np.searchsorted(table.time, time))
        if place < len(table.event):
            found.append(int(table.event[place]))
    for times, events in ((sessions.time, sessions.event), (sessions.end_time, sessions.end_event)):
        later = events[times >= max(time, 0)]
        found.append(int(later.min(initial=history.count)))
    return min(found)


def _last_time(history: History) -> int:
    """The time of the last event that has one."""
    tables = (
        history.sends,
        history.invokes,
        history.oks,
        history.not_oks,
        history.deliveries,
        history.presences,
    )
    last = max((int(table.time[-1]) for table in tables if len(table.time)), default=0)
    return max(last, int(history.sessions.time.max(initial=0)), int(history.sessions.end_time.max(initial=0)))
