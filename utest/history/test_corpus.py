"""Every anomaly is found where it was planted, and nowhere else."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from waybill.history import check
from waybill.history.planted.stories import Labelled, corpus, story
from waybill.history.report import SEVERITY

STORIES = corpus()


@pytest.mark.parametrize("labelled", [one for one in STORIES if one.planted], ids=lambda one: one.name)
def test_finds_what_was_planted(labelled: Labelled, tmp_path: Path) -> None:
    report = check(story(labelled.text, tmp_path / "history.jsonl"))

    assert labelled.anomaly in [anomaly.name for anomaly in report.anomalies], report.to_text()
    assert report.verdict == "anomalies"
    found = next(anomaly for anomaly in report.anomalies if anomaly.name == labelled.anomaly)
    assert found.count >= len(found.examples) > 0
    for example in found.examples:
        assert example.sentence
        assert list(example.events) == sorted(example.events)
        assert all(0 < event <= report.events for event in example.events)


@pytest.mark.parametrize("labelled", [one for one in STORIES if not one.planted], ids=lambda one: one.name)
def test_stays_clean_on_a_near_miss(labelled: Labelled, tmp_path: Path) -> None:
    report = check(story(labelled.text, tmp_path / "history.jsonl"))

    assert report.verdict == "clean", report.to_text()


@pytest.mark.parametrize("anomaly", SEVERITY)
def test_every_anomaly_has_two_of_each(anomaly: str) -> None:
    planted = Counter((one.anomaly, one.planted) for one in STORIES)

    assert planted[anomaly, True] >= 2
    assert planted[anomaly, False] >= 2


def test_the_corpus_names_only_anomalies_that_exist() -> None:
    assert {one.anomaly for one in STORIES} <= set(SEVERITY)
