"""Rotations of the key that tokens are signed with in the middle of traffic, and what keys are worth afterwards."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from waybill.devices import administering, crowd, forging
from waybill.devices.intrusion import ANSWER, Attempt
from waybill.devices.revoking import show
from waybill.devices.together import together
from waybill.devices.waiting import Deadline, DeadlinePassed, Signal
from waybill.drivers.base import Credential
from waybill.history.events import Completion, CredentialKind
from waybill.history.promises import seconds
from waybill.tokens.reading import key_id

if TYPE_CHECKING:
    from waybill.devices.administering import Administrator
    from waybill.devices.device import Device
    from waybill.devices.scenario import Scenario

RATE: Final = 5.0
"""Messages per second of each writer."""
GUESTS: Final = ("guest-1", "guest-2", "guest-3")
"""Who logs in around each rotation, and writes to each other."""
BETWEEN: Final = 0.05
"""Seconds between two looks at the issuer's keys."""


class ValidRefused(AssertionError):
    """A token in order did not open a session that could be used."""


class GraceOver(Exception):
    """The grace of a retired key was over before its tokens could be tried: nothing is shown about the server."""


class KeyNotChanged(AssertionError):
    """After a rotation the issuer still signs with the key of before, or never stops to publish a retired one."""


@dataclass(frozen=True, slots=True)
class Retired:
    """A token of a key that signs no more.

    Attributes:
        device: Whose it is.
        credential: The token, with the key that it is bound to.
        key: The id (`kid`) of the key that signed it.
    """

    device: Device
    credential: Credential
    key: str


class Rotations:
    """Rotations of the signing key while a crowd writes.

    Attributes:
        crowd: Devices that are online all the time.
        done: How many rotations were confirmed.
        refused: Which tokens in order opened no session that could be used: who showed them, and the answer.
        retired: Tokens of the keys that sign no more.
    """

    def __init__(self, scenario: Scenario, administrator: Administrator, people: Sequence[str]) -> None:
        self._scenario = scenario
        self._administrator = administrator
        self._issuer = forging.issuer_of(scenario)
        self._grace = seconds(scenario.target.promises.get("rotation_grace")) or 0.0
        routes = crowd.ring(scenario, people)
        self.crowd = [device for person in people for device in scenario.user(person, ()).devices.values()]
        self._routes = [(device, routes[device.user]) for device in self.crowd]
        self._conversations = crowd.ring(scenario, GUESTS)
        self._before: dict[Device, int] = {}
        self.done = 0
        self.refused: list[str] = []
        self.retired: list[Retired] = []

    def begin_traffic(self, *, deadline: float) -> None:
        """Lets the crowd write; returns when each of them got a message through."""
        crowd.write(self._routes, rate=RATE, deadline=deadline)
        self._before = crowd.counted(self.crowd)

    def rotate(self) -> None:
        """Rotates once. Right afterwards, all at once, every guest logs in with a token of the new key, and with one of
        the old key where the target promises a grace for it.

        Raises:
            KeyNotChanged: A token from afterwards is signed by the key of before.
            GraceOver: The grace was over before all of them had logged in.
        """
        number = self.done + 1
        before = self._of_guests(f"before-{number}")
        old = {device: self._fresh(device) for device in before}
        administering.rotate_key(self._scenario, self._administrator)
        confirmed = time.monotonic()
        self.done = number
        self.retired += [Retired(device, shown, key_id(shown.token)) for device, shown in old.items()]
        retired = {one.key for one in self.retired}

        def try_one(device: Device) -> None:
            if device in old:
                self._get_in(
                    device, old[device], f"the old key, after rotation {number}", confirmed + self._grace
                )
                return
            shown = self._fresh(device)
            if key_id(shown.token) in retired:
                raise KeyNotChanged(
                    f"Expected the issuer to sign with another key after rotation {number}; a token from afterwards is "
                    f"signed by {key_id(shown.token) or 'a key without an id'} as those before."
                )
            self._get_in(device, shown, f"the new key, after rotation {number}")

        after = self._of_guests(f"after-{number}")
        together([*(before if self._grace else ()), *after], try_one)

    def require_none_refused(self) -> None:
        """Says which tokens in order did not open a session, or one that ended before it got a message through.

        Raises:
            ValidRefused: There were some.
        """
        if self.refused:
            raise ValidRefused(
                f"Expected every token in order to open a session that lasts; {len(self.refused)} did not: "
                f"{'; '.join(self.refused[:5])}."
            )

    def wait_until_retired(self, *, deadline: float) -> float:
        """Waits until no retired key can count any more: the issuer publishes none of them, and whatever it published
        before is older than it may be kept. Returns the seconds that a key set may be kept.

        Raises:
            KeyNotChanged: The issuer still publishes one when the grace and the deadline have passed.
        """
        keys = {one.key for one in self.retired}
        kept = self._issuer.keys_age()
        limit = Deadline(self._grace + deadline)
        gone = None
        while gone is None or time.monotonic() < gone + kept:
            offered = self._issuer.keys()
            published = {str(key.get("kid", "")) for key in offered}
            if keys & published:
                gone = None
                if limit.passed:
                    raise KeyNotChanged(
                        f"Expected the issuer to publish a retired key no longer than {self._grace:g} s; "
                        f"{deadline:g} s later it still publishes {', '.join(sorted(keys & published))}."
                    )
            elif gone is None:
                gone = time.monotonic()
            Signal().wait_until(lambda: False, Deadline(BETWEEN))
        return kept

    def show_retired(self) -> list[Attempt]:
        """Shows every token of a retired key to every node, and something that never was a token beside it."""
        made = [
            show(one.device, self._conversations, one.credential, name, CredentialKind.EXPIRED, node)
            for node in self._scenario.target.nodes
            for one in self.retired
            for name in (f"retired-{one.device.name}-{node}",)
        ]
        device = self.retired[0].device
        nonsense = Credential(device.account.user, token="retired")
        show(device, self._conversations, nonsense, "no-token", CredentialKind.FORGED)
        return made

    def renew_everybody(self) -> None:
        """Everybody has a new token for the next login; those of the guests must open a session."""
        crowd.renew(self._scenario.devices)
        for one in self.retired:
            credential = self._scenario.target.credential(one.device.account, one.device.device)
            self._get_in(one.device, credential, "the newest key, after the grace")

    def require_crowd_untouched(self, *, deadline: float) -> None:
        """Says what those noticed who were online all the time."""
        crowd.require_untouched(self.crowd, self._before, deadline=deadline)

    # -- inside ----------------------------------------------------------------------------------------------

    def _of_guests(self, name: str) -> list[Device]:
        return [self._scenario.user(guest, [name]).devices[name] for guest in GUESTS]

    def _fresh(self, device: Device) -> Credential:
        return self._scenario.target.credential(device.account, device.device, fresh=True)

    def _get_in(self, device: Device, shown: Credential, what: str, until: float | None = None) -> None:
        """Logs a guest in, sends one message and leaves; a refusal counts, and so does a session that is of no use."""
        outcome = device.try_connect(credential=shown, deadline=ANSWER)
        if outcome.completion is Completion.OK:
            sent = device.send(self._conversations[device.user])
            with contextlib.suppress(DeadlinePassed):
                self._scenario.wait_until_answered([sent], deadline=ANSWER)
            if not sent.taken:
                self.refused.append(f"{device.name} with {what}: it ended without an answer ({device.state})")
            device.close()
        elif until is not None and time.monotonic() > until:
            raise GraceOver(
                f"The grace of {self._grace:g} s was over before {device.name} had its answer, so its refusal shows "
                f"nothing. Promise a longer grace, or run on a faster machine."
            )
        else:
            self.refused.append(f"{device.name} with {what}: {outcome.code} {outcome.text}".rstrip())
