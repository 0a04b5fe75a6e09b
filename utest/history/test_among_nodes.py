"""Figures of several nodes: failovers, partitions, breakers and intruders are counted where they were seen."""

from __future__ import annotations

from pathlib import Path

import pytest

from waybill.history import check
from waybill.history.events import End, Operation
from waybill.history.header import Header
from waybill.history.recorder import Recorder


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    users = {"alice": ["phone"], "bob": ["phone"]}
    header = Header(
        seed=7, scenario="nodes", target="planted", users=users, conversations={"ab": ["alice", "bob"]}
    )
    return Recorder(tmp_path / "history.jsonl", header)


def figures(recorder: Recorder) -> dict[str, int]:
    return dict(check(recorder.close()).figures)


def log_in(recorder: Recorder, node: str) -> int:
    session = recorder.session("alice/phone", node=node, protocol="planted", version=2)
    recorder.ok(recorder.invoke(session, Operation.LOGIN, value=-1))
    return session


def killed(recorder: Recorder, session: int, node: str) -> int:
    fault = recorder.fault_start("kill", node)
    recorder.fault_observed(fault, "it is gone")
    recorder.end(session, End.LOST)
    return fault


def served(recorder: Recorder, session: int) -> None:
    recorder.ok(recorder.invoke(session, Operation.PRESENCE, user="bob"), value=0)


def test_a_device_that_was_served_elsewhere_while_its_node_was_down_is_a_failover(recorder: Recorder) -> None:
    fault = killed(recorder, log_in(recorder, "north"), "north")
    served(recorder, log_in(recorder, "south"))
    recorder.fault_end(fault)

    counted = figures(recorder)

    assert (counted["failovers"], counted["recovery_seconds"]) == (1, 1)


@pytest.mark.parametrize(("node", "works"), [("north", True), ("south", False)])
def test_a_return_to_the_node_or_a_login_alone_is_none(recorder: Recorder, node: str, works: bool) -> None:
    fault = killed(recorder, log_in(recorder, "north"), "north")
    session = log_in(recorder, node)
    if works:
        served(recorder, session)
    recorder.fault_end(fault)

    assert "failovers" not in figures(recorder)


def test_a_device_that_was_served_only_after_the_node_was_back_is_none(recorder: Recorder) -> None:
    fault = killed(recorder, log_in(recorder, "north"), "north")
    session = log_in(recorder, "south")
    recorder.fault_end(fault)
    served(recorder, session)

    assert "failovers" not in figures(recorder)


def test_shapes_count_once_and_those_that_come_and_go_are_flapping(recorder: Recorder) -> None:
    for details in ({"shape": "halves"}, {"shape": "halves"}, {"shape": "halves", "flapping": 1}):
        fault = recorder.fault_start("partition", "north,south", **details)
        recorder.fault_observed(fault, "nothing passed")
        recorder.fault_end(fault)
    recorder.fault_end(recorder.fault_start("partition", "north,south", shape="ring"))

    assert figures(recorder)["shapes"] == 2


def test_only_what_was_acknowledged_during_a_partition_counts_as_such(recorder: Recorder) -> None:
    session = log_in(recorder, "north")

    def send(key: str) -> None:
        number = recorder.send(session, "ab", key, b"body")
        recorder.ok(number)

    send("before")
    fault = recorder.fault_start("partition", "north,south", shape="halves")
    send("meanwhile")
    recorder.fault_observed(fault, "nothing passed")
    recorder.fault_end(fault)
    send("after")

    counted = figures(recorder)

    assert (counted["acknowledged"], counted["acknowledged_apart"]) == (3, 1)


def test_a_breaker_that_did_not_close_is_no_trip(recorder: Recorder) -> None:
    for closes in (True, False):
        fault = recorder.fault_start("breaker", "north")
        recorder.fault_observed(fault, "it is open")
        if closes:
            recorder.fault_end(fault)

    assert figures(recorder)["trips"] == 1


def test_an_intruder_whom_nobody_refused_was_accepted(recorder: Recorder) -> None:
    for refused in (True, False):
        fault = recorder.fault_start("intrusion", "north")
        if refused:
            recorder.fault_observed(fault, "it refused")
        recorder.fault_end(fault)

    counted = figures(recorder)

    assert (counted["intrusions"], counted["accepted"]) == (2, 1)
