"""Names that do not hold: one number for two messages, numbers that repeat, go down or leave holes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from waybill.history.columns import compact, kept, passed_over, small, stable_order
from waybill.history.events import Operation
from waybill.history.membership import NEVER, Ints
from waybill.history.model import History
from waybill.history.prose import Prose
from waybill.history.report import Anomaly, Example, anomaly_of
from waybill.history.views import is_pushed


def check(history: History) -> list[Anomaly]:
    """`inconsistent-id` and `id-regression`: one pass over everything the server stated of ids and sequences."""
    return [*_inconsistent(history), *_regression(history)]


@dataclass(frozen=True, slots=True)
class _Facts:
    """Statements of the server that a message has an id and a sequence, acknowledgements first."""

    event: Ints
    message: Ints
    conversation: Ints
    id: Ints
    sequence: Ints
    acknowledgement: Ints


def _parts(history: History) -> list[_Facts]:
    """What acknowledgements state of their own send, and what deliveries state."""
    deliveries, messages, oks, operations = (
        history.deliveries,
        history.messages,
        history.oks,
        history.operations,
    )
    message_of = np.full(len(operations.what), -1, dtype=np.int32)
    message_of[history.sends.operation] = history.sends.message
    answers = np.flatnonzero(operations.what[oks.operation] == Operation.SEND)
    rows = np.flatnonzero(messages.given >= 0)
    rows = rows[~messages.ambiguous[messages.given[rows]]]
    parts = []
    for table, chosen, message in (
        (oks, answers, message_of[oks.operation[answers]]),
        (deliveries, rows, messages.given[rows]),
    ):
        conversation, acks = (
            messages.conversation[message],
            np.broadcast_to(np.bool_(table is oks), len(chosen)),
        )
        parts.append(
            _Facts(table.event[chosen], message, conversation, table.id[chosen], table.sequence[chosen], acks)
        )
    return parts


def _all_hold(history: History, parts: list[_Facts]) -> bool:
    """Whether every id and every sequence has one meaning throughout; quick, and true of nearly every history."""
    width = max((int(part.sequence.max(initial=0)) for part in parts), default=0) + 1
    if width * len(history.conversations) > 4 * sum(len(part.event) for part in parts) + 1_000_000:
        return False
    of_sequence = np.full(width * len(history.conversations), -1, dtype=np.int32)
    of_id = np.full(len(history.ids) + 1, -1, dtype=np.int32)
    sequence_of_id = np.full(len(history.ids) + 1, -1, dtype=np.int64)

    def entries(part: _Facts) -> Iterator[tuple[Ints, Ints, Ints]]:
        sequenced, named = part.sequence >= 0, part.id >= 0
        both = sequenced & named
        conversation, sequence, message = kept(sequenced, part.conversation, part.sequence, part.message)
        yield of_sequence, conversation.astype(np.int64) * width + sequence, message
        ids, message = kept(named, part.id, part.message)
        yield of_id, ids, message
        ids, sequence = kept(both, part.id, part.sequence)
        yield sequence_of_id, ids, sequence

    for part in parts:
        for table, names, values in entries(part):
            table[names] = values
    holds = all(
        bool((table[names] == values).all()) for part in parts for table, names, values in entries(part)
    )
    delivered = parts[1]
    known = (delivered.id >= 0) & (history.messages.id[delivered.message] >= 0)
    same = delivered.id[known] == history.messages.id[delivered.message[known]]
    return holds and bool(same.all())


def _none(part: _Facts) -> _Facts:
    """Nothing of a table, in its form."""
    return _Facts(*(getattr(part, name)[:0] for name in _Facts.__slots__))


def _together(parts: list[_Facts]) -> _Facts:
    """All facts in one table."""
    return _Facts(*(np.concatenate([getattr(part, name) for part in parts]) for name in _Facts.__slots__))


def _inconsistent(history: History) -> list[Anomaly]:
    prose, oks = Prose(history), history.oks
    found: list[tuple[int, int, str]] = []
    parts = _parts(history)
    facts = _together([_none(part) for part in parts] if _all_hold(history, parts) else parts)
    numbered = np.flatnonzero(facts.sequence >= 0)
    named = np.flatnonzero(facts.id >= 0)
    if len(numbered):
        sequence, count = compact(small(facts.sequence[numbered]))
        place, _ = compact(facts.conversation[numbered].astype(np.int64) * count + sequence)
        found += [(one, two, "sequence") for one, two in _clashes(numbered, place, facts.message)]
    if len(named):
        found += [(one, two, "id") for one, two in _clashes(named, facts.id[named], facts.message)]
        both = named[facts.sequence[named] >= 0]
        found += [
            (one, two, "two-sequences")
            for one, two in _clashes(both, facts.id[both], facts.sequence)
            if facts.message[one] == facts.message[two]
        ]
        found += _answered_otherwise(facts, named)
    found.sort(key=lambda one: (int(facts.event[one[1]]), int(facts.event[one[0]]), one[2]))
    answers = _misnamed(history)

    def example(one: int, two: int, kind: str) -> Example:
        if kind == "answer":
            operation = int(oks.operation[two])
            right = int(history.sends.message[np.flatnonzero(history.sends.operation == operation)[0]])
            return Example(
                f"the acknowledgement of {prose.message(right)} names {prose.message(int(oks.message[two]))}",
                (int(history.operations.event[operation]), int(oks.event[two])),
                kind,
            )
        mine, theirs = prose.message(int(facts.message[one])), prose.message(int(facts.message[two]))
        conversation = prose.conversation(int(facts.conversation[two]))
        sentence = {
            "sequence": f"sequence {int(facts.sequence[two])} of {conversation} names both {mine} and {theirs}",
            "id": f"id {prose.id(int(facts.id[two]))} names both {mine} and {theirs}",
            "two-sequences": f"{mine} has both sequence {int(facts.sequence[one])} and sequence "
            f"{int(facts.sequence[two])} in {conversation}",
            "two-ids": f"{mine} was acknowledged as id "
            f"{prose.id(int(facts.id[one if facts.acknowledgement[one] else two]))} but delivered as id "
            f"{prose.id(int(facts.id[two if facts.acknowledgement[one] else one]))}",
        }[kind]
        return Example(sentence, tuple(sorted((int(facts.event[one]), int(facts.event[two])))), kind)

    listed = [*found, *((-1, row, "answer") for row in answers)]
    return anomaly_of("inconsistent-id", listed, example, kinds=[kind for *_, kind in listed])


def _clashes(places: Ints, names: Ints, values: Ints) -> list[tuple[int, int]]:
    """Facts that give a name another value than the first fact did; each wrong value once."""
    first = np.full(int(names.max(initial=-1)) + 1, -1, dtype=np.int64)
    first[names[::-1]] = places[::-1]
    before = first[names]
    wrong = np.flatnonzero(values[places] != values[before])
    once: dict[tuple[int, int], tuple[int, int]] = {}
    for place in wrong.tolist():
        pair = (int(before[place]), int(places[place]))
        once.setdefault((int(names[place]), int(values[pair[1]])), pair)
    return list(once.values())


def _answered_otherwise(facts: _Facts, named: Ints) -> list[tuple[int, int, str]]:
    """Messages of one id in every delivery and another one in every acknowledgement."""
    size = int(facts.message.max()) + 1
    delivered, acked = named[~facts.acknowledgement[named]], named[facts.acknowledgement[named]]
    first = np.full(size, -1, dtype=np.int64)
    first[facts.message[delivered[::-1]]] = delivered[::-1]
    answer = np.full(size, -1, dtype=np.int64)
    answer[facts.message[acked[::-1]]] = acked[::-1]
    both = np.flatnonzero((first >= 0) & (answer >= 0))
    differ = both[facts.id[first[both]] != facts.id[answer[both]]]
    if not len(differ):
        return []
    found = []
    for message in differ.tolist():
        mine = acked[facts.message[acked] == message]
        theirs = delivered[facts.message[delivered] == message]
        if not set(facts.id[mine].tolist()) & set(facts.id[theirs].tolist()):
            one, two = sorted((int(first[message]), int(answer[message])))
            found.append((one, two, "two-ids"))
    return found


def _misnamed(history: History) -> list[int]:
    """Acknowledgements that name the key of another send than the one they answer."""
    oks = history.oks
    rows = np.flatnonzero(oks.message >= 0)
    message_of = np.full(len(history.operations.what), -1, dtype=np.int32)
    message_of[history.sends.operation] = history.sends.message
    right = message_of[oks.operation[rows]]
    found: list[int] = rows[(right >= 0) & (right != oks.message[rows])].tolist()
    return found


def _regression(history: History) -> list[Anomaly]:
    """Sequences (and ids, where `ids` `"ordered"` is promised) that do not grow with real time or along a log.

    Of one sending device a later message must have a larger number than each that existed before it was begun; where
    `realtime_order` is promised, of everybody. Along what the server pushes in one session they must not go down,
    unless the target says that it has no `total_order`.
    """
    messages, prose, deliveries = history.messages, Prose(history), history.deliveries
    numbers = [("sequence", messages.sequence)]
    if history.promise("ids", "opaque") == "ordered":
        numbers.append(("id", _ranks(history)))
    found: list[tuple[int, int, str]] = []
    rows_found: list[tuple[int, int, str]] = []
    for kind, number in numbers:
        known = np.flatnonzero(
            messages.sent & (number >= 0) & (messages.effect < NEVER) & ~messages.ambiguous
        )
        found += [(one, two, kind) for one, two in _assigned(history, known, number)]
        if history.promise("total_order", True):
            rows_found += [(one, two, kind) for one, two in _along(history, number)]
    by_sequence = {two for _, two, kind in rows_found if kind == "sequence"}
    rows_found = [found for found in rows_found if found[2] == "sequence" or found[1] not in by_sequence]

    def assigned(one: int, two: int, kind: str) -> Example:
        return Example(
            f"{prose.message(one)} existed before {prose.message(two)} was sent, but its {kind} "
            f"{_name(history, prose, kind, one)} is not below {_name(history, prose, kind, two)}",
            (int(messages.effect[one]), int(messages.invoked[two])),
            f"assigned-{kind}",
        )

    def along(one: int, two: int, kind: str) -> Example:
        given = messages.given
        names = [_name(history, prose, kind, int(given[row])) for row in (one, two)]
        return Example(
            f"{prose.device_of(int(deliveries.session[two]))} got {prose.message(int(given[two]))} with {kind} "
            f"{names[1]} after {prose.message(int(given[one]))} with {kind} {names[0]}",
            (int(deliveries.event[one]), int(deliveries.event[two])),
            f"delivered-{kind}",
        )

    def example(one: int, two: int, kind: str, delivered: bool) -> Example:
        return along(one, two, kind) if delivered else assigned(one, two, kind)

    listed = [*((*one, False) for one in found), *((*one, True) for one in rows_found)]
    kinds = [f"{'delivered' if delivered else 'assigned'}-{kind}" for _, _, kind, delivered in listed]
    return anomaly_of("id-regression", listed, example, kinds=kinds)


def _name(history: History, prose: Prose, kind: str, message: int) -> str:
    messages = history.messages
    return prose.id(int(messages.id[message])) if kind == "id" else str(int(messages.sequence[message]))


def _ranks(history: History) -> Ints:
    """For each message the rank of its id in lexicographic order; -1 without one."""
    used = np.unique(history.messages.id)
    used = used[used >= 0]
    rank = np.full(len(history.ids) + 1, -1, dtype=np.int64)
    if len(used):
        texts = np.array([name.encode() for name in history.ids], dtype=np.bytes_)[used]
        rank[used] = np.unique(texts, return_inverse=True)[1]
    found: Ints = rank[history.messages.id]
    return found


def _assigned(history: History, known: Ints, number: Ints) -> list[tuple[int, int]]:
    """Messages whose number is not above that of one that existed before they were begun."""
    if len(known) < 2:
        return []
    messages = history.messages
    code = messages.conversation[known].astype(np.int64)
    if not history.promise("realtime_order", False):
        code = code * len(history.devices) + messages.device[known]
    groups, count = compact(code)
    value = small(number[known])
    in_turn = np.argsort(messages.invoked[known], kind="stable")
    in_turn = in_turn[stable_order(groups[in_turn], count)]
    if bool(((np.diff(value[in_turn]) > 0) | (np.diff(groups[in_turn]) > 0)).all()):
        return []
    order = np.lexsort((messages.effect[known], groups))
    wide = groups[order].astype(np.int64) << 32
    existed = wide | messages.effect[known][order]
    highest = np.maximum.accumulate(wide | value[order])
    place = np.searchsorted(existed, (groups.astype(np.int64) << 32) | messages.invoked[known]) - 1
    mine = groups.astype(np.int64) << 32
    before = np.where(place >= 0, highest[place], -1)
    bad = np.flatnonzero((before >= mine) & (before >= (mine | value)))
    bad = bad[np.argsort(messages.invoked[known[bad]], kind="stable")]
    found = []
    for one in bad.tolist():
        witness = int(np.searchsorted(highest, before[one]))
        if known[order[witness]] != known[one]:
            found.append((int(known[order[witness]]), int(known[one])))
    return found


def _along(history: History, number: Ints) -> list[tuple[int, int]]:
    """Pushed deliveries whose number lies below an earlier one's of their session and conversation."""
    messages, deliveries = history.messages, history.deliveries
    rows = np.flatnonzero(is_pushed(history) & (messages.given >= 0))
    rows = rows[(number[messages.given[rows]] >= 0) & ~messages.ambiguous[messages.given[rows]]]
    if len(rows) < 2:
        return []
    given = messages.given[rows]
    own = deliveries.sequence[rows]
    value = small(np.where(own >= 0, own, number[given]) if number is messages.sequence else number[given])
    code = (
        deliveries.session[rows].astype(np.int64) * len(history.conversations) + messages.conversation[given]
    )
    groups, count = compact(code)
    order = stable_order(groups, count)
    late, early = passed_over(groups[order], value[order], value[order])
    if not len(late):
        return []
    pair = deliveries.session[rows].astype(np.int64) * len(messages.sent) + given
    concerned = np.flatnonzero(np.isin(pair, pair[order[late]]))
    _, where = np.unique(pair[concerned], return_index=True)
    firsts = set(concerned[where].tolist())
    return sorted(
        (
            (int(rows[order[one]]), int(rows[order[two]]))
            for one, two in zip(early.tolist(), late.tolist(), strict=True)
            if order[two] in firsts
        ),
        key=lambda found: found[1],
    )


def unknown_sends(history: History, conversation: int) -> int:
    """How many sends of a conversation may exist without anybody having seen them."""
    messages = history.messages
    mine = messages.of_conversation(conversation)
    return int(((messages.effect[mine] == NEVER) & ~messages.refused[mine]).sum())
