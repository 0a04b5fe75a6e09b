"""Messages in the wrong order: within one stream, across devices, against real time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from waybill.history.columns import compact, first_of_each, passed_over, stable_order
from waybill.history.events import Mode, Operation
from waybill.history.membership import NEVER, Bools, Ints
from waybill.history.model import History
from waybill.history.prose import Prose
from waybill.history.report import Anomaly, Example, anomaly_of
from waybill.history.views import is_pushed, senders_of


def check(history: History) -> list[Anomaly]:
    """`reordered`, `reordered-across-reconnect`, `order-divergence` and `realtime-reordered`.

    Message a stands before b if a certainly existed (it was acknowledged, or seen by anybody) before the first
    attempt of b; where the target promises `pipelined_order`, also if both were tried once, on one session, a first.
    A device shows b before a if it was first given b first. Each question is one running maximum over the deliveries.
    """
    shown = _shown(history)
    return [*_streams(history, shown), *_divergence(history, shown), *_realtime(history, shown)]


@dataclass(frozen=True, slots=True)
class _Shown:
    """The deliveries that show an order.

    Attributes:
        in_epoch: Pushed, the first of their message in their session.
        on_device: Pushed, the first of their message on their device since it last went back to an older cursor.
        read: Part of a page or a final read, the first of their message in it.
        run: For each session the number of its run: the sessions of a device between two rewinds.
    """

    in_epoch: Ints
    on_device: Ints
    read: Ints
    run: Ints


def _shown(history: History) -> _Shown:
    deliveries, messages = history.deliveries, history.messages
    given = messages.given
    clear = np.append(~messages.ambiguous, False)
    usable = clear[given]
    pushed = np.flatnonzero(is_pushed(history) & usable)
    run = _runs(history)
    size = len(messages.sent)
    run_of = run[deliveries.session[pushed]]
    first = np.zeros(len(pushed), dtype=np.bool_)
    order = stable_order(run_of, int(run.max(initial=0)) + 1)
    bounds = np.flatnonzero(np.diff(run_of[order], prepend=-1, append=-1))
    for begin, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        part = order[begin:end]
        first[part] = first_of_each(given[pushed[part]], size)
    again = np.flatnonzero(~first)
    in_epoch = first.copy()
    if len(again):
        code = deliveries.session[pushed].astype(np.int64) * size + given[pushed]
        concerned = np.flatnonzero(np.isin(code, code[again]))
        _, where = np.unique(code[concerned], return_index=True)
        in_epoch[concerned] = False
        in_epoch[concerned[where]] = True
    pages = np.flatnonzero(~is_pushed(history) & usable)
    code = _page(history, pages).astype(np.int64) * size + given[pages]
    _, where = np.unique(code, return_index=True)
    return _Shown(pushed[in_epoch], pushed[first], pages[np.sort(where)], run)


def _page(history: History, rows: Ints) -> Ints:
    """What makes entries one read: the device's final read, or the page."""
    deliveries = history.deliveries
    final = deliveries.mode[rows] == Mode.FINAL
    device = history.sessions.device[deliveries.session[rows]]
    return np.where(final, device, deliveries.read[rows] + len(history.devices) + 1)


def _runs(history: History) -> Ints:
    """For each session its run; a login that asks for an older cursor than the device had reached begins a new one."""
    deliveries, invokes, sessions = history.deliveries, history.invokes, history.sessions
    reached = np.full(len(sessions.device), -1, dtype=np.int64)
    asked = np.full(len(sessions.device), -1, dtype=np.int64)
    logins = np.flatnonzero(invokes.what == Operation.LOGIN)
    asked[invokes.session[logins]] = invokes.value[logins]
    if (asked >= 0).any():
        pushed = np.flatnonzero(is_pushed(history))
        np.maximum.at(reached, deliveries.session[pushed], deliveries.cursor[pushed])
    run = np.zeros(len(sessions.device), dtype=np.int64)
    latest: dict[int, tuple[int, int]] = {}
    runs = 0
    for session, device in enumerate(sessions.device.tolist()):
        if device < 0:
            continue
        number, highest = latest.get(device, (-1, -1))
        if number < 0 or 0 <= asked[session] < highest:
            number, highest = runs, -1
            runs += 1
        latest[device] = (number, max(highest, int(reached[session])))
        run[session] = number
    return run


def _stream(history: History, rows: Ints) -> tuple[Ints, int]:
    """The stream of each delivery: the device that sent it, and the conversation."""
    messages = history.messages
    given = messages.given[rows]
    code = messages.device[given].astype(np.int64) * len(history.conversations) + messages.conversation[given]
    return compact(np.maximum(code, 0))


def _inverted(history: History, rows: Ints, groups: Ints, effect: Ints, begun: Ints) -> tuple[Ints, Ints]:
    """In each group of deliveries those whose message took effect before an earlier delivered one was begun."""
    groups, count = compact(groups)
    order = stable_order(groups, count)
    given = history.messages.given[rows][order]
    later, earlier = passed_over(groups[order], effect[given], begun[given])
    return rows[order[later]], rows[order[earlier]]


def _streams(history: History, shown: _Shown) -> list[Anomaly]:
    messages, deliveries, prose = history.messages, history.deliveries, Prose(history)
    effect, begun = messages.effect, messages.invoked
    stream, streams = _stream(history, shown.in_epoch)
    epoch = deliveries.session[shown.in_epoch].astype(np.int64) * streams + stream
    late, early = _inverted(history, shown.in_epoch, epoch, effect, begun)
    read_stream, streams = _stream(history, shown.read)
    page = _page(history, shown.read).astype(np.int64) * streams + read_stream
    late_read, early_read = _inverted(history, shown.read, page, effect, begun)
    parts = [(late, early), (late_read, early_read)]
    if history.promise("pipelined_order", False):
        parts += _pipelined(history, shown, epoch, page)
    same = dict(
        pair for part in reversed(parts) for pair in zip(part[0].tolist(), part[1].tolist(), strict=True)
    )
    stream, streams = _stream(history, shown.on_device)
    run = shown.run[deliveries.session[shown.on_device]] * streams + stream
    late, early = _inverted(history, shown.on_device, run, effect, begun)
    across = {
        two: one
        for two, one in zip(late.tolist(), early.tolist(), strict=True)
        if two not in same and deliveries.session[two] != deliveries.session[one]
    }

    def example(late: int, early: int) -> Example:
        one, two = int(messages.given[late]), int(messages.given[early])
        how = "was acknowledged" if messages.acknowledged[one] < messages.invoked[two] else "existed"
        if messages.effect[one] > messages.invoked[two]:
            how = "was sent first on the same session"
        device = prose.device_of(int(deliveries.session[late]))
        before = "" if how.endswith("session") else f" before {prose.message(two)} was sent"
        events = (int(messages.invoked[one]), int(messages.effect[one]), int(messages.invoked[two]))
        proof = {event for event in events if event < NEVER} | {
            int(deliveries.event[r]) for r in (early, late)
        }
        return Example(
            f"{prose.message(one)} {how}{before}, but {device} shows {prose.message(two)} before {prose.message(one)}",
            tuple(sorted(proof)),
        )

    anomalies = []
    for name, found in (("reordered", same), ("reordered-across-reconnect", across)):
        rows = np.array(sorted(found), dtype=np.int64)
        pairs = [(row, found[row]) for row in rows.tolist()]
        sessions = (senders_of(history, rows), deliveries.session[rows])
        anomalies += anomaly_of(name, pairs, example, sessions=sessions)
    return anomalies


def _pipelined(history: History, shown: _Shown, epoch: Ints, page: Ints) -> list[tuple[Ints, Ints]]:
    """Messages tried once, on one session: the order of their sends is their order."""
    messages = history.messages
    parts = []
    for rows, groups in ((shown.in_epoch, epoch), (shown.read, page)):
        once = messages.attempts[messages.given[rows]] == 1
        chosen = rows[once]
        numbers, _ = compact(groups[once])
        width = len(history.sessions.device)
        code = numbers.astype(np.int64) * width + messages.session[messages.given[chosen]]
        parts.append(_inverted(history, chosen, code, messages.invoked, messages.invoked))
    return parts


def _views(history: History, shown: _Shown) -> tuple[Ints, Ints]:
    """The deliveries of every view - a run of a device, a page, a final read - and their group."""
    deliveries, messages = history.deliveries, history.messages
    rows = np.concatenate((shown.on_device, shown.read))
    runs = shown.run[deliveries.session[shown.on_device]]
    pages = _page(history, shown.read) + int(shown.run.max(initial=0)) + 1
    view = np.concatenate((runs, pages)).astype(np.int64)
    code = view * len(history.conversations) + messages.conversation[messages.given[rows]]
    groups, count = compact(code)
    order = stable_order(groups, count)
    return rows[order], groups[order]


def _divergence(history: History, shown: _Shown) -> list[Anomaly]:
    """Views that show a pair of messages in different orders, where the target promises one order (`total_order`).

    The largest view of each conversation is the yardstick of the others, then the one that knows most of what it
    lacks, three times over.
    """
    if not history.promise("total_order", True) or not len(shown.on_device) + len(shown.read):
        return []
    messages, deliveries, prose = history.messages, history.deliveries, Prose(history)
    rows, groups = _views(history, shown)
    given = messages.given[rows]
    conversation = messages.conversation[given]
    starts = np.flatnonzero(np.diff(groups, prepend=-1))
    of_group = conversation[starts]
    measured = np.zeros(len(messages.sent), dtype=np.bool_)
    found: dict[int, tuple[int, int, int]] = {}
    for _ in range(3):
        fresh = np.add.reduceat(~measured[given], starts, dtype=np.int64)
        best: dict[int, int] = {}
        ranked = np.lexsort((-np.arange(len(starts)), fresh))
        for group in ranked.tolist():
            if fresh[group] > 1:
                best[int(of_group[group])] = group
        if not best:
            break
        rank = np.full(len(messages.sent), -1, dtype=np.int64)
        yard = (
            np.isin(groups, list(best.values()))
            if len(best) < len(starts)
            else np.ones(len(rows), dtype=np.bool_)
        )
        rank[given[yard]] = np.flatnonzero(yard)
        common = np.flatnonzero(~yard & (rank[given] >= 0))
        value = rank[given[common]]
        late, early = passed_over(groups[common], value, value)
        for place, other in zip(common[late].tolist(), common[early].tolist(), strict=True):
            found.setdefault(
                int(rows[place]), (int(rows[other]), int(rank[given[place]]), int(rank[given[other]]))
            )
        measured[given[yard]] = True

    def example(late: int, early: int, *places: int) -> Example:
        one, two = int(messages.given[late]), int(messages.given[early])
        mine, theirs = _viewer(history, prose, late), _viewer(history, prose, int(rows[places[0]]))
        return Example(
            f"{mine} shows {prose.message(two)} before {prose.message(one)}; {theirs} shows them the other way round",
            tuple(
                sorted(int(deliveries.event[row]) for row in (early, late, *(rows[list(places)]).tolist()))
            ),
        )

    late_rows = np.array(sorted(found), dtype=np.int64)
    return anomaly_of(
        "order-divergence",
        [(row, *found[row]) for row in late_rows.tolist()],
        example,
        sessions=(senders_of(history, late_rows), deliveries.session[late_rows]),
    )


def _viewer(history: History, prose: Prose, row: int) -> str:
    deliveries = history.deliveries
    mode = Mode(int(deliveries.mode[row]))
    how = {Mode.PAGE: " in a page", Mode.FINAL: " in its final read"}.get(mode, "")
    return prose.device_of(int(deliveries.session[row])) + how


def _realtime(history: History, shown: _Shown) -> list[Anomaly]:
    """Acknowledged before another sender began, yet shown after it; only where `realtime_order` is promised."""
    if not history.promise("realtime_order", False) or not len(shown.on_device) + len(shown.read):
        return []
    messages, deliveries, prose = history.messages, history.deliveries, Prose(history)
    rows, groups = _views(history, shown)
    late, early = _inverted(history, rows, groups, messages.acknowledged, messages.invoked)
    other: Bools = messages.device[messages.given[late]] != messages.device[messages.given[early]]

    def example(late_row: int, early_row: int) -> Example:
        one, two = int(messages.given[late_row]), int(messages.given[early_row])
        return Example(
            f"{prose.message(one)} was acknowledged before {prose.message(two)} was sent, but "
            f"{_viewer(history, prose, late_row)} shows {prose.message(two)} first",
            tuple(
                sorted(
                    (int(messages.acknowledged[one]), int(messages.invoked[two]),
                     int(deliveries.event[early_row]), int(deliveries.event[late_row]))
                )
            ),
        )  # fmt: skip

    pairs = list(zip(late[other].tolist(), early[other].tolist(), strict=True))
    return anomaly_of("realtime-reordered", pairs, example)
