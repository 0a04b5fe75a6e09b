"""A report in one line: what was found, how often in which form, and a few digits of a hash over every word of it."""

from __future__ import annotations

import hashlib

from waybill.history import Report


def words(report: Report) -> str:
    """Every sentence of a report with its events."""
    lines = [
        f"{anomaly.name}: {one.sentence} {list(one.events)}"
        for anomaly in report.anomalies
        for one in anomaly.examples
    ]
    return "\n".join([*lines, *report.unknown_reasons])


def in_brief(report: Report) -> str:
    """The line."""
    parts = []
    for anomaly in report.anomalies:
        kinds = ",".join(f"{kind}={count}" for kind, count in sorted(anomaly.sub_kinds.items()))
        parts.append(f"{anomaly.name}={anomaly.count}" + (f"({kinds})" if kinds else ""))
    digits = hashlib.sha256(words(report).encode()).hexdigest()[:6]
    return f"{' '.join(parts) or report.verdict} {digits}"
