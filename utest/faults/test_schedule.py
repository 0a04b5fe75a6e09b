"""Schedules of faults: drawn by a seed, written as text, made simpler."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waybill.faults.schedule import Fault, Round, Schedule, ScheduleError

PLACES = {
    "kill": ("north", "south", "west"),
    "disk-full": ("north", "south"),
    "cut": ("alice", "bob"),
    "absent": (),
}

names = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)
faults = st.builds(Fault, names, st.from_regex(r"[A-Za-z0-9_./-]{1,8}", fullmatch=True))
rounds = st.integers(0, 500).flatmap(
    lambda messages: st.builds(
        Round,
        st.integers(0, 500),
        st.lists(faults, min_size=1, max_size=3).map(tuple),
        st.integers(0, messages),
        st.just(messages),
    )
)
schedules = st.builds(Schedule, st.lists(rounds, min_size=1, max_size=8).map(tuple))


@given(st.integers(), st.integers(1, 60), st.integers(1, 9000))
def test_a_seed_gives_one_schedule_with_what_was_asked_for(seed: int, count: int, messages: int) -> None:
    drawn = Schedule.draw(seed, PLACES, count, messages)

    assert drawn == Schedule.draw(seed, PLACES, count, messages)
    assert count <= drawn.faults <= count + 1
    assert drawn.messages >= messages
    for one in drawn.rounds:
        assert one.onset <= one.messages
        assert len({fault.place for fault in one.faults}) == len(one.faults)
        assert all(fault.place in PLACES[fault.kind] for fault in one.faults)


def test_different_seeds_give_different_schedules() -> None:
    assert len({str(Schedule.draw(seed, PLACES, 20, 5000)) for seed in range(50)}) == 50


@given(st.integers())
def test_every_kind_occurs_at_every_place_in_turn(seed: int) -> None:
    drawn = Schedule.draw(seed, PLACES, 40, 5000)
    seen = {(fault.kind, fault.place) for one in drawn.rounds for fault in one.faults}

    assert seen == {(kind, place) for kind, places in PLACES.items() for place in places}


def test_two_faults_meet_now_and_then_and_never_at_one_place() -> None:
    drawn = Schedule.draw(7, PLACES, 200, 5000)

    assert 10 < sum(len(one.faults) == 2 for one in drawn.rounds) < 80
    alone = Schedule.draw(7, {"kill": ["node"], "disk-full": ["node"]}, 200, 5000)
    assert all(len(one.faults) == 1 for one in alone.rounds)


def test_nothing_to_draw_from_is_said() -> None:
    with pytest.raises(ValueError, match="No fault can happen anywhere"):
        Schedule.draw(1, {"kill": ()}, 20, 5000)


@given(schedules)
def test_the_text_of_a_schedule_is_read_back(schedule: Schedule) -> None:
    assert Schedule.read(str(schedule)) == schedule


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Round 1 .* ''"),
        ("40 kill@node 3/120, 7", "Round 2 .* '7'"),
        ("40 kill 3/120", "Round 1"),
        ("40 kill@node& 3/120", "Round 1"),
        ("x kill@node 3/120", "Round 1"),
        ("40 kill@node 121/120", "after 121 of 120 messages"),
    ],
)
def test_a_text_that_is_no_schedule_is_refused_with_the_round(text: str, said: str) -> None:
    with pytest.raises(ScheduleError, match=said):
        Schedule.read(text)


@given(schedules)
def test_simpler_schedules_have_less_in_them_and_nothing_new(schedule: Schedule) -> None:
    for simpler in schedule.simpler:
        assert (len(simpler.rounds), simpler.faults) < (len(schedule.rounds), schedule.faults)
        assert simpler.rounds
        for one in simpler.rounds:
            assert any(
                set(one.faults) <= set(other.faults) and one.messages == other.messages
                for other in schedule.rounds
            )


def test_the_simplest_of_a_failing_schedule_is_reached_step_by_step() -> None:
    schedule = Schedule.draw(3, PLACES, 30, 900)
    guilty = next(fault for one in schedule.rounds for fault in one.faults if fault.kind == "disk-full")

    def fails(tried: Schedule) -> bool:
        return any(guilty in one.faults for one in tried.rounds)

    while found := next(filter(fails, schedule.simpler), None):
        schedule = found

    assert schedule.faults == 1
    assert schedule.rounds[0].faults == (guilty,)
