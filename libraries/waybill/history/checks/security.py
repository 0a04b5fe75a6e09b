"""Operations that took effect under a bad credential or over a bad connection."""

from __future__ import annotations

import numpy as np

from waybill.history.events import Completion, CredentialKind, Operation, Transport
from waybill.history.membership import NEVER, START, Ints
from waybill.history.model import History
from waybill.history.promises import seconds
from waybill.history.prose import Prose
from waybill.history.report import Anomaly, Example, anomaly_of

TRANSPORTS = {
    Transport.PLAINTEXT: "plaintext",
    Transport.OLD_TLS: "a refused TLS version",
    Transport.WRONG_CERTIFICATE: "a wrong certificate",
}


def check(history: History) -> list[Anomaly]:
    """`unauthorised-ok` and `insecure-ok`.

    An operation took effect if it ended in `ok`, if its message was delivered to anybody before it was tried again on
    a good session, or if the session was given a message. An operation that a bad session began and that was refused,
    or that nobody saw an effect of, is fine.

    A REVOKE of a user, or of one of the user's devices, that ended in `ok` makes the sessions bad that had begun
    before, for everything that they begin later than the promised `revocation_bound` (at once, if none is promised).
    What is still pushed to them may have been under way and is not held against the server. An EXPIRE does the same
    for the end of the tokens that those sessions began with, without a bound: who puts it down has waited for that.
    """
    sessions, prose = history.sessions, Prose(history)
    real = sessions.device >= 0
    revoked, expired = (_over(history, what) for what in (Operation.REVOKE, Operation.EXPIRE))
    bare = np.where(real & (sessions.transport != Transport.TLS), START, NEVER)

    def how(session: int, name: str) -> str:
        if name == "insecure-ok":
            return f"over {TRANSPORTS[Transport(int(sessions.transport[session]))]}"
        kind = CredentialKind(int(sessions.credential[session]))
        if kind is CredentialKind.VALID:
            ended = "been revoked" if revoked[session] < expired[session] else "expired"
            return f"after the tokens of {prose.user(int(sessions.user[session]))} had {ended}"
        article = "an" if kind is CredentialKind.EXPIRED else "a"
        return (
            "without a token" if kind is CredentialKind.NONE else f"under {article} {kind.name.lower()} token"
        )

    anomalies = []
    for name, since in (("unauthorised-ok", unwelcome(history)), ("insecure-ok", bare)):
        found = sorted(set(effects(history, since)))

        def example(event: int, session: int, what: str, begun: int, name: str = name) -> Example:
            told = "was given a message" if what == "deliver" else f"{what} took effect"
            return Example(
                f"{prose.device_of(session)}: {told} {how(session, name)}",
                tuple(sorted({begun, event})),
                what,
            )

        anomalies += anomaly_of(name, found, example, kinds=[what for _, _, what, _ in found])
    return anomalies


def unwelcome(history: History) -> Ints:
    """For each session the event after which nothing that it begins may work."""
    sessions = history.sessions
    false = (sessions.device >= 0) & (sessions.credential != CredentialKind.VALID)
    over = np.minimum(_over(history, Operation.REVOKE), _over(history, Operation.EXPIRE))
    return np.where(false, START, over)


def _over(history: History, what: Operation) -> Ints:
    """For each session the event after which nothing that it begins may work: its token was revoked, or expired."""
    sessions, operations, invokes = history.sessions, history.operations, history.invokes
    since = np.full(len(sessions.device), NEVER)
    promised = seconds(history.promise("revocation_bound", None))
    bound = promised if what is Operation.REVOKE else None
    of_user = (invokes.what == what) & (invokes.user >= 0) & (invokes.message < 0)
    for row in np.flatnonzero(of_user).tolist():
        operation = int(invokes.operation[row])
        if operations.completion[operation] == Completion.OK:
            done = after_bound(
                history, int(operations.done[operation]), int(operations.done_time[operation]), bound
            )
            older = (sessions.user == invokes.user[row]) & (sessions.event < invokes.event[row])
            device = history.ids[int(invokes.id[row])]
            if device:
                named = f"{history.users[int(invokes.user[row])]}/{device}"
                older &= sessions.device == (history.devices.index(named) if named in history.devices else -2)
            since[older] = np.minimum(since[older], done)
    return since


def after_bound(history: History, done: int, done_time: int, bound: float | None) -> int:
    """The last event at which a revocation that was confirmed need not hold yet: the confirmation, if it must hold at
    once, else the last one before the first operation that began later than so many seconds after it."""
    if not bound:
        return done
    operations = history.operations
    late = operations.event[operations.time > done_time + int(bound * 1e6)]
    return max(done, int(late.min(initial=NEVER)) - 1)


def effects(history: History, since: Ints) -> list[tuple[int, int, str, int]]:
    """What took effect and began after a session was bad: the event that shows it, the session, what it was, the
    event it began."""
    if not (since < NEVER).any():
        return []
    operations, deliveries, sends, messages = (
        history.operations,
        history.deliveries,
        history.sends,
        history.messages,
    )
    found = []
    late = (operations.event > since[operations.session]) & (operations.row >= 0)
    for operation in np.flatnonzero(late).tolist():
        what = Operation(int(operations.what[operation])).name.lower()
        session = int(operations.session[operation])
        found.append((int(operations.done[operation]), session, what, int(operations.event[operation])))
    bad = sends.event > since[sends.session]
    for row in np.flatnonzero(bad & (operations.row[sends.operation] < 0)).tolist():
        message = int(sends.message[row])
        genuine = int(sends.event[(sends.message == message) & ~bad].min(initial=NEVER))
        if messages.seen[message] < genuine:
            found.append(
                (int(messages.seen[message]), int(sends.session[row]), "send", int(sends.event[row]))
            )
    for row in np.flatnonzero(since[deliveries.session] == START).tolist():
        event = int(deliveries.event[row])
        found.append((event, int(deliveries.session[row]), "deliver", event))
    return found
