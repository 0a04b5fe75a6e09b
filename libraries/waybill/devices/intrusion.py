"""Attempts to get in with credentials that are not genuine, and to do something without any.

Each attempt is recorded as a session of its own whose credential is known to be bad. Whatever succeeds on such a
session is a finding of the checker; nothing here decides.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from waybill.devices.waiting import DeadlinePassed
from waybill.drivers.base import Credential, Session
from waybill.history.events import Completion, CredentialKind, Operation
from waybill.tokens.forge import forgeries, not_even_tokens

if TYPE_CHECKING:
    from waybill.devices.conversation import Conversation
    from waybill.devices.device import Device
    from waybill.devices.scenario import Scenario

ANSWER = 5.0
"""Seconds for a server to refuse or to end a connection."""


@dataclass(frozen=True, slots=True)
class FalseCredential:
    """One thing to show at login that must not work.

    Attributes:
        name: What is wrong with it.
        kind: How the history names it.
        credential: What is shown.
    """

    name: str
    kind: CredentialKind
    credential: Credential


def false_credentials(genuine: Credential, victim: str) -> list[FalseCredential]:
    """Everything false that can be made from an attacker's own genuine credential, against a victim's account."""
    if genuine.token:
        return [
            FalseCredential(
                one.name,
                CredentialKind.FORGED if one.token else CredentialKind.NONE,
                Credential(victim, token=one.token),
            )
            for one in [*forgeries(genuine.token, victim), *not_even_tokens()]
        ]
    passwords = {
        "no password": "",
        "the account's name as password": victim,
        "a password of another account": genuine.password,
        "the password in capitals": genuine.password.upper() + "A",
        "half a password": genuine.password[: len(genuine.password) // 2],
        "a password with a NUL": genuine.password + "\0",
        "a very long password": "x" * 4096,
        "the word null": "null",
        "a quote": "' OR '1'='1",
        "a line break": "\r\n",
    }
    nobody = FalseCredential("neither an account nor a password", CredentialKind.NONE, Credential(""))
    return [
        nobody,
        *(
            FalseCredential(
                name,
                CredentialKind.FORGED if password else CredentialKind.NONE,
                Credential(victim, password=password),
            )
            for name, password in passwords.items()
        ),
    ]


def try_false_credentials(scenario: Scenario, intruder: str, victim: str) -> list[str]:
    """Tries each false credential once, each on a connection of its own; returns what was tried.

    A session that should not exist is used at once: the intruder sends a message in the victim's name.
    """
    genuine = scenario.target.credential(scenario.user(intruder, ["attempt"]).account, "attempt")
    account = scenario.user(victim).account.user
    conversation = scenario.direct(intruder, victim)
    tried = []
    for number, false in enumerate(false_credentials(genuine, account), start=1):
        device = scenario.user(intruder, [f"attempt-{number:02d}"]).devices[f"attempt-{number:02d}"]
        outcome = device.try_connect(credential=false.credential, kind=false.kind, deadline=ANSWER)
        if outcome.completion is Completion.OK:
            sending = device.send(conversation)
            with contextlib.suppress(DeadlinePassed):
                scenario.wait_until_answered([sending], deadline=ANSWER)
            device.close()
        tried.append(false.name)
    return tried


def try_operations_without_login(scenario: Scenario, intruder: str, victim: str) -> list[str]:
    """Tries each operation that the protocol has on a connection that never logged in; returns what was tried."""
    possible = {name: act for name, act in _OPERATIONS.items() if scenario.can(Operation[name.upper()])}
    scenario.user(intruder, [f"nobody-{name}" for name in possible])
    conversation, account = scenario.direct(intruder, victim), scenario.user(victim).account.user
    for name, act in possible.items():
        device = scenario.device(f"{intruder}/nobody-{name}")
        outcome = device.try_connect(identify=False, kind=CredentialKind.NONE, deadline=ANSWER)
        if outcome.completion is Completion.OK:
            act(device, conversation, account)
            device.wait_until_idle(deadline=ANSWER)
            device.cut()
    return list(possible)


def _send(device: Device, conversation: Conversation, _: str) -> None:
    device.send(conversation)


def _call(
    operation: Operation, start: Callable[[Session, int, Conversation, str], None], **details: int
) -> Callable[[Device, Conversation, str], None]:
    """An operation that is begun and not waited for."""

    def act(device: Device, conversation: Conversation, account: str) -> None:
        epoch, session = device.usable()
        call = epoch.calling(operation, conversation=conversation.name, **details)
        start(session, call.operation, conversation, account)

    return act


_OPERATIONS: Final[dict[str, Callable[[Device, Conversation, str], None]]] = {
    "send": _send,
    "sync": _call(Operation.SYNC, lambda session, number, _, __: session.sync(number, 0, 10), value=0),
    "presence": _call(Operation.PRESENCE, lambda session, number, _, user: session.presence(number, user)),
    "watch": _call(Operation.WATCH, lambda session, number, _, user: session.watch(number, [user])),
    "read": _call(
        Operation.READ,
        lambda session, number, thread, _: session.mark_read(number, thread.server_name, 1),
        value=1,
    ),
    "markers": _call(
        Operation.MARKERS, lambda session, number, thread, _: session.markers(number, thread.server_name)
    ),
    "create": _call(
        Operation.CREATE, lambda session, number, _, user: session.create_group(number, "stolen", [user])
    ),
}
"""Every operation of the contract that answers, begun on a session."""
