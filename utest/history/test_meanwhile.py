"""A finding tells the faults in or next to which it lies, and nothing of those away from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from waybill.history import check
from waybill.history.planted.stories import Story, story
from waybill.history.report import Example

ENDS = "alice/phone final\nbob/laptop final"
LOST = "alice/phone sends m1\nalice/phone ok m1"
FAULT = "fault power-loss\nfault observed\n+370\nfault ends"
NEXT = "alice/phone sends m2\nalice/phone ok m2\nbob/laptop gets m2"


def worst(text: str, folder: Path, name: str = "lost-acked") -> Example:
    """The worst example of an anomaly in a story."""
    report = check(story(text, folder / "history.jsonl"))
    return next(one for one in report.anomalies if one.name == name).examples[0]


def test_an_acknowledgement_shortly_before_a_fault(tmp_path: Path) -> None:
    found = worst(f"{LOST}\n+12\n{FAULT}\n{NEXT}\n{ENDS}", tmp_path)

    assert found.meanwhile == (
        "The acknowledgement of alice/phone#1 came 13.0 ms before the fault power-loss on node1 (15.000 to "
        "387.000 ms: seen)."
    )


def test_a_send_in_the_fault(tmp_path: Path) -> None:
    found = worst(f"{NEXT}\nfault disk-full\nfault observed\n{LOST}\nfault ends\n{ENDS}", tmp_path)

    assert found.meanwhile.startswith(
        "The send and the acknowledgement of alice/phone#2 lie in the fault disk-full on node1"
    )


def test_a_delivery_shortly_after_the_end_of_a_fault(tmp_path: Path) -> None:
    found = worst(f"{FAULT}\nbob/laptop gets m9\n{ENDS}", tmp_path, "phantom")

    assert (
        "of an unknown message to bob/laptop came 1.0 ms after the end of the fault power-loss on node1"
        in found.meanwhile
    )


@pytest.mark.parametrize("text", [f"{LOST}\n+251\n{FAULT}\n{NEXT}", f"{FAULT}\n+251\n{LOST}", LOST])
def test_nothing_is_said_of_a_fault_that_is_away(tmp_path: Path, text: str) -> None:
    """The final read begins right after the fault; that it does is no circumstance of the loss."""
    assert worst(f"{text}\n{ENDS}", tmp_path).meanwhile == ""


def test_a_fault_that_never_ended_goes_on(tmp_path: Path) -> None:
    found = worst(f"{NEXT}\nfault partition\nfault observed\n+900\n{LOST}\n{ENDS}", tmp_path)

    assert "lie in the fault partition on node1 (from 4.000 ms on: seen)" in found.meanwhile


def test_two_faults_are_told_and_the_others_counted(tmp_path: Path) -> None:
    faults = [f"fault kind-{number}\nfault observed\nfault ends" for number in range(4)]
    text = "\n".join([*faults[:2], LOST, *faults[2:], NEXT, ENDS])

    found = worst(text, tmp_path)

    assert 0 < found.meanwhile.find("kind-2") < found.meanwhile.find("kind-3")
    assert "kind-0" not in found.meanwhile
    assert "kind-1" not in found.meanwhile
    assert "; 2 more faults are near by." in found.meanwhile


def test_nodes_and_versions_are_named_where_there_are_several(tmp_path: Path) -> None:
    connects = "alice/phone connects node=eu version=1\nbob/laptop connects node=us version=2"

    crossed = worst(f"{connects}\n{LOST}\n{FAULT}\n{NEXT}\n{ENDS}", tmp_path)
    one_place = worst(f"{LOST}\n{FAULT}\n{NEXT}\n{ENDS}", tmp_path)

    assert crossed.meanwhile.endswith(" alice/phone was on eu in version 1.")
    assert "version" not in one_place.meanwhile


def test_counts_events_where_there_are_no_times(tmp_path: Path) -> None:
    teller = Story().tell(f"{LOST}\n{FAULT}\n{NEXT}\n{ENDS}")
    for line in teller.lines:
        del line["time"]
    report = check(teller.write(tmp_path / "history.jsonl"))

    told = report.anomalies[0].examples[0].meanwhile

    assert "came 1 event before the fault power-loss on node1 (events " in told


def test_the_report_says_it_below_the_sentence(tmp_path: Path) -> None:
    report = check(story(f"{LOST}\n{FAULT}\n{NEXT}\n{ENDS}", tmp_path / "history.jsonl"))

    lines = report.to_text().splitlines()
    place = next(number for number, line in enumerate(lines) if "alice/phone#1 in ab" in line)

    assert lines[place + 1].startswith("      The acknowledgement of alice/phone#1 came 1.0 ms before")
    assert report.to_dict()["anomalies"][0]["examples"][0]["meanwhile"]
