"""Forged tokens, shown at a server: what they are made of, trying them all, and what the attempts came to."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from waybill.devices.intrusion import Attempt, FalseCredential, attempt, false_passwords
from waybill.drivers.base import Credential
from waybill.history.events import Completion, CredentialKind, Operation
from waybill.history.promises import seconds
from waybill.tokens import attacks
from waybill.tokens.attack import Attack, Falsehood, Materials, NotTried
from waybill.tokens.attack_claims import just_inside
from waybill.tokens.attack_subjects import other_case
from waybill.tokens.obtain import TokenClient

if TYPE_CHECKING:
    from waybill.devices.device import Device
    from waybill.devices.scenario import Scenario
    from waybill.tokens.listener import Listener

_PLAIN_FAMILIES: Final = ("no algorithm", "edited signature", "no token")
"""What shows that authentication is on at all; the list of attacks has much more."""


class NoTokens(AssertionError):
    """The target's devices show no tokens."""


def issuer_of(scenario: Scenario) -> TokenClient:
    """The issuer of the target's tokens.

    Raises:
        NoTokens: Its devices show passwords.
    """
    issuer = scenario.target.issuer
    if issuer is None:
        raise NoTokens(
            f"Devices show the target {scenario.target.name} no tokens, so there is nothing to forge. A server that "
            f"takes passwords waives this guarantee in its target file, with a reason, an owner and a date."
        )
    return issuer


def token_of(scenario: Scenario, person: str, more: Mapping[str, str] | None = None) -> str:
    """A fresh token of a person for any device.

    Raises:
        NoTokens: The target has no issuer.
        TokenError: It gave none.
    """
    account = scenario.user(person, ()).account
    return issuer_of(scenario).obtain(account.user, account.password, more=more).text


def materials(scenario: Scenario, intruder: str, victim: str, listener: str) -> Materials:
    """What the intruder's false tokens are made of.

    Raises:
        NoTokens: The target has no issuer.
        TokenError: It gave no token or no keys.
    """

    def sign_odd(oddities: Mapping[str, str]) -> str:
        return token_of(scenario, victim, oddities)

    return Materials(
        genuine=token_of(scenario, intruder),
        stolen=token_of(scenario, victim),
        stolen_too=token_of(scenario, victim),
        victim=scenario.user(victim, ()).account.user,
        keys=issuer_of(scenario).keys(),
        listener=listener,
        leeway=seconds(scenario.target.promises.get("token_leeway")) or 0.0,
        sign_odd=sign_odd if scenario.target.odd_tokens else None,
    )


def try_forged_tokens(
    scenario: Scenario, intruder: str, victim: str, listener: Listener, chosen: Iterable[Attack]
) -> tuple[list[Attempt], dict[str, str]]:
    """Tries attacks once each; returns the attempts, and the attacks that could not be made with the reason."""
    made_of = materials(scenario, intruder, victim, listener.place)
    tried, not_tried = [], {}
    for attack in chosen:
        try:
            token = attack.make(made_of)
        except NotTried as reason:
            not_tried[attack.id] = str(reason)
            continue
        false = _false(attack, made_of.victim, token)
        tried.append(attempt(scenario, intruder, victim, false))
    return tried, not_tried


def try_false_credentials(
    scenario: Scenario, intruder: str, victim: str, listener: Listener
) -> list[Attempt]:
    """Tries what shows that authentication is on at all: tokens that nobody signed and things that are none, or
    passwords."""
    if scenario.target.issuer is not None:
        chosen = [one for one in attacks.every() if one.family in _PLAIN_FAMILIES]
        return try_forged_tokens(scenario, intruder, victim, listener, chosen)[0]
    genuine = scenario.target.credential(scenario.user(intruder, ()).account, "attempt")
    account = scenario.user(victim, ()).account.user
    return [attempt(scenario, intruder, victim, false) for false in false_passwords(genuine, account)]


def get_in(scenario: Scenario, person: str) -> Device:
    """A person logs in on a phone with a genuine token of the sort that false ones are made of.

    Raises:
        LoginRefused: The server did not take it, so that a refusal of false ones shows nothing.
    """
    device = scenario.user(person, ["phone"]).devices["phone"]
    device.connect(credential=Credential(device.account.user, token=token_of(scenario, person)))
    return device


def get_in_just_inside(scenario: Scenario, person: str) -> list[str]:
    """A device of a person logs in with each token whose times are barely in order; returns which.

    Raises:
        NotTried: No issuer signs them.
        LoginRefused: The server did not take one, so that a refusal of those just outside shows nothing.
    """
    if not scenario.target.odd_tokens:
        raise NotTried("the issuer gives no such token")
    leeway = seconds(scenario.target.promises.get("token_leeway")) or 0.0
    device = scenario.user(person, ["just-inside"]).devices["just-inside"]
    inside = just_inside(leeway)
    for oddities in inside.values():
        token = token_of(scenario, person, {name: str(value) for name, value in oddities.items()})
        device.connect(credential=Credential(device.account.user, token=token))
        device.close()
    return list(inside)


def get_in_as_namesake(scenario: Scenario, victim: str) -> str:
    """Somebody whose name is the victim's in other letters logs in with a token in order, and reads the own log;
    returns what came of it. The server may not know such a user; the victim it must not be.

    Raises:
        NotTried: No issuer signs such a token, or the protocol cannot read a log.
        AssertionError: The namesake was given what is the victim's.
    """
    if not scenario.can(Operation.SYNC):
        raise NotTried("the protocol cannot read a log")
    made_of = materials(scenario, victim, victim, "")
    token = made_of.signed(**other_case(made_of))
    name = f"namesake-of-{victim}"
    person = scenario.user(name, ["phone"])
    device = person.devices["phone"]
    outcome = device.try_connect(credential=Credential(made_of.victim.swapcase(), token=token))
    if outcome.completion is not Completion.OK:
        del person.devices["phone"]
        return f"refused ({outcome.code})"
    entries = device.sync().entries
    device.close()
    if entries:
        raise AssertionError(
            f"Expected that '{made_of.victim.swapcase()}' is not '{made_of.victim}'; a token for the first one opened "
            f"a session with {len(entries)} messages of {victim}."
        )
    return "somebody else, with an empty log"


def of_falsehood(falsehood: Falsehood) -> list[Attack]:
    """The attacks with this falsehood."""
    return [one for one in attacks.every() if one.falsehood is falsehood]


def answers(attempts: Iterable[Attempt]) -> dict[str, list[str]]:
    """The attempts by the answer that they met: its code and its text."""
    found: dict[str, list[str]] = {}
    for one in attempts:
        said = f"{one.outcome.completion.name.lower()} {one.outcome.code}: {one.outcome.text}"
        found.setdefault(said, []).append(one.false.id)
    return found


def require_one_answer(attempts: Iterable[Attempt]) -> str:
    """Says whether an attacker learns anything from how an attempt is refused; returns the one answer.

    Raises:
        AssertionError: There are several, with the attacks that met the rarer ones.
    """
    compared = [one for one in attempts if not one.false.outsize]
    found = answers(compared)
    if len(found) == 1 and all(one.refused for one in compared):
        return next(iter(found))
    common = max(found, key=lambda said: len(found[said]), default="none at all")
    others = "; ".join(f"'{said}' for {', '.join(ids)}" for said, ids in found.items() if said != common)
    raise AssertionError(
        f"Expected one and the same refusal for all {len(compared)} attempts; most met '{common}'; "
        f"found besides: {others or 'nothing, and that is no refusal'}."
    )


def in_words(attempts: Iterable[Attempt]) -> str:
    """How long the refusals took."""
    took = sorted(one.seconds * 1000 for one in attempts if one.refused)
    if not took:
        return "no refusals"
    return (
        f"{len(took)} refusals; from the connection to the answer {took[0]:.1f} ms at least, "
        f"{statistics.median(took):.1f} ms in the median, {took[-1]:.1f} ms at most"
    )


def _false(attack: Attack, account: str, token: str) -> FalseCredential:
    kind = CredentialKind.FORGED if token else CredentialKind.NONE
    return FalseCredential(attack.id, kind, Credential(account, token=token), attack.outsize)
