"""Which faults can be drawn, which schedules are refused, and the search for the simplest one that fails."""

from __future__ import annotations

import pytest

from waybill.faults.chaos import require_possible
from waybill.faults.disk import DiskFault
from waybill.faults.repertoire import INTERPOSED, OF_LINKS, SILENT, Kind, places
from waybill.faults.schedule import Fault, Schedule, ScheduleError
from waybill.faults.simplest import simplest

NODES = ["north", "south"]
DEVICES = ["alice/phone", "bob/phone"]


def everything(kind: Kind, node: str) -> bool:
    return True


def test_each_kind_has_its_places() -> None:
    found = places(NODES, DEVICES, everything)

    assert set(found) == {kind.value for kind in Kind}
    assert found["kill"] == found["disk-full"] == NODES
    assert found["cut"] == DEVICES
    assert found["clock-step"] == ["machine"], "node and issuer are wrong alike"


def test_what_cannot_be_done_has_no_place_and_is_not_drawn() -> None:
    found = places(NODES, DEVICES, lambda kind, node: kind not in INTERPOSED and node == "north")

    assert {kind for kind, where in found.items() if where} == {"kill", "pause", "cut", "stall", "delay"}
    drawn = Schedule.draw(5, found, 60, 6000)
    assert {fault.kind for one in drawn.rounds for fault in one.faults} == {
        kind for kind, where in found.items() if where
    }
    assert str(drawn) == str(Schedule.draw(5, found, 60, 6000))


def test_every_fault_of_a_disk_is_a_kind() -> None:
    kinds = {kind.value for kind in Kind}

    assert {fault.value for fault in DiskFault} <= kinds
    assert not OF_LINKS & (SILENT | INTERPOSED)


@pytest.mark.parametrize("fault", ["earthquake@north", "kill@west", "cut@north"])
def test_a_schedule_that_cannot_be_followed_is_refused_with_what_can(fault: str) -> None:
    possible = places(NODES, DEVICES, everything)

    require_possible(Schedule.read("1 kill@north&cut@bob/phone 0/9"), possible)
    with pytest.raises(ScheduleError, match=f"has {fault}, which .* Possible: kill at north, south; "):
        require_possible(Schedule.read(f"1 {fault} 0/9"), possible)


def guilty(schedule: Schedule) -> bool:
    """Fails where a sync error comes before a loss of power, as a server that forgets an error of a sync does."""
    kinds = [fault.kind for one in schedule.rounds for fault in one.faults]
    return "sync-error" in kinds and "power-loss" in kinds[kinds.index("sync-error") :]


def test_the_simplest_schedule_needs_everything_in_it() -> None:
    drawn = Schedule.draw(3, places(NODES, DEVICES, everything), 80, 8000)
    assert guilty(drawn)

    found = simplest(drawn, guilty, seconds=60, tries=1000)

    assert found.final
    assert [fault.kind for one in found.schedule.rounds for fault in one.faults] == [
        "sync-error",
        "power-loss",
    ]


def test_no_schedule_is_tried_twice_nor_more_than_asked_for() -> None:
    drawn = Schedule.draw(3, places(NODES, DEVICES, everything), 80, 8000)
    tried: list[str] = []

    def fails(schedule: Schedule) -> bool:
        tried.append(str(schedule))
        return guilty(schedule)

    found = simplest(drawn, fails, seconds=60, tries=7)

    assert not found.final
    assert found.tries == len(tried) == len(set(tried)) == 7
    assert guilty(found.schedule)


def test_without_time_nothing_is_tried() -> None:
    drawn = Schedule.draw(3, places(NODES, DEVICES, everything), 8, 800)

    found = simplest(drawn, lambda _: pytest.fail("tried"), seconds=-1, tries=9)

    assert (found.schedule, found.tries, found.final) == (drawn, 0, False)


def test_one_fault_is_as_simple_as_can_be() -> None:
    alone = Schedule.read("1 kill@north 0/9")

    assert simplest(alone, lambda _: True, seconds=60, tries=9).final
    assert alone.rounds[0].faults == (Fault("kill", "north"),)
