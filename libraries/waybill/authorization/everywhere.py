"""Blocks and rules that are made at one node of a server and tried at every node."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from waybill.authorization import acts, table
from waybill.authorization.acts import NotTried
from waybill.authorization.checked import Trial
from waybill.authorization.contact import Rules
from waybill.drivers.base import Presence
from waybill.history.events import Completion, Operation

if TYPE_CHECKING:
    from waybill.devices.device import Device
    from waybill.devices.scenario import Scenario


def try_everywhere(scenario: Scenario, person: str, victim: str, rules: Rules) -> Trial:
    """Tries the cases of the part `contact` that one answer decides, at every node each.

    A block is made at each of the nodes in turn and lifted at the next one; then there is a rule, and none. Both people
    have a device at each node, called after it.
    """
    trial = Trial()
    lacking = [
        one for one in (Operation.BLOCK, Operation.CREATE, Operation.PRESENCE) if not scenario.can(one)
    ]
    if lacking:
        for case in table.part("contact").cases():
            trial.skipped(case, f"the protocol of {scenario.driver.name} has no {lacking[0].name.lower()}")
        return trial
    blocked, blockers = _at_every_node(scenario, person), _at_every_node(scenario, victim)
    _try(trial, "friend", blocked, victim)
    for blocker, other in zip(blockers, [*blockers[1:], *blockers[:1]], strict=True):
        blocker.block(person)
        _try(trial, "blocked", blocked, victim)
        other.unblock(person)
        _try(trial, "unblocked", blocked, victim)
    try:
        rules.forbid(person, victim)
        _try(trial, "ruled", blocked, victim)
        rules.allow(person, victim)
        _try(trial, "free-again", blocked, victim)
    except NotTried as reason:
        for case in table.part("contact").cases():
            if case.person in ("ruled", "free-again"):
                trial.skipped(case, str(reason))
    return trial


def _at_every_node(scenario: Scenario, person: str) -> list[Device]:
    """A device of a person at each node."""
    devices = [scenario.user(person, [node]).devices[node] for node in scenario.target.nodes]
    for device, node in zip(devices, scenario.target.nodes, strict=True):
        device.connect(node)
    return devices


def _try(trial: Trial, name: str, devices: Sequence[Device], victim: str) -> None:
    """Sends, makes a group, and asks for the presence, on each of these devices."""
    cases = table.cases("contact")
    for device in devices:
        scenario = device.scenario
        sending = acts.send(device, scenario.direct(device.user, victim))
        assert sending.outcome is not None
        trial.answered(cases[f"reach/send/{name}"], sending.outcome)
        group = f"with-{victim}-{len(scenario.conversations)}"
        trial.answered(cases[f"reach/create/{name}"], acts.create(device, group, victim))
        seen = acts.presence(device, victim)
        state = seen.values.get("presence")
        if seen.completion is Completion.OK and isinstance(state, Presence):
            trial.saw(cases[f"see/presence/{name}"], state.online, "online" if state.online else "offline")
        else:
            trial.answered(cases[f"see/presence/{name}"], seen)
