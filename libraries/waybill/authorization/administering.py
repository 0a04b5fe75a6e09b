"""Every request of administration, made by everybody about everybody."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from waybill.authorization import acts, table
from waybill.authorization.acts import NotTried
from waybill.authorization.checked import Trial
from waybill.authorization.office import Office, Subject, session_of, sessions_in
from waybill.authorization.people import online
from waybill.authorization.table import Case
from waybill.devices.waiting import Deadline
from waybill.drivers.base import Credential, Outcome
from waybill.history.events import Completion

if TYPE_CHECKING:
    from waybill.devices.device import Device
    from waybill.devices.scenario import Scenario
    from waybill.tokens.obtain import TokenClient

ENDED: Final = 5.0
"""Seconds for a session to end after the confirmation that it will."""

ROLE_OF: Final = {"a-user": "user", "a-moderator": "moderator", "an-admin": "admin"}
"""The role of whom a target is about."""


class Bureau:
    """Callers of every role, and sessions of every role that requests are about.

    Args:
        scenario: The scenario.
        office: Where requests go.
        sender: Somebody who writes to the recipient, to see whether a rule holds.
        recipient: Whom rules are about.
    """

    def __init__(self, scenario: Scenario, office: Office, sender: str, recipient: str) -> None:
        self.scenario = scenario
        self.office = office
        self.sender, self.recipient = online(scenario, sender), online(scenario, recipient)
        self.callers = {role: self.person(role) for role in ("user", "moderator", "admin")}
        self._fresh = itertools.count(1)

    def person(self, role: str, purpose: str = "caller") -> str:
        """Somebody with a role; who is new is invited.

        Raises:
            NotTried: The target has no such account.
        """
        name = f"{role}-{purpose}"
        if name not in self.scenario.users:
            online(self.scenario, name, "" if role == "user" else role).close()
            # Whoever is revoked altogether must not be waited for at the end.
            del self.scenario.users[name].devices["phone"]
        return name

    def token(self, person: str, device: str = "desk") -> str:
        """A fresh genuine token of a person, which is good for whoever holds it."""
        account = self.scenario.users[person].account
        return self.scenario.target.credential(account, device, fresh=True, bound=False).token

    def subject(self, person: str) -> Subject:
        """A new session of a person, on a device that no request was about before."""
        name = f"case-{next(self._fresh):03d}"
        device = self.scenario.user(person, [name]).devices[name]
        token = self.token(person, name)
        device.connect(credential=Credential(device.account.user, token=token))
        return Subject(device, token)

    def leave(self, subject: Subject) -> None:
        """Ends a session; the device is no more, so that nobody waits for what it can no longer be given."""
        subject.device.close()
        del self.scenario.users[subject.device.user].devices[subject.device.device]

    def whom(self, case: Case) -> str:
        """Whom a case is about. Whoever may be revoked altogether is somebody whom no other case needs."""
        role = ROLE_OF.get(case.target, case.person)
        if case.operation == "revoke_user":
            return self.person(role, f"gone-{case.target}-{case.person}")
        return self.callers[role] if case.target == "oneself" else self.person(role, "other")

    def ask(self, operation: str, token: str, values: dict[str, str]) -> Outcome:
        """Makes one request.

        Raises:
            NotTried: The target file does not tell how.
        """
        if operation not in self.office.operations:
            raise NotTried(f"the target {self.scenario.target.name} does not tell how to {operation}")
        return self.office.ask(operation, token, values)

    def rule(self, operation: str, token: str) -> Outcome:
        """Forbids, or allows again, the sender to write to the recipient."""
        values = {"sender": self.sender.account.user, "recipient": self.recipient.account.user}
        return self.ask(operation, token, values)

    def may_write(self) -> bool:
        """Whether the sender's messages get to the recipient."""
        return acts.send(
            self.sender, self.scenario.direct(self.sender.user, self.recipient.user)
        ).acknowledged


def try_administration(scenario: Scenario, office: Office, sender: str, recipient: str) -> Trial:
    """Tries every case of the part `administration`."""
    trial = Trial()
    cases = table.part("administration").cases()
    try:
        if not office.operations:
            raise NotTried(f"the target {scenario.target.name} has no administration")
        bureau = Bureau(scenario, office, sender, recipient)
    except NotTried as reason:
        for case in cases:
            trial.skipped(case, str(reason))
        return trial
    # Whoever is revoked altogether cannot be asked about any more.
    for case in sorted(cases, key=lambda case: case.operation == "revoke_user"):
        with _or_skipped(trial, case):
            if case.target == "everybody":
                trial.saw(case, *_about_everybody(bureau, case))
            else:
                trial.saw(case, *_about_somebody(bureau, case))
    return trial


@contextlib.contextmanager
def _or_skipped(trial: Trial, case: Case) -> Iterator[None]:
    """Notes a case that cannot be tried."""
    try:
        yield
    except NotTried as reason:
        trial.skipped(case, str(reason))


Seen = tuple[bool | None, str]
"""Whether it took effect, and what was seen."""


def _about_somebody(bureau: Bureau, case: Case) -> Seen:
    person = bureau.whom(case)
    subject = bureau.subject(person)
    try:
        caller = person if case.target == "oneself" else bureau.callers.get(case.person, "")
        token = bureau.token(caller) if caller else ""
        return request(bureau, case.operation, token, subject)
    finally:
        bureau.leave(subject)


def request(bureau: Bureau, operation: str, token: str, subject: Subject) -> Seen:
    """Makes a request about a session and looks at what became of the session."""
    session = ""
    if operation == "end_session":
        session = session_of(bureau.office, bureau.token(bureau.callers["admin"]), subject)
    outcome = bureau.ask(operation, token, subject.values(session))
    said = outcome.code or "done"
    if outcome.completion is not Completion.OK:
        over = not _goes_on(subject.device)
        return over, f"{said}{', and the session ended' if over else ''}"
    if operation == "list_sessions":
        names = [one.get("device") for one in sessions_in(outcome)]
        listed = subject.device.device in names
        return listed, "listed" if listed else f"answered, and the session is not among {len(names)}"
    epoch = subject.device.epoch
    assert epoch is not None
    over = subject.device.signal.wait_until(lambda: epoch.over is not None, Deadline(ENDED))
    return over, f"ended: {epoch.reason}" if over else "confirmed, and the session goes on"


def _goes_on(device: Device) -> bool:
    """Whether a session is still answered."""
    if device.connected:
        acts.round_trip(device)
    return device.connected


def _about_everybody(bureau: Bureau, case: Case) -> Seen:
    caller = bureau.callers.get(case.person, "")
    token = bureau.token(caller) if caller else ""
    match case.operation:
        case "forbid":
            return rule(bureau, token)
        case "allow":
            bureau.rule("forbid", bureau.token(bureau.callers["admin"]))
            outcome = bureau.rule("allow", token)
            seen = bureau.may_write(), outcome.code or "done"
            if not seen[0]:
                bureau.rule("allow", bureau.token(bureau.callers["admin"]))
            return seen
        case "rotate_key":
            return _rotated(bureau, token)
        case _:
            outcome = bureau.ask(case.operation, token, {})
            return outcome.completion is Completion.OK, outcome.code or "done"


def rule(bureau: Bureau, token: str) -> Seen:
    """Forbids messages and looks whether one still gets there; the rule is taken away again."""
    outcome = bureau.rule("forbid", token)
    seen = not bureau.may_write(), outcome.code or "done"
    if seen[0]:
        bureau.rule("allow", bureau.token(bureau.callers["admin"]))
    return seen


def _kids(issuer: TokenClient) -> set[str]:
    published = issuer.keys()
    return {str(key.get("kid")) for key in published}


def _rotated(bureau: Bureau, token: str) -> Seen:
    issuer = bureau.scenario.target.issuer
    if issuer is None:
        raise NotTried("the target's devices show no tokens")
    before = _kids(issuer)
    outcome = bureau.ask("rotate_key", token, {})
    new = _kids(issuer) - before
    return bool(new), f"{outcome.code or 'done'}, {len(new)} new keys"
