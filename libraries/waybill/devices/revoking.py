"""Revocations in the middle of traffic: what becomes of those whom they concern, and of everybody else."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from waybill.devices import administering, crowd
from waybill.devices.intrusion import ANSWER, Attempt, FalseCredential
from waybill.devices.waiting import Deadline, DeadlinePassed, some
from waybill.drivers.base import Credential, LoginRefused
from waybill.history.events import Completion, CredentialKind, End
from waybill.history.promises import seconds
from waybill.tokens.obtain import TokenRefused

if TYPE_CHECKING:
    from waybill.devices.administering import Administrator
    from waybill.devices.conversation import Conversation
    from waybill.devices.device import Device
    from waybill.devices.epoch import Epoch
    from waybill.devices.scenario import Scenario

RATE: Final = 3.0
"""Messages per second of each writer, of whom there are many."""
IN_FLIGHT: Final = 5
"""Messages that a device sends right before it is revoked, so that some are under way at that moment."""
EVERYTHING: Final = 5
"""Of so many revocations one is of everything that a person has; the others are of devices and of tokens in turn."""
WRITERS: Final = 0.5
"""The share of those whom nothing concerns that write, on one device each."""
REASON: Final = "revoked"


class NotEnded(AssertionError):
    """A session that lives on something revoked goes on, or ended for another reason."""


class LateOperations(AssertionError):
    """Something worked that was begun after a revocation was confirmed, and later than the promised bound."""


@dataclass(slots=True)
class Revoked:
    """A device that is to be out.

    Attributes:
        device: The device.
        shown: What it logged in with.
        epoch: The session that it had.
        begun: How many sends it had begun when nothing more was to work.
        seconds: From the confirmation to the end of the session, as the device saw it.
        late: How many sends worked that it began later.
        refresh: What the issuer gave along with what it logged in with, to get the next token; empty for nothing.
    """

    device: Device
    shown: Credential
    epoch: Epoch
    begun: int = 0
    seconds: float = 0.0
    late: int = 0
    refresh: str = field(default="", repr=False)


class Revocations:
    """Revocations of tokens, of devices and of people among a crowd that writes.

    The seed chooses whom they concern, and who else writes.

    Attributes:
        revoked: Every device that is out, in the order of the revocations.
        confirmed: How many revocations were confirmed.
        refresh_tokens: The refresh tokens that were shown to the issuer.
        sessions: How many sessions there were when it began.
    """

    def __init__(
        self, scenario: Scenario, administrator: Administrator, people: Sequence[str], count: int
    ) -> None:
        """Chooses whom the revocations concern.

        Raises:
            ValueError: There are not enough people, or some of them are not online.
        """
        if count >= len(people):
            raise ValueError(f"{count} revocations need more than {count} people, found {len(people)}.")
        self._scenario = scenario
        self._administrator = administrator
        self._bound = seconds(scenario.target.promises.get("revocation_bound")) or 0.0
        self._conversations = crowd.ring(scenario, people)
        everybody = [device for person in people for device in scenario.user(person, ()).devices.values()]
        away = [device.name for device in everybody if not device.connected]
        if away:
            raise ValueError(f"Whoever is revoked must be online; these are not: {some(away)}.")
        drawn = list(people)
        scenario.random.shuffle(drawn)
        self._chosen = [self._choice(person, number) for number, person in enumerate(drawn[:count])]
        concerned = {device for _, devices in self._chosen for device in devices}
        self.others = [device for device in everybody if device not in concerned]
        unconcerned = drawn[count:][: max(1, int((len(people) - count) * WRITERS))]
        self._writers = [next(iter(scenario.users[person].devices.values())) for person in unconcerned]
        self._before: dict[Device, int] = {}
        self.revoked: list[Revoked] = []
        self.refresh_tokens: set[str] = set()
        self.confirmed = 0
        self.sessions = len(everybody)

    @property
    def late(self) -> int:
        """How many sends worked that were begun when they should not have worked any more."""
        return sum(one.late for one in self.revoked)

    @property
    def slowest(self) -> float:
        """The longest time from a confirmation to the end of a session that it concerned, in milliseconds."""
        return max((one.seconds for one in self.revoked), default=0.0) * 1000

    def begin_traffic(self, *, rate: float = RATE, deadline: float) -> None:
        """Lets everybody write whom a revocation concerns, and some of the others, each so many messages per second;
        returns when all of them got a message through."""
        writers = [devices[0] for _, devices in self._chosen] + self._writers
        crowd.write(((one, self._conversations[one.user]) for one in writers), rate=rate, deadline=deadline)
        self._before = crowd.counted(self._writers)

    def revoke_in_turn(self, *, deadline: float) -> None:
        """Revokes one after the other, and looks at once whether those whom it concerns are out.

        Each of them has sends under way when it is revoked, and sends again as soon as the revocation is confirmed or
        the promised bound has passed.

        Raises:
            LateOperations: Something that was begun later worked.
            NotEnded: A session goes on, or ended for another reason.
        """
        for operation, devices in self._chosen:
            target = self._scenario.target
            mine = [
                Revoked(
                    one,
                    target.credential(one.account, one.device),
                    one.usable()[0],
                    refresh=target.refresh_token(one.account, one.device),
                )
                for one in devices
            ]
            for one in devices:
                one.send_many(self._conversations[one.user], IN_FLIGHT)
            self._ask(operation, devices[0])
            confirmed = time.monotonic()
            self.confirmed += 1
            self.revoked += mine
            self._require_out(mine, confirmed, deadline)
        self._scenario.stop_sending([one.device for one in self.revoked], deadline=deadline)

    def show_again(self) -> list[Attempt]:
        """Shows to every node what the revoked devices had logged in with, to one node what the issuer still gives for
        the refresh tokens that came with it, and something that never was a token beside it; whatever session that
        opens is used at once."""
        made = [
            show(one.device, self._conversations, one.shown, name, CredentialKind.REVOKED, node)
            for node in self._scenario.target.nodes
            for one in self.revoked
            for name in (f"revoked-{one.device.name}-{node}",)
        ]
        made += self._show_refreshed()
        first = self.revoked[0].device
        nonsense = Credential(first.account.user, token=REASON)
        return [*made, show(first, self._conversations, nonsense, "no-token", CredentialKind.FORGED)]

    def get_in_again(self, *, deadline: float) -> None:
        """Every revoked device logs in with a new credential, and gets a message through.

        Raises:
            AssertionError: One was refused.
        """
        devices = [one.device for one in self.revoked]
        crowd.renew(devices)
        try:
            crowd.arrive(devices)
        except LoginRefused as refused:
            raise AssertionError(
                f"Expected whoever was revoked to get in with a token from afterwards; one was refused: {refused}"
            ) from None
        sent = [device.send(self._conversations[device.user]) for device in devices]
        self._scenario.wait_until_acknowledged(sent, deadline=deadline)

    def require_others_untouched(self, *, deadline: float) -> None:
        """Says what those noticed whom no revocation concerned."""
        crowd.require_untouched(self.others, self._before, deadline=deadline)

    def come_back(self) -> None:
        """Everybody without a session logs in."""
        crowd.arrive([*self.others, *(one.device for one in self.revoked)])

    # -- inside ----------------------------------------------------------------------------------------------

    def _show_refreshed(self) -> list[Attempt]:
        """Asks the issuer for the next token of every device that is out, and shows what it gives."""
        issuer, made = self._scenario.target.issuer, []
        for one in self.revoked:
            if issuer is None or not one.refresh:
                continue
            self.refresh_tokens.add(one.refresh)
            try:
                token = issuer.refresh(one.refresh)
            except TokenRefused:
                continue
            shown = Credential(one.device.account.user, token=token.text, key=one.shown.key)
            name = f"refreshed-{one.device.name}"
            made.append(show(one.device, self._conversations, shown, name, CredentialKind.REVOKED))
        return made

    def _choice(self, person: str, number: int) -> tuple[str, list[Device]]:
        devices = list(self._scenario.user(person, ()).devices.values())
        if number % EVERYTHING == 0:
            return "revoke_user", devices
        operation = "revoke_device" if number % 2 else "revoke_token"
        return operation, [self._scenario.random.choice(devices)]

    def _ask(self, operation: str, device: Device) -> None:
        if operation == "revoke_user":
            administering.revoke_user(self._scenario, self._administrator, device.user)
        elif operation == "revoke_device":
            administering.revoke_device(self._scenario, self._administrator, device)
        else:
            administering.revoke_token(self._scenario, self._administrator, device)

    def _require_out(self, revoked: Sequence[Revoked], confirmed: float, deadline: float) -> None:
        bound = Deadline(max(0.0, confirmed + self._bound - time.monotonic()))
        for one in revoked:
            if self._bound:
                _wait_for_end(one, bound)
            one.begun = len(one.device.sent)
        for one in revoked:
            one.device.send(self._conversations[one.device.user])
        limit = Deadline(deadline)
        for one in revoked:
            _wait_for_end(one, limit)
            one.seconds = time.monotonic() - confirmed
            one.late = sum(sending.acknowledged for sending in one.device.sent[one.begun :])
        _require_nothing_late(revoked, self._bound)
        _require_ended(revoked, deadline)


def show(
    device: Device,
    conversations: dict[str, Conversation],
    credential: Credential,
    name: str,
    kind: CredentialKind,
    node: str | None = None,
) -> Attempt:
    """A device shows something that must not work any more, once; a session that should not exist is used at once.

    What it is bound to, the device's name and key, is right: nothing is wrong with it but what its kind says.
    """
    if device.epoch is not None:
        _wait_for_end(Revoked(device, credential, device.epoch), Deadline(ANSWER))
    begun = time.perf_counter()
    outcome = device.try_connect(node, credential=credential, kind=kind, deadline=ANSWER)
    took = time.perf_counter() - begun
    sent = None
    if outcome.completion is Completion.OK:
        sent = device.send(conversations[device.user])
        with contextlib.suppress(DeadlinePassed):
            device.scenario.wait_until_answered([sent], deadline=ANSWER)
        device.close()
    made = Attempt(FalseCredential(name, kind, credential), outcome, took, sent)
    device.scenario.attempts.append(made)
    return made


def _wait_for_end(one: Revoked, deadline: Deadline) -> bool:
    return one.device.signal.wait_until(lambda: one.epoch.over is not None, deadline)


def _require_nothing_late(revoked: Iterable[Revoked], bound: float) -> None:
    late = [one for one in revoked if one.late]
    if late:
        promised = f" and the {bound:g} s of the promise had passed" if bound else ""
        raise LateOperations(
            f"Expected that nothing works that a device begins after the revocation was confirmed{promised}; found "
            + ", ".join(f"{one.late} acknowledged sends of {one.device.name}" for one in late)
            + "."
        )


def _require_ended(revoked: Iterable[Revoked], deadline: float) -> None:
    for one in revoked:
        if one.epoch.over is None:
            raise NotEnded(
                f"Expected the session of {one.device.name} to end; {deadline:g} s after the revocation was confirmed "
                f"it goes on."
            )
        # A protocol without words for the end of a session may have said why before it.
        if one.epoch.over not in (End.REFUSED, End.LOST) or REASON not in one.epoch.reason:
            said = f": {one.epoch.reason}" if one.epoch.reason else ""
            raise NotEnded(
                f"Expected the server to end the session of {one.device.name} and to say '{REASON}'; after the "
                f"revocation was confirmed it was {one.epoch.over.name.lower()}{said}."
            )
