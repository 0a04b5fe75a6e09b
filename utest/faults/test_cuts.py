"""Every byte of an exchange is a place at which a connection is cut, and on a correct server that costs nothing."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from scripted_server import ScriptedServer
from scripted_target import ScriptedTarget

from waybill.devices import Scenario
from waybill.devices.waiting import CapabilityMissing
from waybill.drivers.iris import IrisDriver
from waybill.faults.cuts import BEYOND, CutPoint, Cuts, cut_points
from waybill.faults.exchange import Measures, added_by_records
from waybill.faults.links import LinkFaults
from waybill.network.flow import Ending

MEASURES = Measures(send=40, answer=30, delivery=50, receipt=20, frame=18, around=22)


def test_every_byte_of_every_part_is_a_place() -> None:
    sender, receiver = cut_points(MEASURES, random.Random(7))
    places = {(point.part, point.after) for point in [*sender, *receiver]}
    assert len(places) == len(sender) + len(receiver)
    assert places == {
        (part, after)
        for part, size in (
            ("send", 40 + BEYOND),
            ("answer", 30 + BEYOND),
            ("delivery", 50 + BEYOND),
            ("receipt", 20 + BEYOND),
            ("frame", 18 + BEYOND),
        )
        for after in range(size)
    }
    assert {point.part for point in sender} == {"send", "frame", "answer"}


def test_both_endings_are_tried_on_neighbouring_bytes() -> None:
    sender, _ = cut_points(MEASURES, random.Random(7))
    endings = {point.after: point.ending for point in sender if point.part == "send"}
    assert all(endings[after] is not endings[after + 1] for after in range(40))


def test_the_seed_decides_the_order() -> None:
    assert cut_points(MEASURES, random.Random(7)) == cut_points(MEASURES, random.Random(7))
    assert cut_points(MEASURES, random.Random(7)) != cut_points(MEASURES, random.Random(8))


def test_what_nobody_acknowledges_is_not_cut() -> None:
    _, receiver = cut_points(
        Measures(send=4, answer=3, delivery=5, receipt=0, frame=0, around=0), random.Random(7)
    )
    assert {point.part for point in receiver} == {"delivery"}


@pytest.mark.parametrize("longer", [-3, -1, 0, 1, 3])
def test_what_a_record_adds_is_known_although_one_frame_is_longer_than_the_other(longer: int) -> None:
    frame, piece, around = 128, 16, 22
    many = -(-(frame + longer) // piece)
    in_pieces = frame + longer + many * around
    assert added_by_records((in_pieces, many), (frame + around, 1)) == around


def test_what_is_not_sent_in_pieces_has_no_records() -> None:
    assert added_by_records((150, 1), (150, 1)) == 0


@pytest.mark.parametrize(
    ("point", "way", "passing"),
    [
        (CutPoint("send", 5, Ending.RESET), "to", 5),
        (CutPoint("frame", 5, Ending.RESET), "to", 27),
        (CutPoint("frame", 0, Ending.RESET), "to", 0),
        (CutPoint("answer", 5, Ending.FIN), "from", 5),
        (CutPoint("delivery", 5, Ending.FIN), "from", 5),
        (CutPoint("receipt", 5, Ending.FIN), "to", 5),
    ],
)
def test_a_piece_of_a_frame_arrives_in_a_record_of_its_own(point: CutPoint, way: str, passing: int) -> None:
    details = point.disturbance(22).details
    assert (details["way"], details["after"], details["of_it"]) == (way, passing, point.after)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ScriptedServer]:
    with ScriptedServer(tmp_path / "server") as running:
        yield running


def test_a_server_that_acknowledges_nothing_is_not_tried(server: ScriptedServer, tmp_path: Path) -> None:
    scenario = Scenario(ScriptedTarget(server, IrisDriver()), tmp_path / "h.jsonl", name="cuts", seed=7)
    faults = LinkFaults(lambda: pytest.fail("no link is needed"), lambda: scenario.recorder)
    with pytest.raises(CapabilityMissing, match="sender-ack"):
        Cuts(scenario, faults, 5.0).at_every_byte([])
