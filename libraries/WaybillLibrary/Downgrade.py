"""Keywords for somebody in the middle, and for servers that could be talked into less than they have."""

from __future__ import annotations

import html
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

from robot.api import logger
from robot.api.deco import keyword, library

from waybill.devices.middles import Way
from waybill.devices.on_the_way import ambush, require_passage, require_reading
from waybill.targets.ports import OpenPort, endpoint_port, open_ports
from waybill.tls import downgrades
from waybill.tls.campaign import FLOOR, Campaign
from waybill.tls.proving import proven
from waybill.version import __version__
from WaybillLibrary import current, stage


@dataclass(slots=True)
class _Tried:
    """What one scenario tried.

    Attributes:
        campaign: What became of each attack.
        ways: Where a login through somebody who changes nothing works.
        leaked: The most bytes of a credential that the middle read; None as long as nobody could.
        leaks: Where that was.
        ports: The target's ports.
    """

    campaign: Campaign
    ports: list[OpenPort]
    ways: list[Way] = field(default_factory=list)
    leaked: int | None = None
    leaks: list[str] = field(default_factory=list)


@library(scope="GLOBAL", version=__version__, doc_format="MARKDOWN", auto_keywords=False)
class Downgrade:
    """Somebody in the middle, who strips the upgrade, lowers the version or shows another certificate.

    Some of it a server can refuse, and some only its clients; docs/downgrades.md says which. The kit's driver stands
    for the clients: it must get no session and say nothing of its credential. Before anything counts, a login through
    a middle that changes nothing must work, a middle with a good certificate must be able to read the credential, and
    every attempt at the server must succeed at a server of the kit's own that goes along.
    """

    def __init__(self) -> None:
        self._tried: tuple[object, _Tried] | None = None

    @keyword
    def log_in_through_a_middle_that_changes_nothing(
        self, user: str, confidant: str, node: str | None = None
    ) -> None:
        """Fails unless a login through somebody who changes nothing works at every promised port.

        Whoever only listens must read nothing of the credential. Other ports with TLS are tried as well; where a login
        works, attacks will be tried too.

        Args:
            user: Who logs in.
            confidant: To whom a message goes on each session.
            node: One node, by its endpoint alone; by default every port of the target.

        Example:

        ```robotframework
        *** Test Cases ***
        A middle that changes nothing is no obstacle
            Connect People    alice and bob
            Log In Through A Middle That Changes Nothing    carol    bob
        ```
        """
        tried = self._current()
        ports = [port for port in _chosen(tried, node) if port.speaks_tls and port.endpoint is not None]
        ways = [(_way(port, number), port.promised) for number, port in enumerate(ports, start=1)]
        tried.ways = require_passage(stage.scenario(), user, confidant, ways)
        logger.info(
            f"logins work at {', '.join(way.place.title for way in tried.ways)}; at "
            f"{len(ways) - len(tried.ways)} other ports with TLS something else is spoken"
        )

    @keyword
    def log_in_through_middles_that_attack(self, user: str, confidant: str) -> None:
        """Logs in through somebody who attacks, once for each attack, wherever a login through one who does not works.

        First shows that somebody with a good certificate would read the credential. Nothing else fails here;
        `Downgrades Should Have Failed` tells what was gained, and `Check History` what a session could do that should
        not exist.

        Args:
            user: Who logs in, with a genuine credential each time.
            confidant: To whom a message goes if there is a session.

        Example:

        ```robotframework
        *** Test Cases ***
        Nobody in the middle gets a session
            Connect People    alice and bob
            Log In Through A Middle That Changes Nothing    carol    bob
            Log In Through Middles That Attack    carol    bob
            Downgrades Should Have Failed
        ```
        """
        tried = self._current()
        if not tried.ways:
            raise AssertionError(
                "Nobody has logged in through a middle that changes nothing, so a refusal would mean nothing. Use "
                "`Log In Through A Middle That Changes Nothing` first."
            )
        for number, way in enumerate(tried.ways, start=1):
            read = require_reading(stage.scenario(), way)
            logger.info(f"with a good certificate somebody in the middle reads {read} bytes of a credential")
            met = ambush(stage.scenario(), user, confidant, way, number)
            tried.campaign.add(met.results)
            tried.leaked = max(tried.leaked or 0, met.leaked)
            tried.leaks += met.leaks
        _show(tried)

    @keyword
    def ask_for_less(self, node: str | None = None) -> None:
        """Asks every port with TLS for less than it has, as somebody in the middle makes their victims ask.

        Fallbacks, hellos cut down on the way, sessions taken up under less, early data, and what must not be said
        before TLS. Nothing fails here; `Downgrades Should Have Failed` tells where a server went along.

        Args:
            node: One node, by its endpoint alone; by default every port of the target.

        Example:

        ```robotframework
        *** Test Cases ***
        The server cannot be talked into less
            Ask For Less
            Downgrades Should Have Failed
        ```
        """
        tried = self._current()
        known, missed = proven()
        tried.campaign.add(missed)
        for port in _chosen(tried, node):
            if port.speaks_tls:
                tried.campaign.add(
                    [
                        downgrades.run(one, port.place)
                        for one in known
                        if not one.starttls or port.place.upgrade is not None
                    ]
                )
        _show(tried)

    @keyword
    def downgrades_should_have_failed(self) -> None:
        """Fails if an attack gained anything, a byte of a credential was read, or nothing was tried.

        Example:

        ```robotframework
        *** Test Cases ***
        The server cannot be talked into less
            Ask For Less
            Downgrades Should Have Failed
        ```
        """
        tried = self._current()
        _log(tried)
        if tried.leaks:
            raise AssertionError(
                f"Expected nobody in the middle to read anything of a credential; they read {'; '.join(tried.leaks)}."
            )
        tried.campaign.require_refusals()

    def _current(self) -> _Tried:
        """What the running scenario tried."""
        scenario = stage.scenario()
        if self._tried is None or self._tried[0] is not scenario:
            self._tried = scenario, _Tried(Campaign(_floor()), open_ports(stage.target()))
        return self._tried[1]


def _chosen(tried: _Tried, node: str | None) -> list[OpenPort]:
    return tried.ports if node is None else [endpoint_port(stage.target(), node)]


def _way(port: OpenPort, number: int) -> Way:
    assert port.endpoint is not None
    target, starttls = stage.target(), port.place.upgrade is not None
    url = port.endpoint.url
    return Way(
        replace(port.place, upgrade=None),
        replace(port.endpoint, url=url.replace("xmpps://", "xmpp://", 1)) if starttls else port.endpoint,
        starttls,
        Path(target.folder) / "middle" / str(number),
        target.issuing,
        _floor(),
    )


def _floor() -> str:
    return str(stage.target().promises.get("tls_floor", FLOOR))


def _show(tried: _Tried) -> None:
    current.case.show(attacks=tried.campaign.decided, accepted=len(tried.campaign.accepted))
    if tried.leaked is not None:
        current.case.show(leaked_bytes=tried.leaked)


def _log(tried: _Tried) -> None:
    """One line where people look, the table of all attacks collapsed."""
    results = [*tried.campaign.results, *tried.campaign.not_offered]
    line = ", ".join(
        f"{count} {name}" for name, count in Counter(one.outcome.value for one in results).items()
    )
    rows = "".join(
        "<tr>"
        + "".join(
            f"<td>{html.escape(cell)}</td>"
            for cell in (one.place, one.probe, one.source, one.outcome.value, one.detail)
        )
        + "</tr>"
        for one in results
    )
    logger.info(
        f"<b>{len(results)} attacks: {html.escape(line)}; {tried.leaked or 0} bytes of a credential read</b>"
        f"<details><summary>All attacks</summary><table>"
        f"<tr><th>where</th><th>what was done</th><th>source</th><th>outcome</th><th>how it showed</th></tr>"
        f"{rows}</table></details>",
        html=True,
    )
