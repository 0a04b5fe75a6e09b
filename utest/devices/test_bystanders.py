"""What bystanders lost: sends that were not taken and messages that did not come."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from waybill.devices.bystanders import losses


@dataclass(frozen=True)
class Sending:
    name: str
    taken: bool = True


@dataclass
class Inbox:
    held: set[Sending] = field(default_factory=set)

    def holds(self, sending: Sending) -> bool:
        return sending in self.held


@dataclass
class Device:
    scenario: Any
    sent: list[Sending]
    inbox: Inbox = field(default_factory=Inbox)


class Scenario:
    def __init__(self) -> None:
        self.owing: list[tuple[Device, Sending]] = []

    def owed(self, device: Device) -> list[Sending]:
        return [sending for one, sending in self.owing if one is device]


def two(*sent: Sending) -> tuple[Any, Any]:
    scenario = Scenario()
    yves, zoe = Device(scenario, list(sent)), Device(scenario, [])
    scenario.owing = [(zoe, one) for one in sent if one.taken]
    return yves, zoe


def test_who_has_everything_lost_nothing() -> None:
    yves, zoe = two(Sending("a"), Sending("b"))
    zoe.inbox.held = set(yves.sent)
    assert losses([yves, zoe]) == 0


def test_what_was_not_taken_and_what_did_not_come_is_lost() -> None:
    yves, zoe = two(Sending("a"), Sending("b"), Sending("c", taken=False))
    zoe.inbox.held = {Sending("a")}
    assert losses([yves, zoe]) == 2
