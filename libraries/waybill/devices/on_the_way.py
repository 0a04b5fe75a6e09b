"""Logins through somebody in the middle: through one who changes nothing they work, through all others they must not.

Each is recorded as a session of its own. Whatever succeeds on one whose transport is known to be bad is a finding of
the checker. How much of a device's credential the middle could read is counted here.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from waybill.devices.insecure import Nobody
from waybill.devices.middles import Ambush, Way, ambushes
from waybill.devices.waiting import DeadlinePassed
from waybill.drivers.base import Credential, Login, LoginRefused
from waybill.history.events import Completion
from waybill.tls.impostor import Impostor, good_certificate, own_certificates
from waybill.tls.leaks import leaked_bytes
from waybill.tls.middle import Middle
from waybill.tls.places import ANSWER, Outcome, Result
from waybill.tls.starttls_middle import Stripping
from waybill.tls.upgrades import careless_login

if TYPE_CHECKING:
    from waybill.devices.device import Device
    from waybill.devices.scenario import Scenario

_SAYS_NOTHING: Final = frozenset({"unreachable", "timeout"})
"""Codes of logins of which nobody knows why they came to nothing."""


@dataclass(slots=True)
class Ambushed:
    """What became of logins through somebody in the middle.

    Attributes:
        results: One for each attack on each way.
        leaked: The most bytes of a credential that the middle read in one piece.
        leaks: Where that was, in words.
    """

    results: list[Result] = field(default_factory=list)
    leaked: int = 0
    leaks: list[str] = field(default_factory=list)

    def add(self, way: Way, what: str, source: str, became: tuple[Outcome, str], read: int) -> None:
        """Adds what became of one attack, and how many bytes of a credential the middle read."""
        if read:
            self.leaks.append(
                f"{read} bytes of a credential on the way to {way.place.title}, as somebody who {what}"
            )
            self.leaked = max(self.leaked, read)
        self.results.append(Result(way.place.title, f"somebody in the middle who {what}", *became, source))


def require_passage(
    scenario: Scenario, traveller: str, confidant: str, ways: Sequence[tuple[Way, bool]]
) -> list[Way]:
    """Leads a person's logins through somebody who changes nothing, and sends a message each time.

    Args:
        scenario: The scenario.
        traveller: Who logs in.
        confidant: To whom the message goes.
        ways: The ways, and whether a device must get through on each.

    Returns:
        The ways on which it works.

    Raises:
        AssertionError: One that must work does not, or the untouched bytes gave something away.
    """
    open_ways = []
    for number, (way, promised) in enumerate(ways, start=1):
        if not promised and not _speaks_the_protocol(scenario, way):
            continue
        with Middle(way.place) as middle:
            device = _device(scenario, traveller, f"untouched-{number}")
            ended = device.try_connect(endpoint=way.through(middle), deadline=ANSWER)
            if ended.completion is Completion.OK:
                sent = device.send(scenario.direct(traveller, confidant))
                scenario.wait_until_answered([sent], deadline=ANSWER)
                device.close()
                open_ways.append(way)
            leaked = leaked_bytes(bytes(middle.heard), _secrets(_credential(scenario, device)))
        if leaked:
            raise AssertionError(
                f"Expected TLS to hide the credential of {device.name} on the way to {way.place.title}; somebody who "
                f"only listened read {leaked} bytes of it."
            )
        if way not in open_ways:
            raise AssertionError(
                f"Expected a login through a middle that changes nothing to work at {way.place.title}, so that a "
                f"refusal means something; it ended with {ended.code}: {ended.text}"
            )
    return open_ways


def _speaks_the_protocol(scenario: Scenario, way: Way) -> bool:
    """Whether a login works at a port that no file tells of; that stays out of the history, for it need not."""
    credential = scenario.target.credential(scenario.target.account(), "asking")
    try:
        scenario.driver.connect(Login(way.endpoint, credential, "asking", deadline=ANSWER), Nobody()).close()
    except LoginRefused:
        return False
    return True


def require_reading(scenario: Scenario, way: Way) -> int:
    """Shows that somebody in the middle would read a credential: with a good certificate, or a device that checks none.

    Returns:
        How many bytes of it were read.

    Raises:
        AssertionError: They could not, so that nothing read later would mean nothing.
    """
    shown = (
        own_certificates(way.folder / "reading", way.names)[0]
        if way.authority is None
        else good_certificate(way.folder / "reading", way.names, way.authority)
    )
    credential = scenario.target.credential(scenario.target.account(), "read")
    with Impostor(way.place, shown.context, starttls=way.starttls) as middle:
        endpoint = replace(way.through(middle), insecure=way.authority is None)
        ended = ""
        try:
            scenario.driver.connect(Login(endpoint, credential, "read", deadline=ANSWER), Nobody()).close()
        except LoginRefused as refused:
            ended = f" (the login ended with {refused})"
        read = leaked_bytes(bytes(middle.heard), _secrets(credential))
    if 2 * read <= max(map(len, _secrets(credential))):
        raise AssertionError(
            f"Expected somebody in the middle with a good certificate to read the credential said at "
            f"{way.place.title}, so that reading nothing means something; they read {read} bytes of it{ended}."
        )
    return read


def ambush(scenario: Scenario, traveller: str, confidant: str, way: Way, number: int) -> Ambushed:
    """Leads a person's logins on one way through somebody who attacks, once for each attack.

    A session that should not exist is used at once. In the history all of them are devices of one more person, who has
    no conversations, so that nothing has to be read on devices that never got in.

    Args:
        scenario: The scenario.
        traveller: Who logs in, by a genuine credential and as the driver always does.
        confidant: To whom a message goes if there is a session.
        way: The way.
        number: Which way it is; devices of different ways have different names.
    """
    made, person = Ambushed(), f"{traveller}-ambushed"
    for one in ambushes(way):
        device = _device(scenario, person, f"{one.id}-{number}")
        secrets = _secrets(_credential(scenario, device))
        with one.middle() as middle:
            became = _meet(scenario, device, confidant, one, way, middle)
        made.add(way, one.what, one.source, became, leaked_bytes(bytes(middle.heard), secrets))
    if way.starttls:
        _lead_on(scenario, person, way, number, made)
    return made


def _lead_on(scenario: Scenario, person: str, way: Way, number: int, made: Ambushed) -> None:
    """Leads a client on that insists on nothing: what it says in plaintext, the server has offered to hear."""
    account = scenario.user(person, ()).account
    credential = scenario.target.credential(account, f"careless-{number}")
    secret = credential.token or credential.password
    with Stripping(way.place, offers_login=False) as middle:
        there = replace(way.place, host=middle.host, port=middle.port)
        try:
            outcome, detail = careless_login(there, credential.user, secret, ANSWER)
        except OSError as error:
            outcome, detail = Outcome.UNANSWERED, f"the connection failed: {error}"
    made.add(
        way,
        "takes the offer of TLS away from a client that insists on nothing",
        "RFC 6120, 13.3 and 13.9.4",
        (outcome, detail),
        leaked_bytes(bytes(middle.heard), [secret]),
    )


def _meet(
    scenario: Scenario, device: Device, confidant: str, one: Ambush, way: Way, middle: Middle
) -> tuple[Outcome, str]:
    ended = device.try_connect(endpoint=way.through(middle), transport=one.transport, deadline=ANSWER)
    if ended.completion is Completion.OK:
        sending = device.send(scenario.direct(device.user, confidant))
        with contextlib.suppress(DeadlinePassed):
            scenario.wait_until_answered([sending], deadline=ANSWER)
        device.close()
        return Outcome.ACCEPTED, f"{device.name} got a session"
    _forget(scenario, device)
    how = f"no session ({ended.code}{f': {ended.text}' if ended.text else ''})"
    if not middle.attacked:
        return Outcome.NOT_OFFERED, f"the attack was not carried out: {how}"
    if along := one.gone_along(middle):
        return Outcome.ACCEPTED, f"{along}; {how}"
    return (Outcome.UNANSWERED if ended.code in _SAYS_NOTHING else Outcome.REFUSED), how


def _device(scenario: Scenario, user: str, name: str) -> Device:
    return scenario.user(user, [name]).devices[name]


def _forget(scenario: Scenario, device: Device) -> None:
    """Who was refused leaves no device behind that would have to be read to its end."""
    del scenario.users[device.user].devices[device.device]


def _credential(scenario: Scenario, device: Device) -> Credential:
    return scenario.target.credential(device.account, device.device)


def _secrets(credential: Credential) -> list[str]:
    return [secret for secret in (credential.token, credential.password) if secret]
