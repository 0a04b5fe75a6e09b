"""Operations that took effect under a bad credential or over a bad connection."""

from __future__ import annotations

import numpy as np

from ..events import CredentialKind, Operation, Transport
from ..membership import Bools
from ..model import History
from ..prose import Prose
from ..report import Anomaly, Example, anomaly_of

TRANSPORTS = {
    Transport.PLAINTEXT: "plaintext",
    Transport.OLD_TLS: "a refused TLS version",
    Transport.WRONG_CERTIFICATE: "a wrong certificate",
}


def check(history: History) -> list[Anomaly]:
    """`unauthorised-ok` and `insecure-ok`.

    An operation took effect if it ended in `ok`, if its message was delivered to anybody, or if the session was given
    a message. An operation that a bad session began and that was refused, or that nobody saw an effect of, is fine.
    """
    sessions, prose = history.sessions, Prose(history)
    real = sessions.device >= 0
    bad_credential = real & (sessions.credential != CredentialKind.VALID)
    bad_transport = real & (sessions.transport != Transport.TLS)

    def how(session: int, name: str) -> str:
        if name == "insecure-ok":
            return f"over {TRANSPORTS[Transport(int(sessions.transport[session]))]}"
        kind = CredentialKind(int(sessions.credential[session]))
        return "without a token" if kind is CredentialKind.NONE else f"under a {kind.name.lower()} token"

    anomalies = []
    for name, bad in (("unauthorised-ok", bad_credential), ("insecure-ok", bad_transport)):
        found = sorted(set(_effects(history, bad)))

        def example(event: int, session: int, what: str, begun: int, name: str = name) -> Example:
            told = "was given a message" if what == "deliver" else f"{what} took effect"
            return Example(
                f"{prose.device_of(session)}: {told} {how(session, name)}",
                tuple(sorted({begun, event})),
                what,
            )

        anomalies += anomaly_of(name, found, example, kinds=[what for _, _, what, _ in found])
    return anomalies


def _effects(history: History, bad: Bools) -> list[tuple[int, int, str, int]]:
    """What took effect on bad sessions: the event that shows it, the session, what it was, the event it began."""
    if not bad.any():
        return []
    operations, deliveries, sends, messages = history.operations, history.deliveries, history.sends, history.messages
    found = []
    for operation in np.flatnonzero(bad[operations.session] & (operations.row >= 0)).tolist():
        what = Operation(int(operations.what[operation])).name.lower()
        session = int(operations.session[operation])
        found.append((int(operations.done[operation]), session, what, int(operations.event[operation])))
    for row in np.flatnonzero(bad[sends.session]).tolist():
        message, operation = int(sends.message[row]), int(sends.operation[row])
        others = sends.session[sends.message == message]
        if operations.row[operation] < 0 and messages.seen[message] <= history.count and bad[others].all():
            found.append((int(messages.seen[message]), int(sends.session[row]), "send", int(sends.event[row])))
    for row in np.flatnonzero(bad[deliveries.session]).tolist():
        event = int(deliveries.event[row])
        found.append((event, int(deliveries.session[row]), "deliver", event))
    return found
