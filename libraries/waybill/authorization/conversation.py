"""Everything that can be done in a conversation, tried by its members, by strangers, and by people with a role."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from waybill.authorization import acts, table
from waybill.authorization.acts import NotTried
from waybill.authorization.checked import Trial
from waybill.authorization.people import ROLES, online
from waybill.authorization.table import Case
from waybill.authorization.victim import Victim
from waybill.drivers.base import Capability, Outcome
from waybill.history.events import Completion, Operation

if TYPE_CHECKING:
    from waybill.devices.conversation import Conversation
    from waybill.devices.device import Device
    from waybill.devices.scenario import Scenario

GROUP: Final = "crew"
HELPER: Final = "frank"
"""A member of the group who is added and removed again, and leaves."""


class Talk:
    """Two people with a direct conversation and a group, a former member of it, and everybody who tries.

    Args:
        scenario: The scenario.
        one: Who does what members may do, and made the group.
        other: Who watches for traces; both are victims.
        stranger: Who is in no conversation with them but an own one.
    """

    def __init__(self, scenario: Scenario, one: str, other: str, stranger: str) -> None:
        self.scenario = scenario
        self.one, self.other = online(scenario, one), online(scenario, other)
        self.people: dict[str, Device] = {"member": self.one, "stranger": online(scenario, stranger)}
        self.direct = scenario.direct(one, other)
        self.group: Conversation | None = None
        self.absent: dict[str, str] = {}
        if scenario.can(Operation.CREATE):
            self._make_group()
        for role in ROLES:
            try:
                self.people[role] = online(scenario, role, role)
            except NotTried as reason:
                self.absent[role] = str(reason)
        sendings = [acts.send(self.one, thread) for thread in self.threads.values()]
        scenario.wait_until_acknowledged(sendings)
        self.other.wait_for_deliveries(sendings)
        self.victims = [Victim(self.one), Victim(self.other)]

    def _make_group(self) -> None:
        former = self.people["former"] = online(self.scenario, "former")
        online(self.scenario, HELPER)
        self.group = self.one.create_group(GROUP, [self.other.user, former.user, HELPER])
        self.one.remove_member(self.group, former.user)

    @property
    def threads(self) -> dict[str, Conversation]:
        """The conversations by the name of the target in the table."""
        return {"direct": self.direct} if self.group is None else {"direct": self.direct, "group": self.group}

    def actor(self, case: Case) -> Device:
        """Who tries a case. A server may end the session of whoever tried what is refused; then there is a new one.

        Raises:
            NotTried: The target has no such person, or no such conversation.
        """
        if case.person in self.absent:
            raise NotTried(self.absent[case.person])
        if case.target == "group" and self.group is None:
            raise NotTried(f"the protocol of {self.scenario.driver.name} has no groups")
        device = self.people[case.person]
        if not device.connected:
            device.connect()
        return device

    def thread(self, case: Case) -> Conversation:
        """Where a case is tried; for a log, anywhere."""
        return self.threads.get(case.target, self.direct)

    def close(self, trial: Trial) -> None:
        """Looks for traces once everything that was tried must have got there: both write to each other last."""
        for thread in self.threads.values():
            for device, victim in ((self.one, self.victims[1]), (self.other, self.victims[0])):
                victim.wait_for(acts.send(device, thread))
        outsiders = [device.user for name, device in self.people.items() if name != "member"]
        names = [thread.name for thread in self.threads.values()]
        for victim in self.victims:
            trial.traces += victim.traces(outsiders, names)


def try_everything(scenario: Scenario, one: str, other: str, stranger: str) -> Trial:
    """Tries every case of the part `conversation`, those of members first: without them a refusal shows nothing."""
    talk, trial = Talk(scenario, one, other, stranger), Trial()
    cases = table.part("conversation").cases()
    for case in sorted(cases, key=lambda case: case.person != "member"):
        try:
            actor = talk.actor(case)
            _TRY[case.operation](talk, trial, case, actor)
        except NotTried as reason:
            trial.skipped(case, str(reason))
    talk.close(trial)
    return trial


def _send(talk: Talk, trial: Trial, case: Case, actor: Device) -> None:
    thread = talk.thread(case)
    sending = acts.send(actor, thread)
    talk.victims[1].wait_for(acts.send(talk.one, thread))
    if talk.other.inbox.holds(sending):
        trial.saw(case, effect=True, said="delivered")
    elif sending.acknowledged:
        trial.saw(case, effect=True, said="acknowledged, and not delivered")
    else:
        code = sending.outcome.code if sending.outcome else "no answer"
        trial.saw(case, effect=False, said=f"not delivered, {code}")


def _type(talk: Talk, trial: Trial, case: Case, actor: Device) -> None:
    acts.need(actor, Operation.TYPING)
    thread, (_, other) = talk.thread(case), talk.victims
    if case.person == "member":
        seen = other.sees_typing(actor, thread)
    else:
        since = len(other.notices)
        actor.typing(thread, True)
        acts.round_trip(actor)
        if not other.sees_typing(talk.one, thread):
            trial.saw(case, effect=None, said="nobody is seen typing")
            return
        seen = other.saw("typing", thread.name, actor.user, since=since)
    trial.saw(case, effect=seen, said="seen" if seen else "not seen")


def _join(talk: Talk, trial: Trial, case: Case, actor: Device) -> None:
    thread = talk.thread(case)
    outcome = acts.add(actor, thread, actor.user)
    trial.answered(case, outcome)
    if outcome.completion is Completion.OK and not case.allowed:
        # What this person tries next must not work for this reason alone.
        acts.remove(talk.one, thread, actor.user)


def _add(talk: Talk, trial: Trial, case: Case, actor: Device) -> None:
    thread = talk.thread(case)
    if thread.group and HELPER in thread.members:
        acts.remove(talk.one, thread, HELPER)
    trial.answered(case, acts.add(actor, thread, HELPER))


def _remove(talk: Talk, trial: Trial, case: Case, actor: Device) -> None:
    thread = talk.thread(case)
    _with_helper(talk, thread)
    trial.answered(case, acts.remove(actor, thread, HELPER))


def _leave(talk: Talk, trial: Trial, case: Case, actor: Device) -> None:
    thread = talk.thread(case)
    if thread.group and case.person == "member":
        _with_helper(talk, thread)
        actor = talk.scenario.device(HELPER)
    trial.answered(case, acts.leave(actor, thread))


def _with_helper(talk: Talk, thread: Conversation) -> None:
    if thread.group and HELPER not in thread.members:
        acts.add(talk.one, thread, HELPER)


def _beyond(talk: Talk, trial: Trial, case: Case, actor: Device) -> None:
    wanted = {Capability.CUMULATIVE_ACK, Capability.CONFIRMED_ACK, Capability.CURSOR}
    if not wanted <= talk.scenario.driver.capabilities:
        raise NotTried(f"the protocol of {talk.scenario.driver.name} has no cursor to acknowledge")
    trial.answered(case, acts.acknowledge(actor, max(0, actor.cursor) + acts.FAR))


def _asked(
    act: Callable[[Device, Conversation], Outcome],
) -> Callable[[Talk, Trial, Case, Device], None]:
    def ask(talk: Talk, trial: Trial, case: Case, actor: Device) -> None:
        trial.answered(case, act(actor, talk.thread(case)))

    return ask


_TRY: Final[dict[str, Callable[[Talk, Trial, Case, Device], None]]] = {
    "send": _send,
    "read": _asked(acts.read),
    "markers": _asked(acts.markers),
    "type": _type,
    "join": _join,
    "add": _add,
    "remove": _remove,
    "leave": _leave,
    "members": _asked(acts.members),
    "sync": _asked(lambda device, _: acts.sync(device)),
    "beyond": _beyond,
}
"""How each operation of the part is tried."""
