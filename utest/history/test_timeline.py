"""The picture of a finding: complete, small, and safe to put into any page."""

from __future__ import annotations

import random
import re
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from waybill.history import check, read
from waybill.history.axis import Axis
from waybill.history.moments import MARKS, moments_of
from waybill.history.planted.stories import Labelled, Story, corpus, story
from waybill.history.timeline import LARGEST, timeline, write_timeline

SVG = "{http://www.w3.org/2000/svg}"
FIRST = {one.anomaly: one for one in reversed(corpus()) if one.planted}
LOST = """
    alice/phone sends m1
    alice/phone ok m1
    bob/laptop gets m1
    alice/phone sends m2
    alice/phone ok m2
    fault kill
    fault observed
    bob/laptop ends lost
    fault ends
    bob/laptop connects
    alice/phone final
    bob/laptop final
"""


def drawn(text: str, folder: Path) -> str:
    """The picture of the worst finding of a story."""
    path = story(text, folder / "history.jsonl")
    return timeline(read(path), check(path))


def words(picture: str) -> str:
    """All text that is visible."""
    return " ".join(element.text or "" for element in ElementTree.fromstring(picture).iter(f"{SVG}text"))


def crowded(folder: Path, devices: int = 24, messages: int = 400) -> Path:
    """A history with many devices and messages, of which the first is lost at one device and the last at another."""
    dice = random.Random(7)
    names = [f"user-{number:02d}/phone" for number in range(devices)]
    users = "; ".join(f"{name.partition('/')[0]}: phone" for name in names)
    lines = [f"users {users}", "conversation g: " + ", ".join(name.partition("/")[0] for name in names)]
    for number in range(messages):
        sender = names[0] if number in (0, messages - 1) else dice.choice(names)
        lines += [f"{sender} sends m{number} conversation=g", f"{sender} ok m{number}"]
        lacks = names[5] if number in (0, messages - 1) else ""
        lines += [f"{name} gets m{number}" for name in names if name not in (sender, lacks)]
    lines += [f"{name} final" for name in names]
    return Story().tell("\n".join(lines)).write(folder / "crowded.jsonl")


@pytest.mark.parametrize("labelled", FIRST.values(), ids=lambda one: one.anomaly)
def test_draws_every_anomaly(labelled: Labelled, tmp_path: Path) -> None:
    path = story(labelled.text, tmp_path / "history.jsonl")
    report = check(path)
    history = read(path)

    for anomaly in report.anomalies:
        picture = timeline(history, anomaly)
        root = ElementTree.fromstring(picture)
        assert root.tag == f"{SVG}svg"
        assert len(picture.encode()) < LARGEST
        assert anomaly.examples[0].sentence in (root.findtext(f"{SVG}title") or "")


def test_says_what_was_found_and_what_proves_it(tmp_path: Path) -> None:
    path = story(LOST, tmp_path / "history.jsonl")
    anomaly = check(path).anomalies[0]

    text = words(timeline(read(path), anomaly))

    assert anomaly.examples[0].sentence in text
    assert text.startswith("lost-acked (suffix)")
    assert "events " + ", ".join(map(str, anomaly.examples[0].events)) in text


def test_shows_devices_epochs_faults_and_the_message(tmp_path: Path) -> None:
    text = words(drawn(LOST, tmp_path))

    for word in (
        "alice/phone",
        "bob/laptop",
        "epoch 1",
        "epoch 2",
        "kill node1",
        "alice/phone#2",
        "never",
        "ack",
    ):
        assert word in text


def test_a_band_says_in_words_what_was_done_where_and_when(tmp_path: Path) -> None:
    text = words(drawn(LOST, tmp_path))

    assert "1 kill node1" in text
    assert "1  kill on node1, 6.000 to 9.000 ms: seen" in text


def test_whoever_cannot_see_the_picture_is_told_the_same(tmp_path: Path) -> None:
    description = ElementTree.fromstring(drawn(LOST, tmp_path)).findtext(f"{SVG}desc") or ""

    assert "1. kill on node1, 6.000 to 9.000 ms: seen." in description
    assert "alice/phone ack at event 5" in description


def test_a_fault_that_nobody_ended_reaches_to_the_edge(tmp_path: Path) -> None:
    text = words(drawn(LOST.replace("fault ends\n", ""), tmp_path))

    assert "kill on node1, from 6.000 ms on: seen" in text


def test_shows_administration_nodes_and_versions(tmp_path: Path) -> None:
    text = "alice/phone connects node=eu version=1\nbob/laptop connects node=us version=2\n" + LOST.replace(
        "fault kill", "administration revoke_user user=bob\nfault kill"
    )

    shown = words(drawn(text, tmp_path))

    assert "1 revoke_user bob" in shown
    assert re.search(r"1  revoke_user bob, [\d.]+ to [\d.]+ ms: confirmed", shown)
    assert "epoch 1 on eu v1" in shown
    assert "epoch 1 on us v2" in shown


def chaotic(faults: int) -> str:
    """A story with many faults between the send that is lost and the end."""
    lines = ["alice/phone sends m0", "alice/phone ok m0"]
    for number in range(1, faults + 1):
        lines += [f"fault kind-{number}", f"alice/phone sends m{number}", f"alice/phone ok m{number}"]
        lines += [f"bob/laptop gets m{number}", "fault observed", "fault ends", "+30"]
    return "\n".join([*lines, "alice/phone final", "bob/laptop final"])


@pytest.mark.parametrize("faults", [1, 10, 25, 200])
def test_many_faults_stay_readable_and_small(tmp_path: Path, faults: int) -> None:
    picture = drawn(chaotic(faults), tmp_path)
    root = ElementTree.fromstring(picture)

    assert len(picture.encode()) < LARGEST
    width = int(root.get("width") or 0)
    assert ("max-width:none" in (root.get("style") or "")) == (width > 1000) == (faults > 10)
    numbered = [
        (float(element.get("x") or 0), float(element.get("y") or 0), element.text or "")
        for element in root.iter(f"{SVG}text")
        if re.fullmatch(r"\d+ kind-\d+ node1", element.text or "")
    ]
    assert len(numbered) == min(faults, len(numbered))
    assert len(numbered) >= min(faults, 12)
    for x, y, text in numbered:
        beside = [left for left, row, _ in numbered if row == y and left > x]
        assert all(left - x > len(text) * 5 for left in beside), "two names run into each other"
    if faults == 200:
        assert re.search(r"and .*\d+ further from the finding", words(picture))


def test_shows_times_in_milliseconds(tmp_path: Path) -> None:
    text = words(drawn(LOST, tmp_path))

    assert "4.000" in text
    assert " ms" in text


def test_shows_event_numbers_where_there_are_no_times(tmp_path: Path) -> None:
    teller = Story().tell(LOST)
    for line in teller.lines:
        del line["time"]
    path = teller.write(tmp_path / "history.jsonl")

    text = words(timeline(read(path), check(path)))

    assert "4.000" not in text
    assert " event " in text


def test_escapes_names(tmp_path: Path) -> None:
    text = LOST.replace("bob/laptop", "bob/<script>&\"'")
    text = "users alice: phone; bob: <script>&\"'\n" + text

    picture = drawn(text, tmp_path)

    assert "<script" not in picture
    assert "bob/<script>&\"'" in words(picture)


def test_stands_in_any_page(tmp_path: Path) -> None:
    for picture in (
        drawn(LOST, tmp_path),
        timeline(read(crowded(tmp_path)), check(tmp_path / "crowded.jsonl")),
    ):
        assert not re.search(r"<script|<style|<foreignObject|\sid=|\shref=|\son\w+=|url\(|@import", picture)


def test_stays_small_and_counts_what_it_leaves_out(tmp_path: Path) -> None:
    path = crowded(tmp_path)
    history, report = read(path), check(path)

    picture = timeline(history, report)
    moments = moments_of(history, report.anomalies[0])

    assert len(picture.encode()) < LARGEST
    assert len(moments.devices) <= 11
    assert len(moments.marks) + len(moments.around) <= MARKS
    assert moments.hidden + len(moments.devices) == 24
    assert re.search(r"\+[\d,]+ more", words(picture))
    assert f"+{moments.hidden} more devices" in words(picture)


def test_keeps_long_sentences_and_names_within_its_edges(tmp_path: Path) -> None:
    long = "x" * 200
    text = f"users alice: {long}; bob: laptop\n" + LOST.replace("alice/phone", f"alice/{long}")

    picture = drawn(text, tmp_path)

    assert len(picture.encode()) < LARGEST
    assert all(
        len(element.text or "") <= 131 for element in ElementTree.fromstring(picture).iter(f"{SVG}text")
    )


def test_same_history_same_bytes(tmp_path: Path) -> None:
    assert drawn(LOST, tmp_path) == drawn(LOST, tmp_path)


def test_writes_the_worst_finding(tmp_path: Path) -> None:
    path = story(LOST, tmp_path / "history.jsonl")
    report = check(path)

    written = write_timeline(path, report, tmp_path / "timeline.svg")

    assert written == tmp_path / "timeline.svg"
    assert written.read_text(encoding="utf-8") == timeline(read(path), report.anomalies[0])


def test_writes_nothing_where_nothing_was_found(tmp_path: Path) -> None:
    clean = "alice/phone sends m1\nalice/phone ok m1\nbob/laptop gets m1\nalice/phone final\nbob/laptop final"
    path = story(clean, tmp_path / "history.jsonl")
    report = check(path)

    assert write_timeline(path, report, tmp_path / "timeline.svg") is None
    assert not (tmp_path / "timeline.svg").exists()
    with pytest.raises(ValueError, match="found the verdict 'clean'"):
        timeline(read(path), report)


def test_the_axis_keeps_the_order_and_cuts_long_silences() -> None:
    moments = [0, 10, 20, 30, 40, 60_000_000, 60_000_010]

    axis = Axis(moments, 100, 900)
    places = [axis.place(moment) for moment in moments]

    assert places[0] == 100
    assert places[-1] == pytest.approx(900)
    assert all(earlier < later for earlier, later in pairwise(places))
    assert [cut.length for cut in axis.cuts] == [59_999_960]
    assert axis.place(-5) == 100
    assert axis.place(10**12) == 900
    assert places[0] < axis.place(5) < places[1]
