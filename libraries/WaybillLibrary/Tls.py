"""Keywords for TLS: what a server must refuse, and the certificate that it shows."""

from __future__ import annotations

import html
from collections import Counter
from enum import Enum

from robot.api import logger
from robot.api.deco import keyword, library

from waybill.devices.insecure import log_in_in_plaintext
from waybill.targets.ports import OpenPort, endpoint_port, open_ports
from waybill.tls import hello
from waybill.tls.campaign import FLOOR, Campaign
from waybill.tls.certificate_check import CannotLook, certificate_faults
from waybill.tls.places import Result
from waybill.version import __version__
from WaybillLibrary import current, stage


class OldVersion(Enum):
    """A version of the protocol that must not be negotiated."""

    SSLv2 = hello.SSL_2
    SSLv3 = hello.SSL_3
    TLSv1 = hello.TLS_1_0
    TLSv1_1 = hello.TLS_1_1


@library(scope="GLOBAL", version=__version__, doc_format="MARKDOWN", auto_keywords=False)
class Tls:
    """TLS as clients are promised it: nothing weaker is accepted, on no port, and the certificate is good.

    What must be refused is offered, one connection each, and every offer is first made at a server of the kit's own
    that accepts it: an offer that never left this machine counts for nothing. Every port is tried on which a launched
    target listens, those that its file does not tell of included.
    """

    def __init__(self) -> None:
        self._campaign: tuple[object, Campaign] | None = None
        self._known: tuple[object, list[OpenPort]] | None = None

    @keyword
    def certificates_should_be_valid(self, node: str | None = None) -> None:
        """Fails unless every port with TLS shows a certificate that a careful client accepts.

        The certificate must be valid for the name and in date, come from the promised authority, and have a key and
        signatures that are strong enough.

        Args:
            node: One node, by its endpoint alone; by default every port of the target.

        Example:

        ```robotframework
        *** Test Cases ***
        The certificate is good
            Certificates Should Be Valid
        ```
        """
        ports = [port for port in self._ports(node) if port.speaks_tls]
        faults = []
        for port in ports:
            try:
                faults += [
                    f"the certificate of {port.place.title} {fault}"
                    for fault in certificate_faults(port.place, port.authority)
                ]
            except CannotLook as error:
                faults.append(str(error))
        if faults:
            raise AssertionError(f"Expected every certificate to be valid; {'; '.join(faults)}.")
        logger.info(
            f"{len(ports)} ports show valid certificates: {', '.join(port.place.title for port in ports)}"
        )

    @keyword
    def offer_weaker_tls(self, node: str | None = None) -> None:
        """Offers every port with TLS what it must refuse: old versions, weak suites, compression, renegotiation.

        Nothing fails here; `Attempts On TLS Should Have Failed` tells what got through.

        Args:
            node: One node, by its endpoint alone; by default every port of the target.

        Example:

        ```robotframework
        *** Test Cases ***
        Nothing weaker is accepted
            Offer Weaker TLS
            Attempts On TLS Should Have Failed
        ```
        """
        campaign = self._current()
        for port in self._ports(node):
            if port.speaks_tls:
                campaign.offer_weaker_tls(port.place)
        _show(campaign)

    @keyword
    def speak_plaintext(self, node: str | None = None) -> None:
        """Says on every port how known protocols begin without TLS; any answer but a refusal counts as accepted.

        Args:
            node: One node, by its endpoint alone; by default every port of the target.

        Example:

        ```robotframework
        *** Test Cases ***
        No port speaks plaintext
            Speak Plaintext
            Attempts On TLS Should Have Failed
        ```
        """
        campaign = self._current()
        for port in self._ports(node):
            campaign.speak_plaintext(port.place, speaks_tls=port.speaks_tls)
        _show(campaign)

    @keyword
    def log_in_in_plaintext(self, intruder: str, victim: str, node: str | None = None) -> None:
        """Logs in at every port of every node without TLS, with a good credential.

        A session that should not exist is used at once, and `Check History` reports what it could do.

        Args:
            intruder: Who logs in.
            victim: To whom a message goes if there is a session.
            node: One node, by its endpoint alone; by default every port of the target.

        Example:

        ```robotframework
        *** Test Cases ***
        Nobody logs in in plaintext
            Connect People    alice and bob
            Log In In Plaintext    mallory    bob
            Attempts On TLS Should Have Failed
        ```
        """
        campaign = self._current()
        ports = [(port.place, port.endpoint) for port in self._ports(node) if port.endpoint is not None]
        results = log_in_in_plaintext(stage.scenario(), intruder, victim, ports)
        campaign.add(results)
        if not results:
            logger.info(f"the driver {stage.scenario().driver.name} never says a credential without TLS")
        _show(campaign)

    @keyword(name="Attempts On TLS Should Have Failed")
    def attempts_on_tls_should_have_failed(self) -> None:
        """Fails if anything was accepted that must be refused, if an attempt has no answer, or if there was none.

        Example:

        ```robotframework
        *** Test Cases ***
        Nothing weaker is accepted
            Offer Weaker TLS
            Attempts On TLS Should Have Failed
        ```
        """
        campaign = self._current()
        _log(campaign)
        campaign.require_refusals()

    @keyword
    def handshake_should_fail(self, version: OldVersion, *, node: str | None = None) -> None:
        """Fails if a node accepts an old version of TLS or SSL.

        Args:
            version: The version to offer.
            node: The node; by default the target's first one.

        Example:

        ```robotframework
        *** Test Cases ***
        TLS 1.1 is refused
            Handshake Should Fail    version=TLSv1_1
        ```
        """
        campaign = Campaign(_floor())
        campaign.offer_weaker_tls(self._ports(stage.node(node))[0].place, versions=[version.value])
        campaign.require_refusals()
        logger.info("; ".join(map(str, campaign.results)))

    @keyword
    def plaintext_should_be_refused(self, node: str | None = None) -> None:
        """Fails if a port answers in plaintext.

        Args:
            node: One node, by its endpoint alone; by default every port of the target.

        Example:

        ```robotframework
        *** Test Cases ***
        No port speaks plaintext
            Plaintext Should Be Refused
        ```
        """
        campaign = Campaign(_floor())
        for port in self._ports(node):
            campaign.speak_plaintext(port.place, speaks_tls=port.speaks_tls)
        _log(campaign)
        campaign.require_refusals()

    def _current(self) -> Campaign:
        """The campaign of the running scenario."""
        scenario = stage.scenario()
        if self._campaign is None or self._campaign[0] is not scenario:
            self._campaign = scenario, Campaign(_floor())
        return self._campaign[1]

    def _ports(self, node: str | None) -> list[OpenPort]:
        """One node's endpoint, or every port; these are looked for once for each scenario."""
        target = stage.target()
        if node is not None:
            return [endpoint_port(target, node)]
        key = stage.scenario() if stage.has_scenario() else object()
        if self._known is None or self._known[0] is not key:
            self._known = key, open_ports(target)
        return self._known[1]


def _floor() -> str:
    return str(stage.target().promises.get("tls_floor", FLOOR))


def _show(campaign: Campaign) -> None:
    current.case.show(probes=campaign.decided, accepted=len(campaign.accepted))


def _log(campaign: Campaign) -> None:
    """One line where people look, the table of all attempts collapsed."""
    outcomes = Counter(one.outcome.value for one in [*campaign.results, *campaign.not_offered])
    line = ", ".join(f"{count} {name}" for name, count in outcomes.items())
    places = {one.place: None for one in campaign.results}
    rows = "".join(map(_row, [*campaign.results, *campaign.not_offered]))
    logger.info(
        f"<b>{len(campaign.results)} attempts at {len(places)} ports: {html.escape(line)}</b>"
        f"<details><summary>All attempts</summary><table>"
        f"<tr><th>where</th><th>what was offered</th><th>source</th><th>outcome</th><th>how it showed</th></tr>"
        f"{rows}</table></details>",
        html=True,
    )


def _row(one: Result) -> str:
    cells = (one.place, one.probe, one.source, one.outcome.value, one.detail)
    return f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in cells)}</tr>"
