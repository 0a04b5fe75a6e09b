"""Logins without TLS: everything that a device says at login, said in plaintext, with a credential that is good.

Each is recorded as a session of its own whose transport is known to be bad. Whatever succeeds on such a session is a
finding of the checker.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from waybill.devices.waiting import DeadlinePassed
from waybill.drivers.base import Credential, Driver, Endpoint, Login, LoginRefused, Observer
from waybill.history.events import Completion, Transport
from waybill.tls.control_servers import ReadingServer
from waybill.tls.places import ANSWER, Outcome, Place, Result

if TYPE_CHECKING:
    from waybill.devices.scenario import Scenario

NAME: Final = "login in plaintext"
SOURCE: Final = "RFC 9325, 3.2"
_SAYS_NOTHING: Final = frozenset({"unreachable", "timeout"})
"""Codes of logins of which nobody knows whether the server refuses them."""


def log_in_in_plaintext(
    scenario: Scenario, intruder: str, victim: str, ports: Iterable[tuple[Place, Endpoint]]
) -> list[Result]:
    """Logs in at each port without TLS; a session that should not exist is used at once.

    Args:
        scenario: The scenario.
        intruder: Who logs in, with a good credential.
        victim: To whom a message goes if there is a session.
        ports: The ports, each with the endpoint that a device would use there.

    Returns:
        What became of each. Where the driver never says a credential without TLS there is none.
    """
    results = []
    for number, (place, endpoint) in enumerate(ports, start=1):
        plain = scenario.driver.plaintext(endpoint)
        if plain is None:
            continue
        if not is_said(scenario.driver, plain):
            results.append(
                Result(place.title, NAME, Outcome.NOT_OFFERED, "the driver said nothing in plaintext", SOURCE)
            )
            continue
        name = f"plaintext-{number:02d}"
        device = scenario.user(intruder, [name]).devices[name]
        ended = device.try_connect(endpoint=plain, transport=Transport.PLAINTEXT, deadline=ANSWER)
        if ended.completion is Completion.OK:
            sending = device.send(scenario.direct(intruder, victim))
            with contextlib.suppress(DeadlinePassed):
                scenario.wait_until_answered([sending], deadline=ANSWER)
            device.close()
            outcome, detail = Outcome.ACCEPTED, f"{device.name} got a session"
        else:
            outcome = Outcome.UNANSWERED if ended.code in _SAYS_NOTHING else Outcome.REFUSED
            detail = f"no session ({ended.code}{f': {ended.text}' if ended.text else ''})"
        results.append(Result(place.title, NAME, outcome, detail, SOURCE))
    return results


def is_said(driver: Driver, plain: Endpoint) -> bool:
    """Whether a login of this driver leaves the machine in plaintext, as a server of our own hears it."""
    with ReadingServer() as server:
        url = urlsplit(plain.url)._replace(netloc=f"{server.place.host}:{server.place.port}").geturl()
        login = Login(
            endpoint=dataclasses.replace(plain, url=url),
            credential=Credential("nobody", token="none", password="none"),
            device="control",
            deadline=ANSWER,
        )
        with contextlib.suppress(LoginRefused):
            driver.connect(login, Nobody()).cut()
        return any(first and first[:2] != b"\x16\x03" for first in server.heard)


class Nobody(Observer):
    """Watches a session that never comes about."""

    def _ignore(self, *_: Any, **__: Any) -> None:
        """Nobody is told."""

    completed = unmatched = delivered = receipted = _ignore
    presence_changed = typed = membership_changed = idle = ended = _ignore
