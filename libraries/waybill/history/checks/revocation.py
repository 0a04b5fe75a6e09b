"""What went on although a confirmed operation of administration had ended it."""

from __future__ import annotations

from typing import Final

import numpy as np

from waybill.history.checks.security import after_bound, effects
from waybill.history.membership import NEVER, Bools, Ints
from waybill.history.model import History
from waybill.history.promises import seconds
from waybill.history.prose import Prose
from waybill.history.report import Anomaly, Example, anomaly_of
from waybill.history.tables import Administration

REVOCATIONS: Final = ("revoke_user", "revoke_device", "revoke_token")
ENDINGS: Final = (*REVOCATIONS, "end_session")
"""Operations of administration after which a session may do nothing any more."""


def check(history: History) -> list[Anomaly]:
    """`revoked-accepted`.

    A confirmed revocation ends the sessions of its user or device that had begun before it was asked for, and every
    session under its token. Sessions that begin later are ended too if what they show had been shown before: it is what
    was revoked, while a token that nobody has seen yet may be a new one. A session that was ended by itself is ended,
    and its token is still good.

    Nothing that such a session begins after the confirmation, or later than the promised `revocation_bound` after it,
    may take effect: end in `ok`, or be delivered to anybody. Nor may the session be given a message that was first sent
    after that. What was under way before is not held against the server, and neither is a revocation of which nobody
    knows whether it was done.
    """
    since, causes = ended(history)
    if not causes:
        return []
    prose = Prose(history)
    found = sorted({*effects(history, since), *_given(history, since)})

    def example(event: int, session: int, what: str, begun: int) -> Example:
        cause = causes[session]
        told = "was given a message" if what == "deliver" else f"{what} took effect"
        return Example(
            f"{prose.device_of(session)}: {told} after {_in_words(cause, prose, session)}",
            tuple(sorted({cause.done, begun, event})),
            what,
        )

    return anomaly_of("revoked-accepted", found, example, kinds=[what for _, _, what, _ in found])


def _in_words(cause: Administration, prose: Prose, session: int) -> str:
    match cause.operation:
        case "revoke_user":
            return f"{prose.user(cause.user)} had been revoked"
        case "revoke_device":
            return f"{prose.device_of(session)} had been revoked"
        case "revoke_token":
            return "its token had been revoked"
        case _:
            return "its session had been ended"


def ended(history: History) -> tuple[Ints, dict[int, Administration]]:
    """For each session the event after which nothing that it begins may work, and for those that have one the cause."""
    since = np.full(len(history.sessions.device), NEVER)
    causes: dict[int, Administration] = {}
    bound = seconds(history.promise("revocation_bound", None))
    for asked in history.administrations:
        if asked.confirmed and asked.operation in ENDINGS:
            from_here = after_bound(history, asked.done, asked.done_time, bound)
            for session in np.flatnonzero(_concerned(history, asked) & (since > from_here)).tolist():
                since[session], causes[session] = from_here, asked
    return since, causes


def _concerned(history: History, asked: Administration) -> Bools:
    """The sessions that an operation ends."""
    sessions = history.sessions
    if asked.operation == "end_session":
        only: Bools = np.arange(len(sessions.device)) == asked.session
        return only
    if asked.operation == "revoke_token":
        same: Bools = (sessions.token == asked.token) & (asked.token > 0)
        return same
    whose = (
        sessions.user == asked.user if asked.operation == "revoke_user" else sessions.device == asked.device
    )
    named = asked.user if asked.operation == "revoke_user" else asked.device
    before = sessions.event < asked.event
    known = np.unique(sessions.token[before & (sessions.token > 0)])
    concerned: Bools = whose & (named >= 0) & (before | np.isin(sessions.token, known))
    return concerned


def _given(history: History, since: Ints) -> list[tuple[int, int, str, int]]:
    """Messages that a session was given although they were first sent after its end."""
    deliveries, invoked = history.deliveries, history.messages.invoked
    named = np.flatnonzero((deliveries.message >= 0) & (since[deliveries.session] < NEVER))
    late = named[invoked[deliveries.message[named]] > since[deliveries.session[named]]]
    return [
        (
            int(deliveries.event[row]),
            int(deliveries.session[row]),
            "deliver",
            int(invoked[deliveries.message[row]]),
        )
        for row in late[invoked[deliveries.message[late]] < NEVER].tolist()
    ]
