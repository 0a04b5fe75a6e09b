"""The figures of a history: what a verdict may lean on. What could not be counted is absent, not zero."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from . import accepted as wordless
from .checks.revocation import REVOCATIONS
from .checks.security import unwelcome
from .columns import distinct
from .events import Completion, CredentialKind, End, Operation
from .membership import NEVER, Bools
from .model import History
from .report import Anomaly
from .views import is_pushed

Figures = dict[str, int]

CLOCK = "clock-"
"""How the kinds of faults of clocks begin."""


def count_figures(history: History, anomalies: Sequence[Anomaly]) -> Figures:
    """Every figure that this history can give; docs/history.md says what each of them counts."""
    return {
        **_traffic(history),
        **_found(history, anomalies),
        **_pairs(history, anomalies),
        **_circumstances(history, anomalies),
    }


def _traffic(history: History) -> Figures:
    messages, operations, sends = history.messages, history.operations, history.sends
    completion = operations.completion[sends.operation]
    code = operations.code[sends.operation]
    late = np.isin(
        code, [number for number, text in enumerate(history.codes) if text in ("deadline", "timeout")]
    )
    given = messages.given
    known = np.flatnonzero(given >= 0)
    others = known[
        history.sessions.device[history.deliveries.session[known]] != messages.device[given[known]]
    ]
    reached = np.zeros(len(messages.sent), dtype=np.bool_)
    reached[given[others]] = True
    accepted = wordless.accepted(history)
    figures = {
        "messages": int(messages.sent.sum()),
        "sends": len(sends.event),
        "acknowledged": int((messages.acknowledged < NEVER).sum()),
        "refused": int(messages.refused.sum()),
        "delivered": int((reached & ((messages.acknowledged < NEVER) | accepted)).sum()),
        "deliveries": len(history.deliveries.event),
        "unanswered": int(((completion == 0) | ((completion == Completion.INFO) & late)).sum()),
        "keys": int((messages.attempts > 1).sum()),
        "retries": int((messages.attempts[messages.sent] - 1).sum()),
        "conversations": len(distinct(messages.conversation[messages.sent])),
        "senders": len(distinct(messages.sender[messages.sent])),
    }
    if accepted.any():
        figures["accepted_sends"] = int(accepted.sum())
        if _judged(history):
            figures["accepted_sends_lost"] = wordless.lost(history, accepted)
    return figures


def _count(anomalies: Sequence[Anomaly], *names: str) -> int:
    return sum(anomaly.count for anomaly in anomalies if anomaly.name in names)


def _of_kind(anomalies: Sequence[Anomaly], name: str, *kinds: str) -> int:
    return sum(
        count
        for anomaly in anomalies
        if anomaly.name == name
        for kind, count in anomaly.sub_kinds.items()
        if kind in kinds
    )


def _found(history: History, anomalies: Sequence[Anomaly]) -> Figures:
    figures = {
        "duplicated": _count(anomalies, "duplicate-stored", "duplicate-delivered", "duplicate-accepted"),
        "duplicates": _count(anomalies, "duplicate-stored", "duplicate-accepted"),
        "phantom": _count(anomalies, "phantom"),
        "corrupted": _count(anomalies, "corrupted"),
        "reordered": _count(
            anomalies, "reordered", "reordered-across-reconnect", "order-divergence", "realtime-reordered"
        ),
        "gaps": _count(anomalies, "gap"),
        "mismatched": _of_kind(anomalies, "inconsistent-id", "answer", "id", "two-ids")
        + _of_kind(anomalies, "duplicate-accepted", "answers"),
        "id_reuse": _of_kind(anomalies, "inconsistent-id", "id", "sequence"),
        "resurrected": _of_kind(anomalies, "duplicate-delivered", "acknowledged")
        + _count(anomalies, "resurrected"),
        "leaked": _count(anomalies, "misrouted") + _of_kind(anomalies, "membership-leak", "former-member"),
        "hung": _count(anomalies, "hung"),
    }
    if _judged(history):
        lost = _count(anomalies, "lost-acked", "lost-proven")
        diverging = _count(anomalies, "device-divergence", "order-divergence")
        figures |= {"lost": lost, "missing": lost, "diverging": diverging + lost}
    return figures


def _judged(history: History) -> bool:
    """Whether every device of every member of a conversation with traffic has a complete final read."""
    messages = history.messages
    there = (messages.effect < NEVER) | wordless.accepted(history)
    conversations = distinct(messages.conversation[messages.sent & there])
    members = [history.memberships.get(conversation) for conversation in conversations]
    return bool(members) and all(
        of is not None
        and all(
            device in history.final_begin for user in of for device in history.devices_of_user.get(user, [])
        )
        for of in members
    )


def _pairs(history: History, anomalies: Sequence[Anomaly]) -> Figures:
    """Messages that only their keys, or only their senders, tell apart."""
    messages = history.messages
    sent = np.flatnonzero(messages.sent)
    ordered = np.sort(messages.digest[sent])
    again = ordered[1:][ordered[1:] == ordered[:-1]]
    twins, senders = len(again), len(distinct(messages.sender[sent]))
    if not twins and senders < 2:
        return {}
    owners: dict[str, int] = {}
    shared = 0
    concerned = np.zeros(len(messages.sent), dtype=np.bool_)
    if twins:
        concerned[sent[np.isin(messages.digest[sent], again)]] = True
    if senders > 1:
        for message, key in enumerate(history.keys):
            if messages.sent[message]:
                first = owners.setdefault(key, message)
                if first != message:
                    shared += 1
                    concerned[[first, message]] = True
    if not twins + shared:
        return {}
    figures = {"pairs": twins + shared}
    if _judged(history):
        concerned &= ~messages.ambiguous
        unseen = int((concerned & (messages.acknowledged < NEVER) & (messages.seen == NEVER)).sum())
        figures["swallowed"] = unseen + _of_kind(anomalies, "inconsistent-id", "id", "answer")
    return figures


def _circumstances(history: History, anomalies: Sequence[Anomaly]) -> Figures:
    sessions, operations, invokes = history.sessions, history.operations, history.invokes
    ok = operations.completion == Completion.OK
    real = sessions.device >= 0
    reading, only_read = _final_reads(history)
    logins = np.flatnonzero((operations.what == Operation.LOGIN) & ok & ~only_read[operations.session])
    begun = sessions.device[operations.session[logins]] if len(logins) else sessions.device[real]
    figures = {
        "devices": len(np.unique(begun)),
        "nodes": len(
            {node for node, there in zip(sessions.node, real.tolist(), strict=True) if there and node}
        ),
        "reconnects": len(begun) - len(np.unique(begun)),
        "pages": int(((operations.what == Operation.SYNC) & ok & ~reading).sum()),
        "markers": int(((operations.what == Operation.READ) & ok).sum()),
        "members": max((len(members) for members in history.memberships.values()), default=0),
        "faults": sum(fault.observed < NEVER for fault in history.faults),
        "kills": sum(
            fault.observed < NEVER and fault.kind in ("kill", "power-loss") for fault in history.faults
        ),
        "cut_points": sum(
            fault.observed < NEVER and fault.kind.startswith("cut") for fault in history.faults
        ),
        "restarts": sum(
            fault.end < NEVER and fault.kind in ("kill", "power-loss", "stop") for fault in history.faults
        ),
        "kill_points": sum(
            fault.observed < NEVER and fault.kind == "migration-kill" for fault in history.faults
        ),
        "upgraded": _nodes_of(history, "upgrade"),
        "rolled_back": _nodes_of(history, "rollback"),
        "receipts": len(history.receipts.event),
    }
    if (invokes.what == Operation.PRESENCE).any() or len(history.presences.event):
        figures["transitions"] = _transitions(history)
    if (invokes.what == Operation.PRESENCE).any() or (invokes.what == Operation.SYNC).any():
        figures["stale"] = _count(anomalies, "stale-read")
    bad = real & (sessions.credential != CredentialKind.VALID)
    if bad.any():
        tried = (operations.what > 0) & bad[operations.session]
        figures["attempts"] = int(tried.sum())
        figures["accepted"] = _count(anomalies, "unauthorised-ok")
    if any(fault.kind.startswith(CLOCK) for fault in history.faults):
        figures |= {"skews": _skews(history), "expired_early": _expired_early(history)}
    revoked = sum(asked.confirmed and asked.operation in REVOCATIONS for asked in history.administrations)
    if revoked:
        figures |= {"revoked": revoked, "late_operations": _count(anomalies, "revoked-accepted")}
    return figures


def _nodes_of(history: History, kind: str) -> int:
    """Different nodes that a kind of fault was observed at."""
    return len({fault.scope for fault in history.faults if fault.observed < NEVER and fault.kind == kind})


def _skews(history: History) -> int:
    """Clocks that were wrong in a way that somebody was seen to be told of."""
    return sum(fault.observed < NEVER and fault.kind.startswith(CLOCK) for fault in history.faults)


def _expired_early(history: History) -> int:
    """Good credentials that a server turned away: at a login, or in the middle of a session.

    A session is not counted that had a reason to end: its token was put down as expired or revoked, or the device
    logged in again.
    """
    sessions, operations = history.sessions, history.operations
    good = (sessions.device >= 0) & (sessions.credential == CredentialKind.VALID)
    refused = (operations.what == Operation.LOGIN) & (operations.completion == Completion.FAIL)
    early = np.zeros(len(sessions.device), dtype=np.bool_)
    early[operations.session[refused]] = True
    early |= sessions.end == End.REFUSED
    return int((good & early & (unwelcome(history) == NEVER)).sum())


def _final_reads(history: History) -> tuple[Bools, Bools]:
    """The operations that read pages of a final read, and the sessions that served nothing else: they judge the
    scenario and are no evidence of it."""
    operations, sessions, deliveries = history.operations, history.sessions, history.deliveries
    begin = np.full(len(history.devices) + 1, NEVER, dtype=np.int64)
    for device, event in history.final_begin.items():
        begin[device] = event
    reading = (operations.what == Operation.SYNC) & (
        operations.event >= begin[sessions.device[operations.session]]
    )
    serving = np.isin(operations.what, (0, Operation.LOGIN, Operation.ACKNOWLEDGE)) | reading
    used = np.zeros(len(sessions.device), dtype=np.bool_)
    used[operations.session[~serving]] = True
    used[deliveries.session[is_pushed(history)]] = True
    read = np.zeros(len(sessions.device), dtype=np.bool_)
    read[operations.session[reading]] = True
    return reading, read & ~used


def _transitions(history: History) -> int:
    """Presence answers and notices that showed a user in another state than the one before did."""
    invokes, operations, oks, presences = history.invokes, history.operations, history.oks, history.presences
    seen: list[tuple[int, int, int]] = list(
        zip(presences.event.tolist(), presences.user.tolist(), presences.online.tolist(), strict=True)
    )
    for row in np.flatnonzero(invokes.what == Operation.PRESENCE).tolist():
        operation = int(invokes.operation[row])
        if operations.completion[operation] == Completion.OK:
            answer = int(oks.value[operations.row[operation]])
            seen.append((int(operations.done[operation]), int(invokes.user[row]), answer))
    last: dict[int, int] = {}
    changes = 0
    for _, user, state in sorted(seen):
        changes += last.get(user, state) != state
        last[user] = state
    return changes
