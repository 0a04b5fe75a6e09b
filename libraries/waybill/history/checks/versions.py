"""Anomalies that only meetings of two protocol versions show, and fields that get lost between versions."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from waybill.history.membership import Bools, Ints
from waybill.history.model import History
from waybill.history.prose import Prose
from waybill.history.report import Anomaly, Example, anomaly_of
from waybill.history.views import senders_of

FIELDS = ("sender", "key", "id", "sequence", "cursor", "server_time")
"""What a delivery may carry."""


def attribute(history: History, anomalies: Iterable[Anomaly]) -> list[Anomaly]:
    """`mixed-version`: each other anomaly all of whose occurrences lie between two versions, and each field that a
    delivery from another version lacks, though every delivery within the receiver's version carries it.

    Equal versions must have met as well; without that there is nothing to compare with. A key is the sender's own word,
    which another protocol may not have: it must cross versions of one protocol only.
    """
    deliveries, versions, prose = history.deliveries, history.sessions.version, Prose(history)
    rows = np.flatnonzero(history.messages.given >= 0)
    sender = senders_of(history, rows)
    mixed = _mixed(versions, sender, deliveries.session[rows])
    if not mixed.any() or mixed.all():
        return []
    found: list[tuple[str, tuple[int, ...], str]] = []
    for anomaly in anomalies:
        if anomaly.sessions is not None and anomaly.count:
            one, two = anomaly.sessions
            known = (one >= 0) & (two >= 0)
            if known.all() and _mixed(versions, one, two).all():
                pairs = {
                    (int(versions[a]), int(versions[b]))
                    for a, b in zip(one.tolist(), two.tolist(), strict=True)
                }
                told = " and ".join(f"{a} to {b}" for a, b in sorted(pairs))
                first = anomaly.examples[0]
                sentence = (
                    f"all {anomaly.count} cases of {anomaly.name} lie between versions {told}, none between equal "
                    f"versions; the first: {first.sentence}"
                )
                found.append((sentence, first.events, anomaly.name))
    receiver = versions[deliveries.session[rows]]
    for field in FIELDS:
        column = deliveries.message if field == "key" else getattr(deliveries, field)
        there = column[rows] >= 0
        for version in np.unique(receiver[mixed]).tolist():
            equal, crossed = (receiver == version) & ~mixed, (receiver == version) & mixed & ~there
            if field == "key":
                crossed &= _of_one_protocol(history, sender, deliveries.session[rows])
            if not equal.any() or not there[equal].all() or not crossed.any():
                continue
            row = int(rows[crossed][0])
            sentence = (
                f"{int(crossed.sum())} deliveries from another version to version {version} do not carry {field}, "
                f"every one within version {version} does; the first: {prose.delivery(row)} at "
                f"{prose.device_of(int(deliveries.session[row]))}"
            )
            found.append((sentence, (int(deliveries.event[row]),), "field"))
    return anomaly_of("mixed-version", found, Example, kinds=[kind for *_, kind in found])


def _of_one_protocol(history: History, one: Ints, two: Ints) -> Bools:
    """Whether two sessions speak versions of the same protocol."""
    names = np.array(history.sessions.protocol)
    same: Bools = names[one] == names[two]
    return same


def _mixed(versions: Ints, one: Ints, two: Ints) -> Bools:
    """Whether two sessions speak different known versions."""
    first, second = versions[one], versions[two]
    found: Bools = (first > 0) & (second > 0) & (first != second)
    return found
