"""Figures of what happened among several nodes: failovers, partitions, breakers. What did not happen is absent."""

from __future__ import annotations

import math

import numpy as np

from .events import Completion, End, Operation
from .membership import NEVER
from .model import History
from .tables import Fault

DEATHS = ("kill", "power-loss")
FLAPPING = "flapping"
"""The shape of partitions that come and go; its details say which of them each was."""
MICROSECONDS = 1_000_000


def among_nodes(history: History) -> dict[str, int]:
    """See docs/history.md."""
    return {**_failovers(history), **_partitions(history), **_trips(history), **_intrusions(history)}


def _failovers(history: History) -> dict[str, int]:
    """Deaths of nodes whose devices went on at another one, and how long the slowest of them took."""
    counted = [_recovery(history, fault) for fault in history.faults if fault.kind in DEATHS]
    recoveries = [one for one in counted if one is not None]
    return {"failovers": len(recoveries), "recovery_seconds": max(recoveries)} if recoveries else {}


def _recovery(history: History, fault: Fault) -> int | None:
    """Seconds, rounded up, until every device that lost its session with a node was served by another one; None where
    none lost one, or one never was served."""
    if fault.observed == NEVER:
        return None
    sessions, operations = history.sessions, history.operations
    lost = [
        number
        for number in np.flatnonzero((sessions.end == End.LOST) & (sessions.end_event > fault.event)).tolist()
        if sessions.node[number] == fault.scope and sessions.event[number] < fault.event
        and sessions.end_event[number] < fault.end
    ]  # fmt: skip
    served = (operations.completion == Completion.OK) & (operations.what != Operation.LOGIN)
    slowest = 0
    for number in lost:
        later = (sessions.device == sessions.device[number]) & (sessions.event > sessions.end_event[number])
        elsewhere = [
            session for session in np.flatnonzero(later).tolist() if sessions.node[session] != fault.scope
        ]
        done = np.flatnonzero(served & np.isin(operations.session, elsewhere) & (operations.done < fault.end))
        if not len(done):
            return None
        slowest = max(slowest, int(operations.done_time[done].min()) - fault.time)
    return math.ceil(slowest / MICROSECONDS) if lost else None


def _partitions(history: History) -> dict[str, int]:
    """In how many shapes nodes were cut off from each other, and how many messages were acknowledged meanwhile."""
    parted = [fault for fault in history.faults if fault.kind == "partition" and fault.observed < NEVER]
    if not parted:
        return {}
    acknowledged = history.messages.acknowledged
    apart = np.zeros(len(acknowledged), dtype=np.bool_)
    for fault in parted:
        apart |= (acknowledged > fault.event) & (acknowledged < min(fault.end, NEVER))
    shapes = {
        FLAPPING if fault.details.get(FLAPPING) else str(fault.details.get("shape")) for fault in parted
    }
    return {"shapes": len(shapes), "acknowledged_apart": int(apart.sum())}


def _trips(history: History) -> dict[str, int]:
    """Breakers that were seen to open, and to close again."""
    trips = [fault for fault in history.faults if fault.kind == "breaker"]
    return {"trips": sum(fault.end < NEVER for fault in trips)} if trips else {}


def _intrusions(history: History) -> dict[str, int]:
    """Intruders on the interface for other nodes; those whom nobody saw refused were let in."""
    tried = [fault for fault in history.faults if fault.kind == "intrusion"]
    if not tried:
        return {}
    return {"intrusions": len(tried), "accepted": sum(fault.observed == NEVER for fault in tried)}
