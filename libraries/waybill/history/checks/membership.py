"""Messages in the wrong hands: given to strangers, to former members, or withheld from new ones."""

from __future__ import annotations

import numpy as np

from waybill.history.membership import NEVER, Ints
from waybill.history.model import History
from waybill.history.prose import Prose
from waybill.history.report import Anomaly, Example, anomaly_of
from waybill.history.views import holdings, senders_of


def check(history: History) -> list[Anomaly]:
    """`misrouted` and `membership-leak`; one pass over the deliveries of each user and conversation.

    A delivery is wrong if its user was certainly no member at any time between the first attempt and the completion
    of the send: leaked if a removal came before, misrouted otherwise. Where the target promises `new_member_history`
    `"all"`, a member may also see what is older than the joining.
    """
    deliveries, messages, prose = history.deliveries, history.messages, Prose(history)
    rows = np.flatnonzero(messages.given >= 0)
    rows = rows[~messages.ambiguous[messages.given[rows]]]
    given = messages.given[rows]
    user = history.sessions.user[deliveries.session[rows]]
    pair = user.astype(np.int64) * len(history.conversations) + messages.conversation[given]
    allowed = np.zeros(len(history.users) * len(history.conversations) + 1, dtype=np.bool_)
    for conversation, members in history.memberships.items():
        for member, membership in members.items():
            if not membership.outside:
                allowed[member * len(history.conversations) + conversation] = True
    doubtful = np.flatnonzero(~allowed[pair])
    strangers: list[Ints] = []
    former: list[Ints] = []
    order = doubtful[np.argsort(pair[doubtful], kind="stable")]
    bounds = (
        np.flatnonzero(np.diff(pair[order], prepend=-1, append=-1))
        if len(order)
        else np.zeros(0, dtype=np.int64)
    )
    all_history = history.promise("new_member_history", "none") == "all"
    for begin, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        part = order[begin:end]
        who, conversation = divmod(int(pair[part[0]]), len(history.conversations))
        theirs = history.membership(conversation, who)
        if theirs is None:
            continue
        message = given[part]
        done = np.where(messages.acknowledged[message] < NEVER, messages.acknowledged[message], NEVER - 1)
        done = np.maximum(np.minimum(done, deliveries.event[rows[part]]), messages.invoked[message])
        wrong = theirs.certainly_out(messages.invoked[message], done)
        if all_history:
            event = deliveries.event[rows[part]]
            wrong &= theirs.certainly_out(event, event)
        sent = messages.invoked[message[wrong]].tolist()
        was = np.array([theirs.ever_before(event) for event in sent], dtype=np.bool_)
        found = rows[part[wrong]]
        strangers.append(found[~was] if len(found) else found)
        former.append(found[was] if len(found) else found)

    def misrouted(row: int) -> Example:
        message = int(messages.given[row])
        return Example(
            f"{prose.device_of(int(deliveries.session[row]))} got {prose.message(message)} of "
            f"{prose.conversation(int(messages.conversation[message]))}, of which its user was no member",
            (*prose.send_events(message), int(deliveries.event[row])),
        )

    def leaked(row: int, kind: str) -> Example:
        if kind == "withheld":
            return withheld_example(*divmod(row, len(history.users)))
        message = int(messages.given[row])
        return Example(
            f"{prose.device_of(int(deliveries.session[row]))} got {prose.message(message)} of "
            f"{prose.conversation(int(messages.conversation[message]))}, sent after its user had been removed",
            (*prose.send_events(message), int(deliveries.event[row])),
            kind,
        )

    def withheld_example(message: int, user: int) -> Example:
        return Example(
            f"{prose.message(message)} was withheld from {prose.user(user)}, whose joining of "
            f"{prose.conversation(int(messages.conversation[message]))} had been acknowledged before it was sent",
            prose.send_events(message),
            "withheld",
        )

    wrong_rows = np.sort(np.concatenate(strangers)) if strangers else np.zeros(0, dtype=np.int64)
    late_rows = np.sort(np.concatenate(former)) if former else np.zeros(0, dtype=np.int64)
    withheld = [message * len(history.users) + user for message, user in _withheld(history)]
    listed = [
        *((row, "former-member") for row in late_rows.tolist()),
        *((code, "withheld") for code in withheld),
    ]
    return [
        *anomaly_of(
            "misrouted",
            wrong_rows,
            misrouted,
            sessions=(senders_of(history, wrong_rows), deliveries.session[wrong_rows]),
        ),
        *anomaly_of("membership-leak", listed, leaked, kinds=[kind for _, kind in listed]),
    ]


def _withheld(history: History) -> list[tuple[int, int]]:
    """Acknowledged messages that no judged device of a user has, who joined in this history before they were sent."""
    messages = history.messages
    joined = {
        user
        for members in history.memberships.values()
        for user, membership in members.items()
        if membership.joined
    }
    if not joined:
        return []
    lacking: dict[int, set[int]] = {}
    judged: dict[int, bool] = {}
    for holding in holdings(history):
        if holding.user not in joined:
            continue
        judged[holding.user] = judged.get(holding.user, True) and holding.begin < NEVER
        must = holding.must[messages.acknowledged[holding.must] < min(holding.begin, NEVER)]
        must = must[~messages.ambiguous[must]]
        missing = set(must[~holding.held[must]].tolist())
        held = set(must[holding.held[must]].tolist())
        lacking[holding.user] = (
            lacking[holding.user] & missing if holding.user in lacking else missing
        ) - held
    found = []
    for user in sorted(lacking):
        for message in sorted(lacking[user]):
            membership = history.membership(int(messages.conversation[message]), user)
            if judged[user] and membership is not None and membership.joined:
                found.append((message, user))
    return found
