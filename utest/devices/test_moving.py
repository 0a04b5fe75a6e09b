"""Devices that go from node to node, and groups whose members come and go at different ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from scripted_server import ScriptedServer
from scripted_target import ScriptedTarget

from waybill.devices import Conversation, Device, Scenario
from waybill.devices.absences import away_during_traffic, come_back, leave
from waybill.devices.regrouping import NobodyThere, add_from_elsewhere, leave_and_remove
from waybill.drivers.base import Endpoint
from waybill.drivers.waybill_v2 import WaybillDriver

NODES = ("north", "south", "west")


class SpreadTarget(ScriptedTarget):
    """A target that says to have three nodes, all of which are the scripted server."""

    nodes = NODES

    def endpoint(self, node: str | None = None, client: str = "") -> Endpoint:
        assert node in {None, *NODES}
        return self.server.endpoint


@pytest.fixture
def spread(server: ScriptedServer, tmp_path: Path) -> Iterator[Scenario]:
    made = Scenario(SpreadTarget(server, WaybillDriver()), tmp_path / "history.jsonl", name="x", seed=7)
    yield made
    made.close()


def test_devices_come_back_where_they_were_or_at_the_next_node(spread: Scenario) -> None:
    devices = [spread.device(name) for name in ("alice", "bob", "carol")]
    come_back(devices)
    assert [device.node for device in devices] == list(NODES)
    leave(devices[:2], goodbye=True)
    come_back(devices)
    assert [device.node for device in devices] == list(NODES)
    leave(devices[1:], goodbye=False)
    come_back(devices, elsewhere=True)
    assert [device.node for device in devices] == ["north", "west", "north"]
    assert [len(device.epochs) for device in devices] == [2, 3, 2]


def test_a_device_goes_on_from_node_to_node_while_messages_pass(spread: Scenario) -> None:
    alice, bob = spread.device("alice"), spread.device("bob")
    come_back([alice, bob])
    spread.start_sending(alice, spread.direct("alice", "bob"))
    seen: list[str] = []
    for _ in range(3):
        away_during_traffic(spread, [bob], 1, 10, goodbye=False, elsewhere=True, deadline=5)
        seen.append(bob.node)
    assert seen == ["west", "north", "south"]
    spread.stop_sending()


def test_there_is_no_other_node_to_go_to(begin: Callable[..., Scenario]) -> None:
    device = begin().device("alice")
    with pytest.raises(ValueError, match="alice/phone cannot go to another node: node-1 is the only one"):
        come_back([device], elsewhere=True)


class Roll:
    """A group whose changes are done at once and written down, with the devices that asked for them.

    Attributes:
        asked: Who did what to whom.
    """

    def __init__(self, scenario: Scenario, monkeypatch: pytest.MonkeyPatch, people: int) -> None:
        self.asked: list[tuple[str, str, str]] = []
        self.members = [f"m{number}" for number in range(people)]
        for person in self.members:
            scenario.user(person)
        self.group = scenario.add_group("crew", "g:crew", self.members)

        def add(device: Device, group: Conversation, user: str) -> None:
            self.asked.append((device.user, "adds", user))
            group.joined(user, scenario.next_order())

        def remove(device: Device, group: Conversation, user: str) -> None:
            self.asked.append((device.user, "removes", user))
            group.left(user, scenario.next_order())

        monkeypatch.setattr(Device, "add_member", add)
        monkeypatch.setattr(Device, "remove_member", remove)
        monkeypatch.setattr(Device, "leave_group", lambda device, group: remove(device, group, device.user))


def test_at_every_node_one_leaves_and_another_one_removes_somebody_elsewhere(
    spread: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    roll = Roll(spread, monkeypatch, 12)
    assert leave_and_remove(spread, roll.group) == ["m9", "m11", "m10", "m8", "m5", "m7"]
    assert roll.asked == [
        ("m9", "removes", "m9"),
        ("m0", "removes", "m11"),
        ("m10", "removes", "m10"),
        ("m1", "removes", "m8"),
        ("m5", "removes", "m5"),
        ("m2", "removes", "m7"),
    ]
    assert roll.group.members == ["m0", "m1", "m2", "m3", "m4", "m6"]


def test_who_joins_is_added_by_somebody_elsewhere(spread: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    roll = Roll(spread, monkeypatch, 4)
    add_from_elsewhere(spread, roll.group, ["erin", "frank", "grace"])
    assert [spread.device(name).node for name in ("erin", "frank", "grace")] == ["south", "west", "north"]
    assert roll.asked == [("m2", "adds", "erin"), ("m0", "adds", "frank"), ("m1", "adds", "grace")]


def test_where_nobody_is_nothing_is_asked_for(
    spread: Scenario, begin: Callable[..., Scenario], monkeypatch: pytest.MonkeyPatch
) -> None:
    roll = Roll(spread, monkeypatch, 2)
    with pytest.raises(
        NobodyThere, match="two members of crew at north and one at another node, found 1 and 1"
    ):
        leave_and_remove(spread, roll.group)
    with pytest.raises(
        NobodyThere, match="a member of crew at another node than south, where m1 is; found none"
    ):
        add_from_elsewhere(spread, roll.group, ["m1"])
    alone = Roll(begin(), monkeypatch, 3)
    with pytest.raises(NobodyThere, match="at node-1 and one at another node, found 3 and 0"):
        leave_and_remove(begin(), alone.group)
    assert roll.asked == alone.asked == []
