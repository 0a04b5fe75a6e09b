"""What is known of each message: who sent it, what became of its attempts, when it was first seen to exist.

A delivery that names the sender and the key of a send is that message. One that carries less is matched by the
server's id, then by its body among the sends of its conversation, or of its user's conversations where it names none;
where several sends have equal bodies the match is chosen so that nothing is blamed that need not be, and the messages
are marked `ambiguous`: they are only counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .columns import stable_order
from .events import Completion
from .membership import NEVER, Bools, Ints

if TYPE_CHECKING:
    from .model import History

NONE = -1


@dataclass(frozen=True, slots=True)
class Messages:
    """One row for each message number, and for each delivery the message that it is.

    Attributes:
        sent: It was sent at all; else it is only the name that some delivery carried.
        sender: The user.
        device: The device of the first attempt.
        session: The session of the first attempt.
        conversation: Where it was sent.
        digest: Its body.
        length: Its body's length.
        invoked: The event of the first attempt (NEVER if not sent).
        invoked_time: Its time.
        attempts: How many attempts there were.
        acknowledged: The event of its first `ok` (NEVER if none).
        acknowledged_time: Its time.
        refused: Every attempt ended in `fail`.
        seen: The event of its first delivery to anybody (NEVER if none, or if nobody can tell that it was this one).
        effect: When it certainly existed: acknowledged or seen, whichever came first.
        id: The server's id, from its acknowledgement or its first delivery.
        sequence: The conversation's sequence number, likewise.
        number: Its place among the messages of its device, counted from 1.
        ambiguous: Deliveries could not tell it from another message of equal body.
        given: For each delivery the message that it is; -1 if there is no such message.
        by_conversation: The sent messages ordered by conversation, then by their first attempt.
        conversation_start: Where each conversation begins in `by_conversation` (one more than there are).
    """

    sent: Bools
    sender: Ints
    device: Ints
    session: Ints
    conversation: Ints
    digest: Ints
    length: Ints
    invoked: Ints
    invoked_time: Ints
    attempts: Ints
    acknowledged: Ints
    acknowledged_time: Ints
    refused: Bools
    seen: Ints
    effect: Ints
    id: Ints
    sequence: Ints
    number: Ints
    ambiguous: Bools
    given: Ints
    by_conversation: Ints
    conversation_start: Ints

    def of_conversation(self, conversation: int) -> Ints:
        """The messages of a conversation in the order of their first attempts."""
        if conversation + 1 >= len(self.conversation_start):
            return self.by_conversation[:0]
        return self.by_conversation[
            self.conversation_start[conversation] : self.conversation_start[conversation + 1]
        ]


def gather(history: History) -> Messages:
    """Everything that the sends, their completions and the deliveries say about each message."""
    size = len(history.message_sender)
    sends, oks, operations = history.sends, history.oks, history.operations
    backwards = slice(None, None, -1)
    first_row = np.full(size, NONE, dtype=np.int32)
    first_row[sends.message[backwards]] = np.arange(len(sends.message), dtype=np.int32)[backwards]
    sent = first_row >= 0
    all_sent = bool(sent.all())

    def of_first(column: Ints, missing: int) -> Ints:
        if not len(column):
            return np.full(size, missing, dtype=column.dtype)
        values: Ints = column.take(first_row, mode="clip")
        if not all_sent:
            values[~sent] = missing
        return values

    device_of_send = history.sessions.device[sends.session] if len(sends.session) else sends.session
    attempts = np.bincount(sends.message, minlength=size).astype(np.int32)
    completion = operations.completion[sends.operation]
    fails = np.bincount(sends.message[completion == Completion.FAIL], minlength=size)
    done = operations.done[sends.operation]
    acknowledged = np.full(size, NEVER, dtype=np.int32)
    acknowledged_time = np.full(size, NONE, dtype=np.int64)
    won = np.flatnonzero(completion == Completion.OK)
    won = won[np.argsort(done[won], kind="stable")][::-1]
    acknowledged[sends.message[won]] = done[won]
    acknowledged_time[sends.message[won]] = operations.done_time[sends.operation[won]]
    ids = np.full(size, NONE, dtype=np.int32)
    sequence = np.full(size, NONE, dtype=np.int64)
    rows = operations.row[sends.operation[won]]
    ids[sends.message[won]] = oks.id[rows]
    sequence[sends.message[won]] = oks.sequence[rows]
    conversation = of_first(sends.conversation, NONE)
    invoked = of_first(sends.event, NEVER)
    device = of_first(device_of_send, NONE)

    refused = sent & (fails == attempts)
    given, ambiguous = _resolve(history, sent, conversation, invoked, refused, ids)
    deliveries = history.deliveries
    known = np.flatnonzero(given >= 0)[::-1]
    if ambiguous.any():
        known = known[~ambiguous[given[known]]]
    seen = np.full(size, NEVER, dtype=np.int32)
    seen[given[known]] = deliveries.event[known]
    for column, values in ((ids, deliveries.id), (sequence, deliveries.sequence)):
        lacking = known[(column[given[known]] < 0) & (values[known] >= 0)]
        column[given[lacking]] = values[lacking]

    order = np.flatnonzero(sent).astype(np.int32)
    order = order[np.argsort(invoked[order], kind="stable")]
    number = _numbers(device, order, len(history.devices))
    by_conversation = order[stable_order(conversation[order], len(history.conversations))]
    starts = np.searchsorted(conversation[by_conversation], np.arange(len(history.conversations) + 1))
    return Messages(
        sent=sent,
        sender=np.asarray(history.message_sender),
        device=device,
        session=of_first(sends.session, NONE),
        conversation=conversation,
        digest=of_first(sends.digest, NONE),
        length=of_first(sends.length, NONE),
        invoked=invoked,
        invoked_time=of_first(sends.time, NONE),
        attempts=attempts,
        acknowledged=acknowledged,
        acknowledged_time=acknowledged_time,
        refused=refused,
        seen=seen,
        effect=np.minimum(acknowledged, seen),
        id=ids,
        sequence=sequence,
        number=number,
        ambiguous=ambiguous,
        given=given,
        by_conversation=by_conversation.astype(np.int32),
        conversation_start=starts,
    )


def _numbers(device: Ints, order: Ints, devices: int) -> Ints:
    """The place of each message among those of its device, counted from 1."""
    number = np.zeros(len(device), dtype=np.int32)
    by_device = order[stable_order(device[order], devices)]
    if len(by_device):
        starts = np.flatnonzero(np.diff(device[by_device], prepend=-2))
        lengths = np.diff(np.append(starts, len(by_device)))
        number[by_device] = np.arange(len(by_device)) - np.repeat(starts, lengths) + 1
    return number


def _resolve(
    history: History, sent: Bools, conversation: Ints, invoked: Ints, refused: Bools, ids: Ints
) -> tuple[Ints, Bools]:
    """The message that each delivery is, and the messages that cannot be told apart."""
    deliveries = history.deliveries
    given = deliveries.message.copy()
    ambiguous = np.zeros(len(sent), dtype=np.bool_)
    named = np.flatnonzero(given >= 0)
    given[named[~sent[given[named]]]] = NONE
    rest = np.flatnonzero(given < 0)
    if len(rest):
        _by_id(history, given, rest, sent, ids)
        rest = rest[given[rest] < 0]
        _by_key(history, given, rest, sent, conversation)
        rest = rest[(given[rest] < 0) & (deliveries.message[rest] < 0)]
        _by_body(history, given, rest, ambiguous, conversation, invoked, refused)
    known = np.flatnonzero(given >= 0)
    given[known[invoked[given[known]] > deliveries.event[known]]] = NONE
    return given, ambiguous


def _by_id(history: History, given: Ints, rows: Ints, sent: Bools, ids: Ints) -> None:
    """The server's id of an acknowledgement names the message, whatever else the delivery says."""
    message_of_id = np.full(len(history.ids) + 1, NONE, dtype=np.int32)
    acknowledged = np.flatnonzero(sent & (ids >= 0))[::-1]
    message_of_id[ids[acknowledged]] = acknowledged
    keyed = history.deliveries.message[rows] >= 0
    found = message_of_id[history.deliveries.id[rows]]
    digests = np.full(len(sent) + 1, NONE, dtype=np.int64)
    backwards = slice(None, None, -1)
    digests[history.sends.message[backwards]] = history.sends.digest[backwards]
    same_body = (found >= 0) & (digests[found] == history.deliveries.digest[rows])
    given[rows] = np.where(keyed & ~same_body, NONE, found)


def _by_key(history: History, given: Ints, rows: Ints, sent: Bools, conversation: Ints) -> None:
    """A key without a sender, or under another's name: the one send with this key, and with this body if the sender
    is another's."""
    deliveries, sends = history.deliveries, history.sends
    rows = rows[deliveries.message[rows] >= 0]
    if not len(rows):
        return
    wanted = {history.keys[number] for number in np.unique(deliveries.message[rows]).tolist()}
    by_key: dict[str, list[int]] = {}
    for number, key in enumerate(history.keys):
        if key in wanted and sent[number]:
            by_key.setdefault(key, []).append(number)
    digests: dict[int, set[int]] = {}
    for message in {number for numbers in by_key.values() for number in numbers}:
        digests[message] = set(sends.digest[sends.message == message].tolist())
    for row in rows.tolist():
        candidates = by_key.get(history.keys[int(deliveries.message[row])], [])
        digest, nameless = int(deliveries.digest[row]), deliveries.sender[row] < 0
        here = [m for m in candidates if conversation[m] == deliveries.conversation[row]] or candidates
        same = [m for m in here if digest in digests[m]]
        if len(same) == 1:
            given[row] = same[0]
        elif nameless and len(here) == 1:
            given[row] = here[0]


def _by_body(
    history: History,
    given: Ints,
    rows: Ints,
    ambiguous: Bools,
    conversation: Ints,
    invoked: Ints,
    refused: Bools,
) -> None:
    """A delivery without key or known id: a send with this body, begun before, of its conversation (and of its sender,
    if named); one that was refused only if there is no other.

    Where no conversation is named, it is one of a conversation that its user is in, and another one for each copy that
    a device is given: so copies are counted for each conversation, and too few of them are still too few.
    """
    if not len(rows):
        return
    deliveries, sends = history.deliveries, history.sends
    wanted = np.isin(sends.digest, np.unique(deliveries.digest[rows]))
    here: dict[tuple[int, int], list[int]] = {}
    elsewhere: dict[int, list[int]] = {}
    pairs = zip(sends.message[wanted].tolist(), sends.digest[wanted].tolist(), strict=True)
    for message, digest in dict.fromkeys(pairs):
        here.setdefault((int(conversation[message]), digest), []).append(message)
        elsewhere.setdefault(digest, []).append(message)
    unnamed = _Unnamed(history, conversation, invoked)
    for row in rows.tolist():
        place, digest = int(deliveries.conversation[row]), int(deliveries.digest[row])
        sender, event = int(deliveries.sender[row]), int(deliveries.event[row])
        found = here.get((place, digest)) or elsewhere.get(digest, [])
        if place < 0 and len(found) > 1:
            found = unnamed.reachable(row, found)
        if sender >= 0:
            found = [message for message in found if history.message_sender[message] == sender] or found
        if len(found) > 1:
            ambiguous[found] = True
            found = [message for message in found if invoked[message] < event] or found
            found = [message for message in found if not refused[message]] or found
            if place < 0:
                found = [unnamed.choice(row, found)]
        if found:
            given[row] = found[0]


class _Unnamed:
    """Chooses among sends of equal bodies for deliveries that name no conversation."""

    def __init__(self, history: History, conversation: Ints, invoked: Ints) -> None:
        self._history = history
        self._conversation = conversation
        self._invoked = invoked
        self._taken: set[tuple[int, int]] = set()
        self._by_id: dict[tuple[int, int], int] = {}

    def reachable(self, row: int, messages: list[int]) -> list[int]:
        """Those of conversations that the delivery's user may be in; all of them if there are none."""
        session, event = int(self._history.deliveries.session[row]), self._history.deliveries.event[[row]]
        user = int(self._history.sessions.user[session])

        def may_be_in(message: int) -> bool:
            theirs = self._history.membership(int(self._conversation[message]), user)
            return theirs is None or not bool(theirs.certainly_out(self._invoked[[message]], event)[0])

        return [message for message in messages if may_be_in(message)] or messages

    def choice(self, row: int, messages: list[int]) -> int:
        """The one that was chosen for the same id before, else the first that the device was not given yet."""
        deliveries = self._history.deliveries
        device = int(self._history.sessions.device[deliveries.session[row]])
        named = (device, int(deliveries.id[row]))
        chosen = self._by_id.get(named) if named[1] >= 0 else None
        if chosen is None or chosen not in messages:
            free = [message for message in messages if (device, message) not in self._taken]
            chosen = (free or messages)[0]
        self._taken.add((device, chosen))
        self._by_id[named] = chosen
        return chosen
