"""Stolen tokens and overheard logins, shown from elsewhere: what a thief has, and every way to use it.

A thief is somebody who has what a device said or was given: its token, or every byte of its logins. What the thief does
not have is the device's key. A token that is good for one login is worth nothing after it, with its key or without.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from waybill.devices.false_proofs import Guessing, Proven, Remembering, false_proofs
from waybill.devices.forging import NoTokens
from waybill.devices.intrusion import ANSWER, Attempt, FalseCredential, attempt
from waybill.drivers.base import Capability, Credential, DeviceKey, Outcome, Overheard
from waybill.history.events import Completion, CredentialKind
from waybill.tokens.attack import NotTried
from waybill.tokens.device_keys import DeviceKey as NewKey

if TYPE_CHECKING:
    from waybill.devices.device import Device
    from waybill.devices.scenario import Scenario

ANOTHER: Final = "tablet"
"""A second device of the victim, which never comes online: only what it would show is stolen."""


@dataclass(frozen=True, slots=True)
class Tapped:
    """Logins of a device that somebody listened to.

    Attributes:
        credential: What was shown the last time; its key, if it has one, remembers what it signed.
        logins: What was said in each login, oldest first; empty where the driver cannot tell.
    """

    credential: Credential
    logins: tuple[Overheard, ...]


def log_in_overheard(scenario: Scenario, device: Device, *, once: bool = False, new: bool = False) -> Tapped:
    """A device logs in with its own token and key, and somebody listens.

    Args:
        scenario: The scenario, which remembers what was heard.
        device: Who logs in.
        once: With a token that is good for one login.
        new: With a token that it did not have before.

    Raises:
        NoTokens: The target's devices show no tokens.
        LoginRefused: The genuine login does not work, so a refusal of others shows nothing.
        MeansMissing: The target gives no tokens that are good for one login.
    """
    _require_tokens(scenario)
    shown = scenario.target.credential(device.account, device.device, fresh=new, once=once)
    if shown.key is not None:
        shown = dataclasses.replace(shown, key=Remembering(shown.key))
    heard = Overheard() if Capability.OVERHEARING in scenario.driver.capabilities else None
    device.close()
    device.connect(credential=shown, overheard=heard)
    before = scenario.tapped.get(device.name)
    same = before is not None and before.credential.token == shown.token
    earlier = before.logins if before is not None and same else ()
    made = scenario.tapped[device.name] = Tapped(shown, (*earlier, heard) if heard else ())
    return made


def try_stolen_token(scenario: Scenario, intruder: str, victim: Device) -> list[Attempt]:
    """Shows a device's token from elsewhere and as other devices, in every way but with its own key as itself."""
    target, stolen = scenario.target, tapped(scenario, victim).credential
    own = target.credential(scenario.user(intruder, ()).account, victim.device)
    another = target.credential(victim.account, ANOTHER)
    here, there = victim.device, ANOTHER
    keys: dict[str, DeviceKey | None] = {"the-token": None}
    if stolen.key is not None:
        keys = {
            "the-token-and-a-guess": Guessing(),
            "the-token-and-a-new-key": NewKey.new(),
            "the-token-and-the-thiefs-key": own.key,
            "the-token-and-the-key-of-another-device": another.key,
        }
    shown = [(name, stolen.token, key, here) for name, key in keys.items()]
    shown += [(f"{name}-as-another-device", stolen.token, key, there) for name, key in keys.items()]
    shown += [
        ("the-token-and-its-key-as-another-device", stolen.token, stolen.key, there),
        ("the-token-and-its-key-in-capitals", stolen.token, stolen.key, here.upper()),
        ("the-token-of-another-device-and-its-key", another.token, another.key, here),
        ("the-token-of-another-device-and-this-key", another.token, stolen.key, here),
    ]
    shown_as = [
        FalseCredential(
            name,
            CredentialKind.REPLAYED,
            Credential(stolen.user, token=token, key=key),
            device=called,
        )
        for name, token, key, called in shown
    ]
    return _attempts(scenario, intruder, victim, shown_as)


def try_false_proofs(scenario: Scenario, intruder: str, victim: Device) -> list[Attempt]:
    """Shows a device's token with every proof that is not one for this login.

    Raises:
        NotTried: The target asks for no proof.
    """
    stolen = tapped(scenario, victim).credential
    if not isinstance(stolen.key, Remembering) or not stolen.key.signed:
        raise NotTried("the server asks for no proof of a key")
    # What it shows from now on is another token; the stolen one stays good.
    made_of = Proven(
        key=stolen.key,
        device=victim.device,
        token=stolen.token,
        another_token=scenario.target.credential(victim.account, victim.device, fresh=True).token,
        earlier=stolen.key.signed[0],
    )
    shown_as = [
        FalseCredential(
            name, CredentialKind.REPLAYED, dataclasses.replace(stolen, key=key), device=victim.device
        )
        for name, key in false_proofs(made_of).items()
    ]
    return _attempts(scenario, intruder, victim, shown_as)


def try_overheard_login(
    scenario: Scenario,
    intruder: str,
    victim: Device,
    moment: str,
    kind: CredentialKind = CredentialKind.REPLAYED,
) -> list[Attempt]:
    """Says again, byte for byte, what a device said in its logins: as it was, in parts, in another order, and mixed.

    Raises:
        NotTried: The driver cannot tell what was said.
    """
    heard = tapped(scenario, victim)
    if not heard.logins:
        raise NotTried(f"the driver {scenario.driver.name} cannot say again what was overheard")
    shown_as = [
        FalseCredential(
            f"{name}-{moment}",
            kind,
            Credential(heard.credential.user),
            device=victim.device,
            replay=Overheard(said),
        )
        for name, said in _replays([one.said for one in heard.logins]).items()
    ]
    return _attempts(scenario, intruder, victim, shown_as)


def _replays(logins: list[list[bytes]]) -> dict[str, list[bytes]]:
    """What can be said by somebody who heard these logins."""
    found = {f"overheard-login-{number}": list(said) for number, said in enumerate(logins, start=1)}
    first, last = logins[0], logins[-1]
    if len(last) > 1:
        hello, *rest = last
        found |= {
            "overheard-proof-alone": rest,
            "overheard-proof-first": [*rest, hello],
            "overheard-proof-with-the-login": [b"".join(last)],
            "overheard-proof-twice": [hello, *(one + one for one in rest)],
        }
        if first is not last:
            found |= {
                "overheard-login-with-an-earlier-proof": [hello, *first[1:]],
                "overheard-login-with-a-later-proof": [first[0], *rest],
            }
    return found


def try_token_again(
    scenario: Scenario,
    intruder: str,
    victim: Device,
    moment: str,
    kind: CredentialKind = CredentialKind.REPLAYED,
) -> list[Attempt]:
    """Shows a token that must not be good any more: with its own key as its own device, which would have been in order
    before, and by thieves."""
    shown = tapped(scenario, victim).credential
    keys: dict[str, DeviceKey | None] = {"the-token-again": shown.key, "the-token-once-more": shown.key}
    if shown.key is not None:
        keys |= {"the-token-again-and-a-guess": Guessing(), "the-token-again-and-a-new-key": NewKey.new()}
    shown_as = [
        FalseCredential(f"{name}-{called}-{moment}", kind, dataclasses.replace(shown, key=key), device=called)
        for called in (victim.device, ANOTHER)
        for name, key in keys.items()
    ]
    return _attempts(scenario, intruder, victim, shown_as)


def race(scenario: Scenario, intruder: str, person: str, rounds: int) -> list[int]:
    """Two connections show the same one-time token at the same moment, again and again; returns how many were let in
    each time.

    The one that comes second is an attempt of the scenario, whichever it is, and so is an intruder's third one. The
    person has no conversations and no devices left afterwards, so who was let in makes no difference to anybody.

    Raises:
        NoTokens: The target's devices show no tokens.
        MeansMissing: The target gives no tokens that are good for one login.
    """
    _require_tokens(scenario)
    return [_race(scenario, intruder, person, f"race-{number}") for number in range(1, rounds + 1)]


def _require_tokens(scenario: Scenario) -> None:
    if scenario.target.issuer is None:
        raise NoTokens(
            f"Devices show the target {scenario.target.name} no tokens, so there is none to steal. A server that takes "
            f"passwords waives this guarantee in its target file, with a reason, an owner and a date."
        )


def _race(scenario: Scenario, intruder: str, person: str, name: str) -> int:
    account = scenario.user(person, ()).account
    shown = scenario.target.credential(account, name, once=True)
    names = [f"{name}-{side}" for side in ("left", "right")]
    runners = scenario.user(person, names).devices
    start, outcomes = threading.Barrier(len(names)), dict[str, Outcome]()
    begun = time.perf_counter()

    def run(one: str) -> None:
        start.wait()
        outcomes[one] = runners[one].try_connect(credential=shown, called=name, deadline=ANSWER)

    threads = [threading.Thread(target=run, args=(one,), name=one) for one in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    let_in = [one for one in names if outcomes[one].completion is Completion.OK]
    second = next((one for one in names if one not in let_in), names[-1])
    false = FalseCredential(second, CredentialKind.REPLAYED, shown, device=name)
    scenario.attempts.append(Attempt(false, outcomes[second], time.perf_counter() - begun))
    for one in names:
        runners[one].close()
        del runners[one]
    third = FalseCredential(f"{name}-too-late", CredentialKind.REPLAYED, shown, device=name)
    attempt(scenario, intruder, person, third)
    return len(let_in)


def _attempts(
    scenario: Scenario, intruder: str, victim: Device, shown: Iterable[FalseCredential]
) -> list[Attempt]:
    """Tries one false credential after the other, each on a connection of its own."""
    return [attempt(scenario, intruder, victim.user, false) for false in shown]


def tapped(scenario: Scenario, device: Device) -> Tapped:
    """What was heard of a device's login.

    Raises:
        RuntimeError: Nobody listened.
    """
    if device.name not in scenario.tapped:
        raise RuntimeError(f"Nobody listened when {device.name} logged in; use `Log In Overheard` first.")
    return scenario.tapped[device.name]


def decided(attempts: Iterable[Attempt]) -> int:
    """How many attempts the server refused or took."""
    return sum(one.refused or one.got_in for one in attempts)
