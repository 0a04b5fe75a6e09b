"""A crowd arrives, writes, and says what it lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from scripted_server import ScriptedServer

from waybill.devices import Scenario, crowd
from waybill.devices.waiting import Deadline, DeadlinePassed


def test_everybody_arrives_once(scenario: Scenario) -> None:
    devices = [scenario.device(f"member-{number}/phone") for number in range(9)]
    devices[0].connect()
    crowd.arrive(devices)
    assert all(device.connected and len(device.epochs) == 1 for device in devices)


def test_what_goes_wrong_for_one_is_raised(scenario: Scenario) -> None:
    def act(device: object) -> None:
        if device is devices[3]:
            raise RuntimeError("no")

    devices = [scenario.device(f"member-{number}/phone") for number in range(6)]
    with pytest.raises(RuntimeError, match="no"):
        crowd.together(devices, act)
    crowd.together([], act)


def test_each_writes_to_the_next_one(scenario: Scenario) -> None:
    routes = crowd.ring(scenario, ["ann", "ben", "cem"])
    assert {person: made.name for person, made in routes.items()} == {
        "ann": "ann+ben",
        "ben": "ben+cem",
        "cem": "ann+cem",
    }


def test_who_wrote_and_was_given_everything_lost_nothing(scenario: Scenario) -> None:
    devices = [scenario.device(f"{person}/phone") for person in ("ann", "ben")]
    crowd.arrive(devices)
    routes = crowd.ring(scenario, ["ann", "ben"])
    crowd.write([(device, routes[device.user]) for device in devices], rate=200, deadline=5)
    crowd.require_untouched(devices, crowd.counted(devices), deadline=5)
    assert crowd.losses(devices) == 0
    assert not scenario.streams


def test_who_gets_nothing_through_is_named(begin: Callable[..., Scenario], server: ScriptedServer) -> None:
    scenario = begin()
    server.rules.append(lambda client, frame: client.user == "account-1" and frame["type"] == "send")
    devices = [scenario.device(f"{person}/phone") for person in ("ann", "ben")]
    crowd.arrive(devices)
    routes = crowd.ring(scenario, ["ann", "ben"])
    with pytest.raises(DeadlinePassed, match=r"Each of 2 writers .* 1 messages .*: ann/phone\."):
        crowd.write([(device, routes[device.user]) for device in devices], rate=50, deadline=0.3)
    for stream in scenario.streams:
        stream.abandon()


def test_a_lost_connection_and_a_refused_send_are_losses(scenario: Scenario) -> None:
    ann, ben = (scenario.device(f"{person}/phone") for person in ("ann", "ben"))
    crowd.arrive([ann, ben])
    thread = scenario.direct("ann", "ben")
    scenario.wait_until_acknowledged([ann.send(thread)])
    ben.wait_for_deliveries(count=1)
    assert crowd.losses([ann, ben]) == 0
    ben.cut()
    assert ben.signal.wait_until(lambda: not ben.connected, Deadline(5))
    scenario.wait_until_acknowledged([ann.send(thread)])
    assert crowd.losses([ann, ben]) == 1
    with pytest.raises(AssertionError, match=r"ben/phone had nothing to do with what happened"):
        crowd.require_untouched([ann, ben], {}, deadline=1)
