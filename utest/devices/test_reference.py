"""Scenarios on the reference server, in processes of its own, killed and started again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from waybill.devices import Deadline, Scenario
from waybill.history.events import Operation
from waybill.targets import RunningTarget, find_target, launch


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningTarget]:
    with launch(find_target("reference"), tmp_path_factory.mktemp("reference")) as running:
        yield running


@pytest.fixture
def scenario(target: RunningTarget, tmp_path: Path) -> Iterator[Scenario]:
    made = Scenario(
        target, tmp_path / "history.jsonl", name="on the reference server", seed=3,
        declares=[Operation.LOGIN, Operation.SEND, Operation.ACKNOWLEDGE, Operation.SYNC],
    )  # fmt: skip
    yield made
    made.close()


def test_traffic_through_a_killed_server_ends_clean(target: RunningTarget, scenario: Scenario) -> None:
    devices = [scenario.device(name) for name in ("alice/phone", "alice/tablet", "bob/phone", "bob/tablet")]
    for device in devices:
        device.connect()
    talk = scenario.direct("alice", "bob")
    for sender in (devices[0], devices[2]):
        scenario.start_sending(sender, talk)
    scenario.wait_for_acknowledged_count(300)
    (node,) = target.nodes
    fault = scenario.recorder.fault_start("kill", node)
    target.kill(node)
    for device in devices:
        assert device.signal.wait_until(lambda device=device: not device.connected, Deadline(5))
    scenario.recorder.fault_observed(fault, "every session was lost")
    target.start(node)
    scenario.recorder.fault_end(fault)
    for device in devices:
        device.connect()
    scenario.wait_for_acknowledged_count(scenario.acknowledged_count + 300)
    scenario.stop_sending()
    for device in devices:
        device.resend_unknown()
    scenario.wait_until_acknowledged()
    assert scenario.settle().complete
    report = scenario.finish()
    assert [(found.name, found.examples[0].sentence) for found in report.anomalies] == []
    assert report.verdict == "clean"
    assert report.figures["kills"] == 1
    assert report.figures["lost"] == 0
    assert report.figures["acknowledged"] >= 600


def test_a_group_with_changing_members_ends_clean(scenario: Scenario) -> None:
    people = [scenario.device(f"member-{number}") for number in range(8)]
    for person in people:
        person.connect()
    crew = people[0].create_group("crew", [person.user for person in people[1:7]])
    for person in people[:5]:
        person.send_many(crew, 20)
    scenario.wait_until_acknowledged()
    people[1].leave_group(crew)
    people[0].remove_member(crew, people[2].user)
    people[0].add_member(crew, people[7].user)
    for person in (people[0], people[3], people[7]):
        person.send_many(crew, 20)
    scenario.wait_until_acknowledged()
    assert scenario.settle().complete
    report = scenario.finish()
    assert [(found.name, found.examples[0].sentence) for found in report.anomalies] == []
    assert report.verdict == "clean"
