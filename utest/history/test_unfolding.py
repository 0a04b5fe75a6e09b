"""A history that is unfolded and folded again says the same."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from defective_worlds import DEFECTS

from waybill.history import check
from waybill.history.checker import check_history
from waybill.history.planted.simulation import Tape, simulate
from waybill.history.planted.stories import Labelled, corpus, story
from waybill.history.unfolding import fold, unfold, write


def same(path: Path) -> None:
    whole = unfold(path)
    header, closed = whole.history.header, whole.history.closed

    folded = check_history(fold(header, [dict(event) for event in whole.events], closed=closed))
    again = write(path.with_name("again.jsonl"), header, whole.events, closed=closed, comment="again")

    assert folded.to_json() == check(path).to_json()
    assert check(again).to_json() == check(path).to_json()
    assert unfold(again).events == whole.events


@pytest.mark.parametrize("labelled", corpus(), ids=lambda one: one.name)
def test_stories(labelled: Labelled, tmp_path: Path) -> None:
    same(story(labelled.text, tmp_path / "history.jsonl"))


@pytest.mark.parametrize("seed", range(10))
def test_recorded_histories_of_a_legal_server(seed: int, tmp_path: Path) -> None:
    same(simulate(random.Random(seed).randbytes(700), tmp_path / "history.jsonl"))


@pytest.mark.parametrize("world", dict.fromkeys(world for world, _ in DEFECTS))
def test_recorded_histories_of_defective_servers(world, tmp_path: Path) -> None:
    made = world(Tape(b"\0" + random.Random(1).randbytes(700)), tmp_path / "history.jsonl")
    made.run(200)
    same(made.recorder.close())
