"""Acknowledging where nothing confirms it: what is asked next shows that the server has read it."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from scripted_server import ScriptedServer

from waybill.devices import Acknowledge, Scenario
from waybill.drivers.base import Capability
from waybill.drivers.waybill_v2 import WaybillDriver

Begin = Callable[..., Scenario]


class Unconfirmed(WaybillDriver):
    """A protocol whose acknowledgements nobody confirms."""

    capabilities: ClassVar[frozenset[Capability]] = WaybillDriver.capabilities - {Capability.CONFIRMED_ACK}


class Unanswering(WaybillDriver):
    """One that cannot ask for presence either."""

    capabilities: ClassVar[frozenset[Capability]] = Unconfirmed.capabilities - {
        Capability.PRESENCE,
        Capability.PRESENCE_NOTICES,
    }


def said_by_bob(server: ScriptedServer, scenario: Scenario) -> list[str]:
    """What bob's device said after it was given a message and acknowledged it."""
    alice, bob = scenario.device("alice"), scenario.device("bob")
    for device in (alice, bob):
        device.acknowledge_policy = Acknowledge.NONE
        device.connect()
    alice.send(scenario.direct("alice", "bob"))
    bob.wait_for_deliveries(count=1)
    bob.acknowledge()
    bob.close()
    name = f"{scenario.users['bob'].account.user}/phone"
    return [frame["type"] for who, frame in server.frames if who == name]


def test_it_returns_when_a_later_question_is_answered(server: ScriptedServer, begin: Begin) -> None:
    assert said_by_bob(server, begin(Unconfirmed())) == ["ack", "presence", "bye"]


def test_nothing_more_is_asked_where_it_is_confirmed(server: ScriptedServer, begin: Begin) -> None:
    assert said_by_bob(server, begin()) == ["ack", "bye"]


def test_nor_where_nothing_can_be_asked(server: ScriptedServer, begin: Begin) -> None:
    assert said_by_bob(server, begin(Unanswering())) == ["ack", "bye"]
