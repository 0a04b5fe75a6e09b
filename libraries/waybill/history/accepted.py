"""Messages that a server accepted without a word: what became of sends where a sender is never answered."""

from __future__ import annotations

from collections import Counter

import numpy as np

from .checks.revocation import ended
from .checks.security import unwelcome
from .events import ACCEPTED, Completion
from .membership import NEVER, Bools
from .model import History


def accepted(history: History) -> Bools:
    """For each message whether an attempt of it was accepted and none was acknowledged.

    What was begun where nothing may work is not owed to anybody, whatever the client could write.
    """
    sends, operations = history.sends, history.operations
    found = np.zeros(len(history.messages.sent), dtype=np.bool_)
    if ACCEPTED in history.codes:
        operation = sends.operation
        wordless = (operations.completion[operation] == Completion.INFO) & (
            operations.code[operation] == history.codes.index(ACCEPTED)
        )
        until = np.minimum(unwelcome(history), ended(history)[0])
        wordless &= sends.event <= until[sends.session]
        found[sends.message[wordless]] = True
        found &= history.messages.acknowledged == NEVER
    return found


def lost(history: History, chosen: Bools) -> int:
    """How many of these messages reached nobody.

    One that reached somebody and not everybody exists, so that the check of what is lost finds it. Of messages that
    nobody can tell apart as many are lost as the device that was given the fewest lacks.

    Args:
        history: A history in which every device read to the end.
        chosen: For each message whether it counts.
    """
    messages = history.messages
    alone = int((chosen & ~messages.ambiguous & (messages.seen == NEVER)).sum())
    alike = np.flatnonzero(chosen & messages.ambiguous)
    if not len(alike):
        return alone

    def group(message: int) -> tuple[int, int]:
        return int(messages.conversation[message]), int(messages.digest[message])

    sent = Counter(map(group, alike.tolist()))
    given: dict[tuple[int, int], list[int]] = {key: [] for key in sent}
    for device in history.final_begin:
        rows = history.rows_of_devices[device]
        numbers = messages.given[rows]
        held = Counter(map(group, numbers[(numbers >= 0) & np.isin(numbers, alike)].tolist()))
        for key in held:
            given[key].append(held[key])
    return alone + sum(max(0, count - min(given[key], default=0)) for key, count in sent.items())
