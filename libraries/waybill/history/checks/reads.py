"""Reads that show too little or too much: stale, flickering, or bringing back what was deleted."""

from __future__ import annotations

import numpy as np

from waybill.history.events import Completion, Operation
from waybill.history.expiry import told
from waybill.history.membership import NEVER
from waybill.history.model import History
from waybill.history.pages import Page
from waybill.history.prose import Prose
from waybill.history.report import Anomaly, Example, anomaly_of
from waybill.history.views import is_pushed, sent_by


def check(history: History) -> list[Anomaly]:
    """`stale-read` of a log (that of presence is in `presence`), `flutter` and `resurrected`."""
    taken = history.pages
    lacking = _lacking(history, taken)
    return [*_stale(history, lacking), *_flutter(history, lacking, taken), *_resurrected(history, taken)]


def _lacking(history: History, taken: list[Page]) -> list[tuple[Page, int]]:
    """Pages with a message that they cover and lack, and that existed before they were asked for.

    A device's own messages are left out, for protocols differ in whether a page repeats them; so is what somebody
    tried to delete, and what has expired.
    """
    messages = history.messages
    proven = history.logs
    deleted = set(
        history.invokes.message[np.isin(history.invokes.what, (Operation.DELETE, Operation.REVOKE))].tolist()
    )
    found = []
    for page in taken:
        log = proven.get(int(history.device_user[page.device]))
        if log is None:
            continue
        covered = log.message[log.between(page.after, page.upto)]
        covered = covered[(messages.effect[covered] < page.begun) & ~sent_by(history, page.device, covered)]
        covered = covered[~history.over[covered]]
        found += [(page, one) for one in covered.tolist() if one not in page.messages and one not in deleted]
    return found


def _stale(history: History, lacking: list[tuple[Page, int]]) -> list[Anomaly]:
    messages, prose = history.messages, Prose(history)
    found = [(page, message) for page, message in lacking if messages.acknowledged[message] < page.begun]

    def example(page: Page, message: int) -> Example:
        late = page.done_time - int(messages.acknowledged_time[message])
        told = f" {late / 1000:.3f} ms later" if page.done_time >= 0 else ""
        return Example(
            f"{prose.device(page.device)} read its log after {page.after} once {prose.message(message)} was "
            f"acknowledged; the page of{told} does not have it",
            (int(messages.acknowledged[message]), page.begun, page.done),
            "log",
        )

    return anomaly_of("stale-read", found, example, kinds=["log"] * len(found))


def _flutter(history: History, lacking: list[tuple[Page, int]], taken: list[Page]) -> list[Anomaly]:
    """A message seen by a user, absent from a later read that covers it, and there again in a read after that.

    What was seen at one node alone is owed to a read at another one once the message is acknowledged.
    """
    deliveries, messages, prose = history.deliveries, history.messages, Prose(history)
    if not lacking:
        return []
    concerned = np.isin(messages.given, [message for _, message in lacking])
    rows = np.flatnonzero(concerned)
    by_message: dict[tuple[int, int], list[int]] = {}
    for row in rows.tolist():
        user = int(history.sessions.user[deliveries.session[row]])
        by_message.setdefault((int(messages.given[row]), user), []).append(row)
    begun = {page.operation: page.begun for page in taken}
    node = history.sessions.node
    found = []
    for page, message in lacking:
        mine = by_message.get((message, int(history.device_user[page.device])), [])
        owed = messages.acknowledged[message] < page.begun
        before = next(
            (
                row
                for row in mine
                if deliveries.event[row] < page.begun
                and (owed or node[deliveries.session[row]] == node[page.session])
            ),
            None,
        )
        back = next((row for row in mine if begun.get(int(deliveries.read[row]), 0) > page.done), None)
        if before is not None and back is not None:
            found.append((page, message, before, back))

    def example(page: Page, message: int, before: int, back: int) -> Example:
        first, last = (prose.device_of(int(deliveries.session[row])) for row in (before, back))
        return Example(
            f"{first} saw {prose.message(message)}, a later read by {prose.device(page.device)} did not have it, and "
            f"one by {last} after that had it again",
            (int(deliveries.event[before]), page.begun, page.done, int(deliveries.event[back])),
        )

    return anomaly_of("flutter", found, example)


def _resurrected(history: History, taken: list[Page]) -> list[Anomaly]:
    """Content given by a read, or by a session, that began after its deletion was confirmed or its time was over: the
    client's own clock says so, or its sender had been told."""
    deliveries, messages, sends = history.deliveries, history.messages, history.sends
    operations, prose = history.operations, Prose(history)
    gone: dict[int, tuple[int, str]] = {}
    invokes = history.invokes
    for row in np.flatnonzero(np.isin(invokes.what, (Operation.DELETE, Operation.REVOKE))).tolist():
        message, operation = _meant(history, row), int(invokes.operation[row])
        if message >= 0 and operations.completion[operation] == Completion.OK:
            kind = "deleted" if invokes.what[row] == Operation.DELETE else "revoked"
            gone.setdefault(message, (int(operations.done[operation]), kind))
    ended, _ = told(history)
    for message in np.flatnonzero(ended < NEVER).tolist():
        gone.setdefault(message, (int(ended[message]), "expired"))
    begun_time = {page.operation: int(operations.time[page.operation]) for page in taken}
    expires: dict[int, int] = {}
    for row in np.flatnonzero(sends.expires >= 0).tolist():
        message = int(sends.message[row])
        if messages.acknowledged[message] < NEVER and messages.acknowledged_time[message] >= 0:
            expires[message] = int(messages.acknowledged_time[message]) + int(sends.expires[row]) * 1000
    if not gone and not expires:
        return []
    pushed = is_pushed(history)
    certain = [message for message in (*gone, *expires) if not messages.ambiguous[message]]
    rows = np.flatnonzero(np.isin(messages.given, certain))
    found = []
    for row in rows.tolist():
        message, session, read = (
            int(messages.given[row]),
            int(deliveries.session[row]),
            int(deliveries.read[row]),
        )
        began = (
            int(history.sessions.event[session]) if pushed[row] or read < 0 else int(operations.event[read])
        )
        began_time = (
            int(history.sessions.time[session]) if pushed[row] or read < 0 else begun_time.get(read, -1)
        )
        if message in gone and gone[message][0] < began:
            found.append((row, gone[message][0], gone[message][1]))
        elif message in expires and began_time > expires[message]:
            found.append((row, int(messages.acknowledged[message]), "expired"))

    def example(row: int, event: int, kind: str) -> Example:
        happened = "had expired" if kind == "expired" else f"was {kind}"
        return Example(
            f"{prose.delivery(row)} {happened}, yet {prose.device_of(int(deliveries.session[row]))} got it in a read "
            f"that began later",
            (event, int(deliveries.event[row])),
            kind,
        )

    return anomaly_of("resurrected", found, example, kinds=[kind for *_, kind in found])


def _meant(history: History, row: int) -> int:
    """The message that a deletion is about: the device's own by key, or one of the conversation by sequence."""
    invokes, messages = history.invokes, history.messages
    message = int(invokes.message[row])
    if message >= 0 and messages.sent[message]:
        return message
    if invokes.value[row] >= 0 and invokes.conversation[row] >= 0:
        mine = messages.of_conversation(int(invokes.conversation[row]))
        found = mine[messages.sequence[mine] == invokes.value[row]]
        if len(found) == 1:
            return int(found[0])
    return -1
