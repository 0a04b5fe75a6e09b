"""Every operation of a protocol, tried where nothing may work.

That is before a login, after one that was refused, and after the end or the revocation of the token that opened the
session. Each operation has a connection of its own, so that one that ends it leaves the others theirs. What takes
effect is found in the history, whoever sees it; nothing here decides.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from waybill.devices import administering
from waybill.devices.epoch import Call
from waybill.devices.forging import token_of
from waybill.devices.intrusion import ANSWER, FalseCredential, attempt
from waybill.devices.sending import Sending
from waybill.devices.waiting import Deadline
from waybill.drivers.base import Capability, Credential, LoginRefused, Session
from waybill.history.events import Completion, CredentialKind, Operation
from waybill.history.promises import seconds
from waybill.tokens.attack import NotTried
from waybill.tokens.reading import end_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from waybill.devices.conversation import Conversation
    from waybill.devices.device import Device
    from waybill.devices.scenario import Scenario

LIFETIME: Final = 8
"""Seconds that a token lives beyond the leeway: enough to log in with each of them, and to use each once."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where operations are tried.

    Attributes:
        victim: The victim.
        group: A group that both are in; None where there is none, and what needs one is not tried.
        account: The victim's account.
    """

    victim: str
    group: Conversation | None
    account: str


@dataclass(frozen=True, slots=True)
class Trespass:
    """An operation that was tried where nothing may work.

    Attributes:
        device: The device that tried it.
        what: The operation.
        begun: The operation as it was begun; None where nothing answers it.
    """

    device: str
    what: str
    begun: Sending | Call | None

    @property
    def succeeded(self) -> bool:
        """The server said that it took effect."""
        if isinstance(self.begun, Sending):
            return self.begun.acknowledged
        outcome = None if self.begun is None else self.begun.outcome
        return outcome is not None and outcome.completion is Completion.OK


def meet(scenario: Scenario, intruder: str, victim: str) -> None:
    """The intruder logs in on a phone as nobody can object to, in a group with the victim where there are groups."""
    phone = scenario.user(intruder, ["phone"]).devices["phone"]
    phone.connect()
    if scenario.can(Operation.CREATE):
        phone.create_group(f"{intruder}-and-{victim}", [intruder, victim])


def try_operations_without_login(scenario: Scenario, intruder: str, victim: str) -> list[str]:
    """Tries each operation that the protocol has on a connection that never logged in; returns what was tried."""
    place = _place(scenario, intruder, victim)
    devices = _devices(scenario, intruder, "nobody", place)
    for name, device in devices.items():
        outcome = device.try_connect(identify=False, kind=CredentialKind.NONE, deadline=ANSWER)
        if outcome.completion is Completion.OK:
            _trespass(scenario, device, name, place)
    _end(devices.values())
    return list(devices)


def try_operations_after_failed_login(scenario: Scenario, intruder: str, victim: str) -> dict[str, str]:
    """Tries each operation on a connection whose login was refused, as far as the server leaves it open.

    Returns:
        For each operation the answer to the login that failed before it.
    """
    place = _place(scenario, intruder, victim)
    devices, answers = _devices(scenario, intruder, "refused", place), {}
    for name, device in devices.items():
        genuine = scenario.target.credential(device.account, device.device)
        false = (
            Credential(genuine.user, token=genuine.token[:-8] + "AAAAAAAA", key=genuine.key)
            if genuine.token
            else Credential(genuine.user, password=f"not {genuine.password}")
        )
        try:
            device.connect(credential=false, kind=CredentialKind.FORGED, insist=True, deadline=ANSWER)
        except LoginRefused as refused:
            answers[name] = f"{refused.outcome.code}, {'open' if refused.session else 'closed'}"
            if refused.session is not None:
                _trespass(scenario, device, name, place)
        else:
            answers[name] = "let in"
            _trespass(scenario, device, name, place)
    _end(devices.values())
    return answers


def try_operations_after_expiry(
    scenario: Scenario, intruder: str, victim: str, *, meanwhile: AbstractContextManager[None] | None = None
) -> dict[str, str]:
    """Tries each operation on a session whose token has expired meanwhile, and to log in with that token again.

    Each session is used before, so it is known to work. A session that the server ended at the end of its token has
    given its answer.

    Args:
        scenario: Whose devices these are.
        intruder: Who tries.
        victim: Whose conversations and presence are the object.
        meanwhile: What holds from when the sessions were used until all of them were tried.

    Returns:
        For each operation what had become of its session by then.

    Raises:
        NotTried: Nobody signs tokens that end soon.
    """
    if not scenario.target.odd_tokens:
        raise NotTried("the target has no issuer that signs a token which ends in seconds")
    leeway = seconds(scenario.target.promises.get("token_leeway")) or 0.0
    place = _place(scenario, intruder, victim)
    devices = _devices(scenario, intruder, "expired", place)
    tokens = {}
    for name, device in devices.items():
        tokens[name] = token_of(scenario, device.user, {"lifetime": str(LIFETIME - math.floor(leeway))})
        device.connect(credential=Credential(device.account.user, token=tokens[name]))
    _use(scenario, devices.values(), place)
    end = max(end_of(token) for token in tokens.values()) + leeway
    with meanwhile or nullcontext():
        # A server that keeps its word ends them; of one that does not, nothing may be asked before the tokens are over.
        scenario.signal.wait_until(
            lambda: not any(device.connected for device in devices.values()),
            Deadline(max(0.0, end - time.time())),
        )
        for device in devices.values():
            administering.note_expiry(scenario, device)
        found = {name: device.state for name, device in devices.items()}
        for name, device in devices.items():
            _trespass(scenario, device, name, place)
        _end(devices.values())
    for name, token in tokens.items():
        shown = Credential(devices[name].account.user, token=token)
        false = FalseCredential(f"expired-token-of-{name}", CredentialKind.EXPIRED, shown)
        attempt(scenario, intruder, victim, false)
    return found


def try_operations_after_revocation(
    scenario: Scenario, administrator: administering.Administrator, intruder: str, victim: str
) -> dict[str, str]:
    """Tries each operation on a session whose device was revoked meanwhile, and to log in with its token again.

    Returns:
        For each operation what had become of its session by then.
    """
    place = _place(scenario, intruder, victim)
    devices = _devices(scenario, intruder, "revoked", place)
    shown = {}
    for name, device in devices.items():
        shown[name] = scenario.target.credential(device.account, device.device)
        device.connect()
    _use(scenario, devices.values(), place)
    found = {}
    for name, device in devices.items():
        administering.revoke_device(scenario, administrator, device)
        found[name] = device.state
        _trespass(scenario, device, name, place)
    _end(devices.values())
    for name, credential in shown.items():
        false = FalseCredential(
            f"revoked-token-of-{name}", CredentialKind.REVOKED, credential, device=devices[name].device
        )
        attempt(scenario, intruder, victim, false)
    for device in devices.values():
        # What the devices show from now on must be newer than the revocation.
        scenario.target.credential(device.account, device.device, fresh=True)
    return found


def _place(scenario: Scenario, intruder: str, victim: str) -> Place:
    """Where the intruder and the victim meet; in a group as well where one was made."""
    groups = (made for made in scenario.conversations.values() if made.group)
    group = next((one for one in groups if intruder in one.members), None)
    return Place(victim, group, scenario.user(victim).account.user)


def _devices(scenario: Scenario, intruder: str, why: str, place: Place) -> Mapping[str, Device]:
    """A device of the intruder for each operation that can be tried."""
    names = [
        name
        for name in _OPERATIONS
        if scenario.can(Operation[name.upper()]) and (place.group is not None or name not in IN_GROUPS)
    ]
    # Where one session of a user ends the other one, each needs a person of its own.
    shared = Capability.OWN_DEVICES in scenario.driver.capabilities
    return {
        name: scenario.device(f"{intruder if shared else f'{intruder}-{name}'}/{why}-{name}")
        for name in names
    }


def _use(scenario: Scenario, devices: Iterable[Device], place: Place) -> None:
    """Uses each session once while it is in order: without that a refusal later shows nothing."""
    sent = [device.send(_direct(device, place)) for device in devices]
    scenario.wait_until_answered(sent)
    unheard = [one for one in sent if not one.taken]
    if unheard:
        raise AssertionError(
            f"Expected every session to work while its token is good; {len(unheard)} of {len(sent)} sends were not "
            f"acknowledged, the first one of {min(unheard[0].tried_by)}."
        )


def _trespass(scenario: Scenario, device: Device, name: str, place: Place) -> None:
    begun = _OPERATIONS[name](device, place)
    scenario.trespasses.append(Trespass(device.name, name, begun))


def _end(devices: Iterable[Device]) -> None:
    """Waits for what the server answers, then leaves without a goodbye."""
    for device in devices:
        if device.epoch is not None:
            device.wait_until_idle(deadline=ANSWER)
            device.cut()


Act = Callable[["Device", Place], "Sending | Call | None"]


def _direct(device: Device, place: Place) -> Conversation:
    """The conversation of a device's user with the victim."""
    return device.scenario.direct(device.user, place.victim)


def _send(device: Device, place: Place) -> Sending:
    return device.send(_direct(device, place))


def _type(device: Device, place: Place) -> None:
    device.typing(_direct(device, place))


def _call(operation: Operation, start: Callable[[Session, int, str, str], None], **details: int) -> Act:
    """An operation that is begun and not waited for; it is told the conversation and the victim's account."""

    def act(device: Device, place: Place) -> Call:
        epoch, session = device.usable()
        thread = place.group if operation in _IN_GROUPS and place.group else _direct(device, place)
        about = device.user if operation is Operation.LEAVE else place.victim
        call = epoch.calling(
            operation,
            conversation=thread.name,
            user=about if operation in _ABOUT_SOMEBODY else "",
            **details,
        )
        start(session, call.operation, thread.server_name, place.account)
        return call

    return act


_IN_GROUPS: Final = frozenset({Operation.ADD, Operation.REMOVE, Operation.LEAVE, Operation.ROSTER})
_ABOUT_SOMEBODY: Final = frozenset(
    {
        *(Operation.PRESENCE, Operation.WATCH, Operation.BLOCK, Operation.UNBLOCK),
        *(Operation.ADD, Operation.REMOVE, Operation.LEAVE),
    }
)

IN_GROUPS: Final = frozenset(one.name.lower() for one in _IN_GROUPS)
"""The operations that need a group."""

_OPERATIONS: Final[dict[str, Act]] = {
    "send": _send,
    "typing": _type,
    "sync": _call(Operation.SYNC, lambda session, number, _, __: session.sync(number, 0, 10), value=0),
    "presence": _call(Operation.PRESENCE, lambda session, number, _, user: session.presence(number, user)),
    "watch": _call(Operation.WATCH, lambda session, number, _, user: session.watch(number, [user])),
    "read": _call(
        Operation.READ, lambda session, number, thread, _: session.mark_read(number, thread, 1), value=1
    ),
    "markers": _call(Operation.MARKERS, lambda session, number, thread, _: session.markers(number, thread)),
    "create": _call(
        Operation.CREATE, lambda session, number, _, user: session.create_group(number, "stolen", [user])
    ),
    "roster": _call(
        Operation.ROSTER, lambda session, number, thread, _: session.group_members(number, thread)
    ),
    "add": _call(
        Operation.ADD, lambda session, number, thread, user: session.add_member(number, thread, user)
    ),
    "remove": _call(
        Operation.REMOVE, lambda session, number, thread, user: session.remove_member(number, thread, user)
    ),
    "leave": _call(Operation.LEAVE, lambda session, number, thread, _: session.leave_group(number, thread)),
    "block": _call(Operation.BLOCK, lambda session, number, _, user: session.block(number, user)),
    "unblock": _call(Operation.UNBLOCK, lambda session, number, _, user: session.unblock(number, user)),
    "blocked": _call(Operation.BLOCKED, lambda session, number, _, __: session.blocked(number)),
}
"""Every operation of the contract but the acknowledgement of what nobody was given, begun on a session."""
