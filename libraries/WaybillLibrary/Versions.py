"""Keywords for clients and servers of different versions."""

from __future__ import annotations

from datetime import timedelta

from robot.api import logger
from robot.api.deco import keyword, library

from waybill.version import __version__
from waybill.versions.meeting import Meeting
from WaybillLibrary import current, stage

WAIT = timedelta(seconds=30)


@library(scope="GLOBAL", version=__version__, doc_format="MARKDOWN", auto_keywords=False)
class Versions:
    """Puts every kind of client together with every release of the server.

    The target file must tell of other kinds of clients (`[clients]`) and name an older release
    (`[launch.process.releases]`); where it does not, the scenario ends without a verdict and says why.
    """

    @keyword
    def talk_on_every_release(self, *, count: int, deadline: timedelta = WAIT) -> None:
        """Starts the oldest release on empty data; one person with each kind of client sends so many messages to the
        others; then the server is upgraded, and they do so again.

        On each release every combination of versions is offered as well, one that nobody speaks included, and frames
        with members that nobody knows are sent. The figures `pairs` and `pairs_total` count kinds of clients with
        releases, `messages_per_pair` is the number of messages of the pair that got the fewest through, `met` names the
        pairs.

        Args:
            count: How many messages each of them sends on each release.
            deadline: How long answers and deliveries may take.

        Example:

        ```robotframework
        *** Settings ***
        Suite Setup    Start Target    reference

        *** Test Cases ***
        Old clients are at home on a new server
            Talk On Every Release    count=10
            Check History
        ```
        """
        target, scenario = stage.target(), stage.scenario()
        clients, upkeep = target.clients, target.upkeep()
        releases = upkeep.releases
        target.stop()
        upkeep.clear()
        upkeep.change_release(releases[0], every_client=True)
        target.start()
        meeting = Meeting(
            scenario, stage.faults(), upkeep, target.nodes[0], clients, deadline.total_seconds()
        )
        meeting.talk_on_every_release(count)
        through = meeting.through
        current.case.show(
            pairs=sum(number > 0 for number in through.values()),
            pairs_total=len(clients) * len(releases),
            messages_per_pair=min(through.values()),
            met=", ".join(f"client {client} with release {release}" for client, release in through),
        )
        logger.info(
            "; ".join(f"{client} with release {release}: {n}" for (client, release), n in through.items())
        )
