"""Attempts to get in with credentials that are not genuine.

Each attempt is recorded as a session of its own whose credential is known to be bad. Whatever succeeds on such a
session is a finding of the checker; nothing here decides.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from waybill.devices.waiting import DeadlinePassed
from waybill.drivers.base import Credential, Outcome, Overheard
from waybill.history.events import Completion, CredentialKind

if TYPE_CHECKING:
    from waybill.devices.scenario import Scenario
    from waybill.devices.sending import Sending

ANSWER = 5.0
"""Seconds for a server to refuse or to end a connection."""


@dataclass(frozen=True, slots=True)
class FalseCredential:
    """One thing to show at login that must not work.

    Attributes:
        id: Its name, which is that of the device that shows it, too.
        kind: How the history names it.
        credential: What is shown.
        outsize: It is larger than what a server has to read, so that the end of the connection is an answer too.
        device: The device that it is shown as; empty for one with its own name.
        replay: What is said in place of a login, as it was overheard; None for a login with the credential.
    """

    id: str
    kind: CredentialKind
    credential: Credential
    outsize: bool = False
    device: str = ""
    replay: Overheard | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of one false credential.

    Attributes:
        false: What was shown.
        outcome: How the login ended.
        seconds: How long that took, from the connection on.
        sent: What the session that should not exist sent in the victim's name.
    """

    false: FalseCredential
    outcome: Outcome
    seconds: float
    sent: Sending | None = None

    @property
    def got_in(self) -> bool:
        """It got a session."""
        return self.outcome.completion is Completion.OK

    @property
    def refused(self) -> bool:
        """The server said no. An end of the connection without a word says nothing."""
        return self.outcome.completion is Completion.FAIL


def attempt(scenario: Scenario, intruder: str, victim: str, false: FalseCredential) -> Attempt:
    """Shows a false credential once, on a connection of its own.

    A session that should not exist is used at once: the intruder sends a message in the victim's name. In the history
    all of them are devices of one more person, `mallory-as-bob`, who has no conversations but with the victim. Who was
    refused leaves no device behind that would have to be read to its end.
    """
    impostor = f"{intruder}-as-{victim}"
    person = scenario.user(impostor, [false.id])
    device = person.devices[false.id]
    begun = time.perf_counter()
    outcome = device.try_connect(
        credential=false.credential,
        kind=false.kind,
        called=false.device or None,
        replay=false.replay,
        deadline=ANSWER,
    )
    seconds = time.perf_counter() - begun
    sent = None
    if outcome.completion is Completion.OK:
        sent = device.send(scenario.direct(impostor, victim))
        with contextlib.suppress(DeadlinePassed):
            scenario.wait_until_answered([sent], deadline=ANSWER)
        device.close()
    else:
        del person.devices[false.id]
    made = Attempt(false, outcome, seconds, sent)
    scenario.attempts.append(made)
    return made


def false_passwords(genuine: Credential, victim: str) -> list[FalseCredential]:
    """Everything false that can be made from an attacker's own password, against a victim's account."""
    passwords = {
        "no-password": "",
        "the-account-as-password": victim,
        "password-of-another-account": genuine.password,
        "password-in-capitals": genuine.password.upper() + "A",
        "half-a-password": genuine.password[: len(genuine.password) // 2],
        "password-with-nul": genuine.password + "\0",
        "very-long-password": "x" * 4096,
        "the-word-null": "null",
        "a-quote": "' OR '1'='1",
        "a-line-break": "\r\n",
    }
    nobody = FalseCredential("neither-account-nor-password", CredentialKind.NONE, Credential(""))
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
