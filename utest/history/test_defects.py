"""The simulated server with one defect: the checker must name it, on some tape at least."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from defective_worlds import DEFECTS

from waybill.history import check
from waybill.history.planted.simulation import Tape, World

TAPES = 40
"""Tapes tried before a defect counts as missed."""


@pytest.mark.parametrize(("defect", "anomaly"), DEFECTS, ids=lambda one: getattr(one, "__name__", one))
def test_names_the_defect(defect: Callable[[Tape, Path], World], anomaly: str, tmp_path: Path) -> None:
    seen = set()
    for seed in range(TAPES):
        choices = b"\0" + random.Random(seed).randbytes(700)
        world = defect(Tape(choices), tmp_path / f"{seed}.jsonl")
        try:
            world.run(250)
        finally:
            path = world.recorder.close()
        seen |= {found.name for found in check(path).anomalies}
        if anomaly in seen:
            return
    pytest.fail(f"expected {anomaly} on one of {TAPES} tapes, found only {sorted(seen)}")
