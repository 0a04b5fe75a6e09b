"""Whether everything ended, and whether the scenario did what it set out to do."""

from __future__ import annotations

import numpy as np

from waybill.history.events import Completion, Operation
from waybill.history.membership import NEVER
from waybill.history.model import History
from waybill.history.prose import Prose
from waybill.history.report import Anomaly, Example, anomaly_of

LATE = ("deadline", "timeout")
"""The codes of an `info` that say: no answer by the client's deadline."""


def check(history: History) -> list[Anomaly]:
    """`hung` and `vacuous`."""
    return [*_hung(history), *_vacuous(history)]


def _hung(history: History) -> list[Anomaly]:
    """Operations without an answer by the client's deadline, though their session lived and no fault was in force."""
    operations, sessions, prose = history.operations, history.sessions, Prose(history)
    late = [number for number, code in enumerate(history.codes) if code in LATE]
    candidates = np.flatnonzero((operations.completion == Completion.INFO) & np.isin(operations.code, late))
    found = [
        operation
        for operation in candidates.tolist()
        if sessions.end_event[operations.session[operation]] > operations.done[operation]
        and history.healthy(int(operations.event[operation]), int(operations.done[operation]))
    ]

    def example(operation: int) -> Example:
        what = Operation(int(operations.what[operation])).name.lower()
        waited = int(operations.done_time[operation]) - int(operations.time[operation])
        after = f" for {waited / 1000:.3f} ms" if operations.time[operation] >= 0 else ""
        return Example(
            f"{prose.device_of(int(operations.session[operation]))}: {what} had no answer{after}, although the target "
            f"was healthy",
            (int(operations.event[operation]), int(operations.done[operation])),
        )

    return anomaly_of("hung", found, example)


def _vacuous(history: History) -> list[Anomaly]:
    """Declared operations without an `ok`, faults without an observed effect, and no complete final read at all.

    A history that was not closed is not yet held to what it declares.
    """
    operations = history.operations
    found: list[tuple[str, tuple[int, ...], str]] = []
    if history.closed:
        for name in history.header.declares:
            what = Operation.__members__.get(str(name).upper())
            if what is None or not ((operations.what == what) & (operations.row >= 0)).any():
                found.append(
                    (f"the scenario declares {name}, but no {name} ever took effect", (), "operation")
                )
        acknowledged = history.messages.acknowledged < NEVER
        if acknowledged.any() and not history.final_begin:
            count = int(acknowledged.sum())
            first = int(history.messages.acknowledged[acknowledged].min())
            sentence = f"{count} messages were acknowledged, but no device has a complete final read"
            found.append((sentence, (first,), "final"))
    for fault in history.faults:
        if fault.observed == NEVER and (history.closed or fault.end < NEVER):
            sentence = f"the fault {fault.kind} on {fault.scope} was never seen to have an effect"
            found.append((sentence, (fault.event,), "fault"))
    return anomaly_of("vacuous", found, Example, kinds=[kind for *_, kind in found])
