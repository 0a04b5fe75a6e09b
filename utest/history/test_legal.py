"""No false alarm on histories of a correct server.

`WAYBILL_LEGAL_HISTORIES=10000 pytest utest/history/test_legal.py` checks as many as it says instead of 500.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from waybill.history import check
from waybill.history.planted.simulation import simulate

HISTORIES = int(os.environ.get("WAYBILL_LEGAL_HISTORIES", "500"))


LONG = st.builds(
    lambda seed, size: random.Random(seed).randbytes(size), st.integers(0), st.integers(100, 900)
)
"""Tapes as long as a real scenario; hypothesis by itself prefers short ones, which shrink better."""


@given(choices=st.one_of(LONG, LONG, st.binary(max_size=300)))
@settings(
    max_examples=HISTORIES,
    deadline=None,
    database=None,
    derandomize=HISTORIES == 500,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)
def test_a_legal_history_is_clean(choices: bytes, tmp_path: Path) -> None:
    report = check(simulate(choices, tmp_path / "history.jsonl"))

    assert report.verdict == "clean", report.to_text()
