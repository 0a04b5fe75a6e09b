"""What some checks must find, said over again in the slowest and plainest way: loops over the definitions.

Each function takes a history none of whose messages is ambiguous and gives what its anomaly occurs at.
"""

from __future__ import annotations

from waybill.history import Mode, Operation
from waybill.history.membership import NEVER
from waybill.history.model import History

Place = tuple[object, ...]


def lost(history: History) -> tuple[set[Place], set[Place]]:
    """The pairs of a message and a device that lacks it: of acknowledged messages, and of others."""
    messages, acknowledged, proven = history.messages, set(), set()
    for device, begin in history.final_begin.items():
        user, shown = int(history.device_user[device]), _shown(history, device)
        for message in range(len(messages.sent)):
            conversation, begun = int(messages.conversation[message]), int(messages.invoked[message])
            exists = int(messages.effect[message])
            if not messages.sent[message] or exists >= begin:
                continue
            membership = history.memberships.get(conversation, {}).get(user)
            member = membership is not None and any(
                first <= begun and exists < last for first, last in membership.inside
            )
            owed = member and device not in _senders(history, message) and not history.over[message]
            if messages.sender[message] == user:
                owed = owed and bool(history.promise("own_devices", False))
            if history.promise("new_device_history", "all") == "none":
                owed = owed and begun > _first_login(history, device)
            if owed and message not in shown:
                known = messages.acknowledged[message] < NEVER
                (acknowledged if known else proven).add((message, device))
    return acknowledged, proven


def _shown(history: History, device: int) -> set[int]:
    """What a device was given; what its final read showed, if a page of that began at the start of the log."""
    from_start = {
        int(history.invokes.operation[row])
        for row in range(len(history.invokes.event))
        if history.invokes.what[row] == Operation.SYNC and history.invokes.value[row] == 0
    }
    given, final, whole = set(), set(), False
    for row in range(len(history.deliveries.event)):
        if history.sessions.device[history.deliveries.session[row]] == device:
            given.add(int(history.messages.given[row]))
            if history.deliveries.mode[row] == Mode.FINAL:
                final.add(int(history.messages.given[row]))
                whole = whole or int(history.deliveries.read[row]) in from_start
    return final if whole else given


def _senders(history: History, message: int) -> set[int]:
    """The devices that tried to send a message."""
    sends = history.sends
    return {
        int(history.sessions.device[sends.session[row]])
        for row in range(len(sends.event))
        if sends.message[row] == message
    }


def _first_login(history: History, device: int) -> int:
    operations = history.operations
    return min(
        (
            int(operations.done[one])
            for one in range(len(operations.what))
            if operations.what[one] == Operation.LOGIN
            and operations.row[one] >= 0
            and history.sessions.device[operations.session[one]] == device
        ),
        default=NEVER,
    )


def _views(history: History) -> list[list[int]]:
    """The deliveries of each session as they were pushed, of each page, and of each device's final read; the first of
    each message."""
    deliveries, views = history.deliveries, {}
    for row in range(len(deliveries.event)):
        session, mode = int(deliveries.session[row]), Mode(int(deliveries.mode[row]))
        view: Place = ("session", session)
        if mode is Mode.FINAL:
            view = ("final", int(history.sessions.device[session]))
        elif mode is Mode.PAGE:
            view = ("page", int(deliveries.read[row]))
        message = int(history.messages.given[row])
        if message >= 0:
            views.setdefault(view, {}).setdefault(message, row)
    return [list(rows.values()) for rows in views.values()]


def reordered(history: History) -> set[Place]:
    """The deliveries that come after one of a message of their stream that was begun later than they existed; where
    the order of one session is promised, also after one that the session sent later."""
    messages, found = history.messages, set()
    for rows in _views(history):
        for place, late in enumerate(rows):
            two = int(messages.given[late])
            for early in rows[:place]:
                one = int(messages.given[early])
                if (messages.device[one], messages.conversation[one]) != (
                    messages.device[two],
                    messages.conversation[two],
                ):
                    continue
                once = messages.attempts[one] == messages.attempts[two] == 1
                together = once and messages.session[one] == messages.session[two]
                if messages.effect[two] < messages.invoked[one] or (
                    history.promise("pipelined_order", False)
                    and together
                    and messages.invoked[two] < messages.invoked[one]
                ):
                    found.add((late,))
    return found


def names_of_two(history: History) -> tuple[set[Place], set[Place], set[Place]]:
    """The ids that name another message than they first did, the sequences that do, and the other sequences of an id
    that the first of its messages has: acknowledgements count before deliveries, each wrong value once."""
    facts = []
    message_of = dict(zip(history.sends.operation.tolist(), history.sends.message.tolist(), strict=True))
    for row, operation in enumerate(history.oks.operation.tolist()):
        if operation in message_of:
            facts.append((message_of[operation], int(history.oks.id[row]), int(history.oks.sequence[row])))
    for row, message in enumerate(history.messages.given.tolist()):
        if message >= 0:
            deliveries = history.deliveries
            facts.append((message, int(deliveries.id[row]), int(deliveries.sequence[row])))
    ids: dict[int, int] = {}
    sequences: dict[tuple[int, int], int] = {}
    of_ids: dict[int, tuple[int, int]] = {}
    wrong_ids: set[Place] = set()
    wrong_sequences: set[Place] = set()
    second: set[Place] = set()
    told: set[Place] = set()
    for message, one, sequence in facts:
        place = (int(history.messages.conversation[message]), sequence)
        if one >= 0 and ids.setdefault(one, message) != message:
            wrong_ids.add((one, message))
        if sequence >= 0 and sequences.setdefault(place, message) != message:
            wrong_sequences.add((place, message))
        if one >= 0 and sequence >= 0:
            first_message, first_sequence = of_ids.setdefault(one, (message, sequence))
            if first_sequence != sequence and (one, sequence) not in told:
                told.add((one, sequence))
                if first_message == message:
                    second.add((one, sequence))
    return wrong_ids, wrong_sequences, second


def stored_twice(history: History) -> set[Place]:
    """The other ids, or sequences where there are no ids, that deliveries of a message have beside the first."""
    found: set[Place] = set()
    deliveries = history.deliveries
    for kind in ("id", "sequence"):
        first: dict[int, int] = {}
        for row, message in enumerate(history.messages.given.tolist()):
            name = int(getattr(deliveries, kind)[row])
            if message < 0 or name < 0 or (kind == "sequence" and deliveries.id[row] >= 0):
                continue
            repeated = (
                history.promise("dedup", "durable") == "none" and history.messages.attempts[message] > 1
            )
            if first.setdefault(message, name) != name and not repeated:
                found.add((kind, message, name))
    return found


def wrong_hands(history: History) -> tuple[set[Place], set[Place]]:
    """The deliveries to users who were certainly no members all the while: who never had been, and who had been."""
    messages, strangers, former = history.messages, set(), set()
    for row, message in enumerate(messages.given.tolist()):
        if message < 0:
            continue
        user = int(history.sessions.user[history.deliveries.session[row]])
        membership = history.membership(int(messages.conversation[message]), user)
        if membership is None:
            continue
        begun, event = int(messages.invoked[message]), int(history.deliveries.event[row])
        until = max(begun, min(int(messages.acknowledged[message]), event))
        outside = any(first <= begun and until < last for first, last in membership.outside)
        if history.promise("new_member_history", "none") == "all":
            outside = outside and any(first <= event < last for first, last in membership.outside)
        if outside:
            before = any(change.added and change.begun <= begun for change in membership.changes)
            (former if before else strangers).add((row,))
    return strangers, former
