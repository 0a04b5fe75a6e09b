"""What is left of a history shows the same finding, is never larger, and is the same every time."""

from __future__ import annotations

import random
from pathlib import Path

import msgspec
import pytest
from defective_worlds import DropsPushes, ForgetsRetries, LeaksToStrangers, SkipsInPages, SwapsPushes
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from waybill import cli
from waybill.history import check
from waybill.history.checker import check_history
from waybill.history.planted.simulation import Tape, simulate
from waybill.history.planted.stories import Labelled, corpus, story
from waybill.history.shrinking import NothingToShrink, Shrunk, shrink
from waybill.history.unfolding import Unfolded, fold, unfold
from waybill.readiness.cases import CaseRecord, write_json

PLANTED = [one for one in corpus() if one.planted]
WORLDS = (DropsPushes, ForgetsRetries, LeaksToStrangers, SkipsInPages, SwapsPushes)


def shown(whole: Unfolded, shrunk: Shrunk) -> set[str]:
    """The anomalies of what is left."""
    history = fold(whole.history.header, map(dict, shrunk.events), closed=whole.history.closed)
    return {one.name for one in check_history(history).anomalies}


@pytest.mark.parametrize("labelled", PLANTED, ids=lambda one: one.name)
def test_a_planted_finding_takes_ten_events(labelled: Labelled, tmp_path: Path) -> None:
    whole = unfold(story(labelled.text, tmp_path / "history.jsonl"))

    shrunk = shrink(whole, labelled.anomaly)

    assert labelled.anomaly in shown(whole, shrunk)
    assert len(shrunk.events) <= min(10, len(whole.events))
    assert shrunk.smallest


@given(seed=st.integers(0), size=st.integers(100, 700), world=st.sampled_from(WORLDS))
@settings(
    max_examples=40,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_whatever_was_recorded(seed: int, size: int, world: type[DropsPushes], tmp_path: Path) -> None:
    made = world(Tape(b"\0" + random.Random(seed).randbytes(size)), tmp_path / "history.jsonl")
    made.run(20 + size // 4)
    whole = unfold(made.recorder.close())
    for anomaly in check_history(whole.history).anomalies:
        shrunk = shrink(whole, anomaly.name)

        assert anomaly.name in shown(whole, shrunk)
        assert len(shrunk.events) <= len(whole.events)
        assert well_formed(shrunk, whole)
        assert shrink(whole, anomaly.name) == shrunk


def well_formed(shrunk: Shrunk, whole: Unfolded) -> bool:
    """Whether what is left stands in the whole in this order, with every operation and session whole."""
    places = [whole.events.index(event) for event in shrunk.events]

    def parts(events: list[dict[str, object]], name: str) -> dict[object, int]:
        numbers = [event[name] for event in events if name in event and event["event"] != "receipt"]
        return {number: numbers.count(number) for number in numbers}

    left, all_of_it = parts(shrunk.events, "operation"), parts(whole.events, "operation")
    begun = {event["session"] for event in shrunk.events if event["event"] == "session"}
    return (
        places == sorted(places)
        and all(all_of_it[number] == count for number, count in left.items())
        and {event["session"] for event in shrunk.events if "session" in event} <= begun
    )


def test_no_loss_is_made_up_by_leaving_a_delivery_out(tmp_path: Path) -> None:
    text = """
        alice/phone sends m1
        alice/phone ok m1
        bob/laptop gets m1
        alice/phone sends m2
        alice/phone ok m2
        alice/phone final
        bob/laptop final
    """
    whole = unfold(story(text, tmp_path / "history.jsonl"))

    shrunk = shrink(whole)

    assert [event.get("key", event["event"]) for event in shrunk.events] == ["m2", "ok", "final"]
    assert "but bob/laptop got nothing of its whole stream" in shrunk.sentence


def test_says_what_there_is_instead(tmp_path: Path) -> None:
    planted = next(one for one in PLANTED if one.anomaly == "lost-acked")
    with pytest.raises(NothingToShrink, match=r"expected phantom in the history, found lost-acked"):
        shrink(unfold(story(planted.text, tmp_path / "history.jsonl")), "phantom")
    with pytest.raises(NothingToShrink, match="found no anomaly"):
        shrink(unfold(simulate(b"\1" * 40, tmp_path / "legal.jsonl")))


def test_stops_when_the_time_is_over(tmp_path: Path) -> None:
    made = DropsPushes(Tape(random.Random(3).randbytes(700)), tmp_path / "history.jsonl")
    made.run(200)

    shrunk = shrink(unfold(made.recorder.close()), seconds=0)

    assert not shrunk.smallest
    assert shrunk.tries <= 3


def test_the_command_writes_it_beside_the_history(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    planted = next(one for one in PLANTED if one.anomaly == "reordered")
    history = story(planted.text, tmp_path / "history.jsonl")
    write_json(
        tmp_path / "case.json",
        CaseRecord(scenario="one", suite="Suites", replay="waybill run --seed 7 --test one"),
    )

    assert cli.main(["shrink", str(history)]) == 0

    written = tmp_path / "history.reordered.jsonl"
    said = capsys.readouterr().out
    assert f"6 of 8 events in {written}; nothing more can be left out" in said
    assert said.endswith("replay the scenario: waybill run --seed 7 --test one\n")
    comment = msgspec.json.decode(written.read_text().splitlines()[1])["comment"]
    assert "waybill run --seed 7 --test one" in comment
    assert [one.name for one in check(written).anomalies] == ["reordered", "vacuous"]


def test_the_command_refuses_what_it_cannot_shrink(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    history = simulate(b"\1" * 40, tmp_path / "legal.jsonl")
    for words, wrong in (
        ([str(history)], "expected an anomaly in the history, found no anomaly"),
        ([str(history), "--anomaly", "lost"], "no anomaly is called 'lost'"),
        ([str(tmp_path / "none.jsonl")], "No such file"),
    ):
        assert cli.main(["shrink", *words]) == 3
        assert wrong in capsys.readouterr().err
