"""Everything that a frame may say about who sends it, said by somebody else: the sender is who logged in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from waybill.authorization import acts, table
from waybill.authorization.acts import NotTried
from waybill.authorization.checked import Trial
from waybill.authorization.conversation import GROUP
from waybill.authorization.people import online
from waybill.authorization.victim import SEEN, Victim
from waybill.devices.policy import Acknowledge
from waybill.devices.waiting import Deadline
from waybill.drivers.base import Capability, Outcome, Receipt
from waybill.history.events import Completion, Operation

if TYPE_CHECKING:
    from waybill.devices.device import Device
    from waybill.devices.scenario import Scenario
    from waybill.devices.sending import Sending

UNREAD: Final = "tablet"
"""The victim's device that acknowledges nothing, so that nobody else can have done it."""


class Masquerade:
    """A victim, somebody whom the victim talks to, and an intruder who logs in under the own name.

    Args:
        scenario: The scenario.
        intruder: Who tries.
        victim: Under whose name.
        other: Whom the victim talks to, directly and in a group.
    """

    def __init__(self, scenario: Scenario, intruder: str, victim: str, other: str) -> None:
        self.scenario = scenario
        self.victim = scenario.user(victim, [UNREAD]).devices[UNREAD]
        self.victim.connect(acknowledge=Acknowledge.NONE)
        self.other = online(scenario, other)
        self.intruder = intruder
        self.account = scenario.users[victim].account.user
        self.thread = scenario.direct(victim, other)
        self.own = scenario.direct(intruder, victim)
        self.group = self.other.create_group(GROUP, [victim])
        sent = [acts.send(self.other, self.thread), acts.send(self.victim, self.thread)]
        scenario.wait_until_acknowledged(sent)
        self.victim.wait_for_deliveries(sent[:1])
        self.victims = [Victim(self.victim), Victim(self.other)]

    def extra(self, name: str) -> dict[str, object]:
        """The members that say so."""
        match name:
            case "user-and-device":
                return {"user": self.account, "device": UNREAD}
            case "role":
                return {"role": "admin", "roles": ["admin"]}
            case _:
                return {name: self.account}

    def log_in(self, name: str) -> Device:
        """The intruder's device, every frame of which says so."""
        device = self.scenario.user(self.intruder, [f"as-{name}"]).devices[f"as-{name}"]
        device.connect(extra=self.extra(name))
        return device

    def close(self, trial: Trial) -> None:
        """Looks for traces once everything that was tried must have got there."""
        self.victims[0].wait_for(acts.send(self.other, self.thread))
        self.victims[1].wait_for(acts.send(self.victim, self.thread))
        conversations = [self.thread.name, self.group.name]
        for seen in self.victims:
            trial.traces += seen.traces([self.intruder], conversations)


def try_under_another_name(scenario: Scenario, intruder: str, victim: str, other: str) -> Trial:
    """Tries every case of the part `name`: one session for each name that frames may carry."""
    trial, cases = Trial(), table.cases("name")
    if Capability.EXTRA_MEMBERS not in scenario.driver.capabilities:
        for case in cases.values():
            trial.skipped(
                case, f"the protocol of {scenario.driver.name} has no room for another name in a frame"
            )
        return trial
    masquerade = Masquerade(scenario, intruder, victim, other)
    for name in table.part("name").people:
        device = masquerade.log_in(name)
        for target, tries in (("own", ("write",)), ("frame", tuple(_TRY))):
            for operation in tries:
                case = cases[f"{target}/{operation}/{name}"]
                try:
                    effect, said = (
                        _write(masquerade, device) if target == "own" else _TRY[operation](masquerade, device)
                    )
                    trial.saw(case, effect, said)
                except NotTried as reason:
                    trial.skipped(case, str(reason))
        device.close()
    masquerade.close(trial)
    return trial


Seen = tuple[bool | None, str]
"""Whether it took effect for the victim, and what was seen."""


def _decided(outcome: Outcome) -> Seen:
    effect = {Completion.OK: True, Completion.FAIL: False}.get(outcome.completion)
    return effect, outcome.code or "done"


def _write(masquerade: Masquerade, device: Device) -> Seen:
    """To the victim, under the own name: it must arrive, from the intruder."""
    sending = acts.send(device, masquerade.own)
    assert sending.outcome is not None
    if sending.outcome.completion is Completion.FAIL:
        return _decided(sending.outcome)
    victim = masquerade.victim
    if not victim.signal.wait_until(lambda: bool(_senders(victim, sending)), Deadline(SEEN)):
        return None, "not delivered"
    senders = _senders(victim, sending)
    return senders == [device.user], f"delivered from {' and '.join(senders)}"


def _senders(device: Device, sending: Sending) -> list[str]:
    """From whom a device was given this body."""
    return [item.sender for item in device.inbox.items if item.delivery.body == sending.body]


def _send(masquerade: Masquerade, device: Device) -> Seen:
    sending = acts.send(device, masquerade.thread)
    assert sending.outcome is not None
    masquerade.victims[1].wait_for(acts.send(masquerade.victim, masquerade.thread))
    given = [
        item
        for seen in masquerade.victims
        for item in seen.device.inbox.items
        if item.delivery.body == sending.body
    ]
    return (True, f"delivered from {given[0].sender}") if given else _decided(sending.outcome)


def _read(masquerade: Masquerade, device: Device) -> Seen:
    return _decided(acts.read(device, masquerade.thread))


def _type(masquerade: Masquerade, device: Device) -> Seen:
    acts.need(device, Operation.TYPING)
    seen = masquerade.victims[1]
    since = len(seen.notices)
    device.typing(masquerade.thread, True)
    acts.round_trip(device)
    typed = len(seen.notices) > since and any(one.what == "typing" for one in seen.notices[since:])
    if not seen.sees_typing(masquerade.victim, masquerade.thread):
        return None, "nobody is seen typing"
    count = sum(one.what == "typing" and one.value == "active" for one in seen.notices[since:])
    return typed or count > 1, "seen" if typed or count > 1 else "not seen"


def _join(masquerade: Masquerade, device: Device) -> Seen:
    outcome = acts.add(device, masquerade.group, device.user)
    if outcome.completion is Completion.OK:
        acts.remove(masquerade.other, masquerade.group, device.user)
    return _decided(outcome)


def _sync(masquerade: Masquerade, device: Device) -> Seen:
    acts.need(device, Operation.SYNC)
    own = {masquerade.own.name}
    before = len(device.inbox.items)
    outcome = acts.sync(device)
    if outcome.completion is not Completion.OK:
        return _decided(outcome)
    foreign = [one for one in device.inbox.items[before:] if one.conversation not in own]
    return bool(foreign), f"{len(foreign)} messages of others" if foreign else "the own log"


def _acknowledge(masquerade: Masquerade, device: Device) -> Seen:
    """The victim's device acknowledged nothing, so whatever the other is told of its deliveries is not its doing."""
    wanted = {Capability.CUMULATIVE_ACK, Capability.CONFIRMED_ACK, Capability.READ_MARKERS}
    if not wanted <= device.scenario.driver.capabilities:
        raise NotTried(
            f"nobody can tell what the victim acknowledged in the protocol of {device.scenario.driver.name}"
        )
    acts.acknowledge(device, max(1, masquerade.victim.cursor))
    told = acts.markers(masquerade.other, masquerade.thread).values.get("receipts")
    assert isinstance(told, list)
    mark: Receipt = next(one for one in told if one.user == masquerade.account)
    return mark.delivered > 0, f"delivered up to {mark.delivered}"


_TRY: Final = {
    "send": _send,
    "read": _read,
    "type": _type,
    "join": _join,
    "sync": _sync,
    "acknowledge": _acknowledge,
}
"""How each operation of the part is tried."""
