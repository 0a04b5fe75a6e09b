"""Anomalies in the words of people who do not know their names.

How often an anomaly was found counts devices too: a message that three devices miss is lost three times.
"""

from __future__ import annotations

WORDS: dict[str, str] = {
    "unauthorised-ok": "operations succeeded with a login that is not valid",
    "insecure-ok": "operations succeeded over an insecure connection",
    "revoked-accepted": "people went on although what let them in had been revoked",
    "outsider-ok": "people did something in conversations that they are not in",
    "block-ignored": "blocked people reached, or saw, whoever blocks them",
    "lost-acked": "acknowledged messages were lost",
    "premature-ack": "messages were acknowledged before they were safe",
    "lost-proven": "messages that one device got were lost for others",
    "corrupted": "messages arrived with another body than was sent",
    "misrouted": "messages reached people they were not meant for",
    "membership-leak": "a change of a group's members was not kept to",
    "spoofed": "messages arrived under a false sender, conversation or time",
    "phantom": "messages arrived that nobody sent",
    "delivered-after-refusal": "messages were delivered though the server had refused them",
    "partial-fanout": "group messages reached only some members",
    "silent-drop": "messages over a quota vanished without a refusal",
    "stuck": "acknowledged messages were not delivered in time",
    "duplicate-stored": "messages were stored twice",
    "duplicate-accepted": "a repeated send was accepted as a new message",
    "duplicate-delivered": "messages were delivered twice",
    "inconsistent-id": "one id named two messages",
    "id-regression": "the server's ids went backwards or repeated",
    "gap": "messages were skipped in what a device was given",
    "order-divergence": "two devices saw messages in different orders",
    "reordered": "messages arrived in another order than they were sent",
    "reordered-across-reconnect": "messages arrived in another order after a reconnect",
    "realtime-reordered": "a later message was put before an earlier one",
    "device-divergence": "the devices of one user ended up with different contents",
    "resurrected": "removed messages came back",
    "flutter": "messages came, went and came back",
    "cursor-regression": "a device's place in its log went backwards",
    "stale-read": "reads missed messages that were acknowledged before",
    "false-receipt": "receipts told of messages that nobody had got",
    "hung": "the server did not answer in time",
    "mixed-version": "messages went wrong where two versions met",
    "vacuous": "what was to be tested never happened",
}
"""By the name of the anomaly that the checker finds."""

SEEN_ELSEWHERE: dict[str, str] = {
    "hostile-input-crash": "hostile input ended a process or kept everybody from logging in",
    "hostile-input-fault": "hostile input met a fault of the server's own",
    "hostile-input-trace": "hostile input left something in logs, files or data",
    "hostile-input-taken": "inputs were taken that are not legal",
    "hostile-input-unanswered": "hostile inputs were left without an answer",
    "legal-input-rejected": "legal inputs were rejected",
    "prefix-answered-early": "something was answered before it was said to its end",
    "changed-by-the-codec": "what came back was not what had been said",
    "not-canonical": "frames of the server read otherwise once they are written again",
    "unasked-frame": "the server said what nothing had asked for",
    "trailing-bytes-accepted": "operations with something behind them were taken",
    "fetched-for-a-token": "the server looked where a false token told it to",
}
"""By the name of what scenarios find outside the history."""


def in_words(anomaly: str, count: int) -> str:
    """An anomaly and how often it was found: `acknowledged messages were lost (12 times)`."""
    words = WORDS.get(anomaly) or SEEN_ELSEWHERE.get(anomaly, anomaly)
    return f"{words} ({'once' if count == 1 else f'{count} times'})"
