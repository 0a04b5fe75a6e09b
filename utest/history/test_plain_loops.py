"""The checks find as much as plain loops over the definitions do, in whatever a capricious server does."""

from __future__ import annotations

from pathlib import Path

import reference
from capricious import capricious
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from waybill.history import check
from waybill.history.model import History
from waybill.history.reader import read

HISTORIES = 60


def expected(history: History) -> dict[str, int]:
    """How often each anomaly, or a kind of it, must be found."""
    acknowledged, proven = reference.lost(history)
    ids, sequences, second = reference.names_of_two(history)
    strangers, former = reference.wrong_hands(history)
    return {
        "lost-acked": len(acknowledged),
        "lost-proven": len(proven),
        "reordered": len(reference.reordered(history)),
        "inconsistent-id: id": len(ids),
        "inconsistent-id: sequence": len(sequences),
        "inconsistent-id: two-sequences": len(second),
        "duplicate-stored": len(reference.stored_twice(history)),
        "misrouted": len(strangers),
        "membership-leak: former-member": len(former),
    }


@given(seed=st.integers(1000, 1_000_000))
@settings(
    max_examples=HISTORIES,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_as_much_is_found_as_by_plain_loops(seed: int, tmp_path: Path) -> None:
    path = capricious(seed).write(tmp_path / "history.jsonl")
    history = read(path)
    if history.messages.ambiguous.any():
        return
    report = check(path)
    found = {anomaly.name: anomaly.count for anomaly in report.anomalies}
    found |= {
        f"{anomaly.name}: {kind}": count
        for anomaly in report.anomalies
        for kind, count in anomaly.sub_kinds.items()
    }

    wanted = expected(history)
    assert {name: found.get(name, 0) for name in wanted} == wanted
