"""Everything that one person can do to another, and see of another, in spite of a block or a rule, and without."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, Protocol

from waybill.authorization import acts, table
from waybill.authorization.acts import NotTried
from waybill.authorization.checked import Trial
from waybill.authorization.people import online
from waybill.authorization.victim import Victim
from waybill.drivers.base import Outcome, Presence, Receipt
from waybill.history.events import Completion, Operation

if TYPE_CHECKING:
    from waybill.devices.conversation import Conversation
    from waybill.devices.device import Device
    from waybill.devices.scenario import Scenario
    from waybill.devices.sending import Sending

CLUB: Final = "club"
"""A group of all three: in it everything goes on, so it carries what shows that nothing else came."""
ANYBODY: Final = ""
MESSAGES: Final = 20
"""Messages of each side from before any block: enough for every read marker to move."""


class Rules(Protocol):
    """Makes rules about who may write to whom, as an administrator does."""

    def forbid(self, sender: str, recipient: str) -> None:
        """Forbids messages from a person, or from `ANYBODY`, to another.

        Raises:
            NotTried: Nobody can make rules at this target.
        """

    def allow(self, sender: str, recipient: str) -> None:
        """Takes that rule away."""


class Contact:
    """Two people, of whom one does not want the other, and a friend of both.

    Args:
        scenario: The scenario.
        person: Who tries, and is blocked.
        victim: Who blocks.
        friend: Whom nobody blocks; what the friend does shows that nothing else was under way.
    """

    def __init__(self, scenario: Scenario, person: str, victim: str, friend: str) -> None:
        self.scenario = scenario
        self.person, self.victim, self.friend = (online(scenario, name) for name in (person, victim, friend))
        three = (self.person, self.victim, self.friend)
        self.eyes = {device.name: Victim(device) for device in three}
        self.club = self.friend.create_group(CLUB, [person, victim])
        pairs = ((self.person, self.victim), (self.friend, self.victim))
        sent = [
            acts.send(sender, scenario.direct(one.user, other.user))
            for one, other in pairs
            for sender in (one, other)
            for _ in range(MESSAGES)
        ]
        scenario.wait_until_acknowledged(sent)
        for device in three:
            device.wait_for_deliveries()
        self._marks = iter(range(1, 2 * MESSAGES))

    def next_mark(self) -> int:
        """A read marker that nobody has set yet in a direct conversation."""
        return next(self._marks)

    def eyes_of(self, device: Device) -> Victim:
        """What a device notices."""
        if device.name not in self.eyes:
            self.eyes[device.name] = Victim(device)
        return self.eyes[device.name]

    # What shows that everything before it has come: somebody else does the same in the club.

    def herald(self, device: Device) -> Device:
        """Who does it."""
        return self.person if device is self.friend else self.friend

    def message_to(self, device: Device) -> None:
        """The device is given a message that was sent just now."""
        self.eyes_of(device).wait_for(acts.send(self.herald(device), self.club))

    def typing_to(self, device: Device) -> None:
        """The device sees somebody type who began just now."""
        if not self.eyes_of(device).sees_typing(self.herald(device), self.club):
            raise NotTried("nobody is seen typing in a group")

    def receipt_to(self, device: Device) -> None:
        """The device is told of a marker that was set just now."""
        herald = self.herald(device)
        sending = acts.send(herald, self.club)
        mark = sending.outcome.sequence if sending.outcome else -1
        acts.read(herald, self.club, mark)
        self.eyes_of(device).wait("receipt", self.club.name, herald.user, str(mark))


def try_in_spite_of(scenario: Scenario, person: str, victim: str, friend: str, rules: Rules) -> Trial:
    """Tries every case of the part `contact`: without a block, in spite of it, once it is lifted, and so with rules."""
    trial, cases = Trial(), table.part("contact").cases()
    lacking = [one for one in (Operation.BLOCK, Operation.CREATE, Operation.WATCH) if not scenario.can(one)]
    if lacking:
        for case in cases:
            trial.skipped(case, f"the protocol of {scenario.driver.name} has no {lacking[0].name.lower()}")
        return trial
    contact = Contact(scenario, person, victim, friend)
    for name, actor, target in _phases(contact, rules, trial):
        for case in cases:
            if case.person == name:
                try:
                    trial.saw(case, *_TRY[case.operation](contact, actor, target))
                except NotTried as reason:
                    trial.skipped(case, str(reason))
    return trial


def _phases(contact: Contact, rules: Rules, trial: Trial) -> Iterator[tuple[str, Device, Device]]:
    """Who tries, and against whom, while what is said to hold holds."""
    person, victim = contact.person, contact.victim
    yield "friend", contact.friend, victim
    victim.block(person.user)
    yield "blocked", person, victim
    anew = contact.scenario.user(person.user, ["laptop"]).devices["laptop"]
    anew.connect()
    yield "blocked-anew", anew, victim
    anew.close()
    yield "blocker", victim, person
    person.block(victim.user)
    yield "mutual", person, victim
    person.unblock(victim.user)
    victim.unblock(person.user)
    yield "unblocked", person, victim
    try:
        rules.forbid(person.user, victim.user)
        yield "ruled", person, victim
        rules.allow(person.user, victim.user)
        yield "free-again", person, victim
        rules.forbid(ANYBODY, victim.user)
        yield "anybody", person, victim
        rules.allow(ANYBODY, victim.user)
    except NotTried as reason:
        for case in table.part("contact").cases():
            if case.person in ("ruled", "free-again", "anybody"):
                trial.skipped(case, str(reason))


Seen = tuple[bool | None, str]
"""Whether it took effect, and what was seen."""


def _direct(contact: Contact, actor: Device, target: Device) -> Conversation:
    return contact.scenario.direct(actor.user, target.user)


def _decided(outcome: Outcome) -> Seen:
    effect = {Completion.OK: True, Completion.FAIL: False}.get(outcome.completion)
    return effect, outcome.code or "done"


def _seen(effect: bool) -> Seen:
    return effect, "seen" if effect else "not seen"


def _send(contact: Contact, actor: Device, target: Device) -> Seen:
    sending: Sending = acts.send(actor, _direct(contact, actor, target))
    if sending.acknowledged:
        contact.eyes_of(target).wait_for(sending)
    contact.message_to(target)
    if target.inbox.holds(sending):
        return True, "delivered"
    assert sending.outcome is not None
    return (False, "not delivered") if sending.accepted else _decided(sending.outcome)


def _type(contact: Contact, actor: Device, target: Device) -> Seen:
    eyes, thread = contact.eyes_of(target), _direct(contact, actor, target)
    since = len(eyes.notices)
    actor.typing(thread, True)
    acts.round_trip(actor)
    contact.typing_to(target)
    return _seen(eyes.saw("typing", thread.name, actor.user, since=since))


def _create(contact: Contact, actor: Device, target: Device) -> Seen:
    name = f"with-{target.user}-{len(contact.scenario.conversations)}"
    return _grouped(contact, actor, target, lambda: acts.create(actor, name, target.user))


def _add(contact: Contact, actor: Device, target: Device) -> Seen:
    other = contact.person if actor is contact.friend else contact.friend
    name = f"of-{actor.user}-{len(contact.scenario.conversations)}"
    made = acts.create(actor, name, other.user)
    if made.completion is not Completion.OK:
        return None, f"no group to add to: {made.code}"
    group = contact.scenario.conversation(name)
    return _grouped(contact, actor, target, lambda: acts.add(actor, group, target.user))


def _grouped(contact: Contact, actor: Device, target: Device, act: Callable[[], Outcome]) -> Seen:
    """Makes the target a member of something, and looks whether it was told, whatever the answer says."""
    eyes = contact.eyes_of(target)
    since = len(eyes.notices)
    effect, said = _decided(act())
    contact.message_to(target)
    members = [one for one in eyes.notices[since:] if one.what == "members" and one.conversation != CLUB]
    told = any(actor.user in one.user.split(",") for one in members)
    return (True, f"{said}, and {target.name} was told of the group") if told else (effect, said)


def _receipt(contact: Contact, actor: Device, target: Device) -> Seen:
    return _receipt_of(contact, actor, target)


def _receipts(contact: Contact, actor: Device, target: Device) -> Seen:
    return _receipt_of(contact, target, actor)


def _receipt_of(contact: Contact, reader: Device, watcher: Device) -> Seen:
    """Whether one of them is told what the other has read."""
    eyes, thread, mark = contact.eyes_of(watcher), _direct(contact, reader, watcher), contact.next_mark()
    since = len(eyes.notices)
    outcome = acts.read(reader, thread, mark)
    if outcome.completion is not Completion.OK:
        return None, f"the marker was not set: {outcome.code}"
    contact.receipt_to(watcher)
    return _seen(eyes.saw("receipt", thread.name, reader.user, since=since))


def _typing(contact: Contact, actor: Device, target: Device) -> Seen:
    return _type(contact, target, actor)


def _presence(contact: Contact, actor: Device, target: Device) -> Seen:
    outcome = acts.presence(actor, target.user)
    state = outcome.values.get("presence")
    if outcome.completion is not Completion.OK or not isinstance(state, Presence):
        return _decided(outcome)
    return state.online, "online" if state.online else "offline"


def _watch(contact: Contact, actor: Device, target: Device) -> Seen:
    """The target comes back, then somebody else does: the watcher is told of the second, and perhaps of the first."""
    eyes = contact.eyes_of(actor)
    last = contact.person if actor is contact.friend else contact.friend
    since = len(eyes.notices)
    actor.watch(target.user, last.user)
    for user in (target.user, last.user):
        eyes.wait("presence", "", user, since=since)
    since = len(eyes.notices)
    target.reconnect()
    last.reconnect()
    eyes.wait("presence", "", last.user, "online", since=since)
    return _seen(eyes.saw("presence", "", target.user, "online", since=since))


def _markers(contact: Contact, actor: Device, target: Device) -> Seen:
    outcome = acts.markers(actor, _direct(contact, actor, target))
    told = outcome.values.get("receipts")
    if outcome.completion is not Completion.OK or not isinstance(told, list):
        return _decided(outcome)
    account = target.account.user
    return _seen(any(isinstance(one, Receipt) and one.user == account for one in told))


_TRY: Final[dict[str, Callable[[Contact, Device, Device], Seen]]] = {
    "send": _send,
    "type": _type,
    "create": _create,
    "add": _add,
    "receipt": _receipt,
    "presence": _presence,
    "watch": _watch,
    "typing": _typing,
    "receipts": _receipts,
    "markers": _markers,
}
"""How each operation of the part is tried."""
