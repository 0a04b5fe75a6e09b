"""Keywords for upgrades of a server with several nodes, one node at a time."""

from __future__ import annotations

from datetime import timedelta

from robot.api import logger
from robot.api.deco import keyword, library

from waybill.devices.together import together
from waybill.faults.rolling import RollingUpgrade
from waybill.version import __version__
from WaybillLibrary import stage

WAIT = timedelta(seconds=30)


@library(scope="GLOBAL", version=__version__, doc_format="MARKDOWN", auto_keywords=False)
class Upgrades:
    """Upgrades the nodes of the target one by one, and lets them go back, while clients write.

    The target file must tell of other kinds of clients (`[clients]`) and name an older release of every node
    (`[launch.process.releases]`); where it does not, the scenario ends without a verdict and says why.
    """

    @keyword
    def run_oldest_release_everywhere(self) -> None:
        """Stops every node and starts its oldest release on empty data, for every kind of client; nobody may have
        connected yet.

        Example:

        ```robotframework
        *** Settings ***
        Suite Setup    Start Target    reference-regions

        *** Test Cases ***
        The oldest release serves people at several nodes
            Run Oldest Release Everywhere
            Connect People    alice and bob
            Send Messages    alice    bob    count=10
            Check History
        ```
        """
        target = stage.target()
        upkeeps = {node: target.upkeep(node) for node in target.nodes}
        for upkeep in upkeeps.values():
            _ = upkeep.releases
        together(target.nodes, target.stop)
        for upkeep in upkeeps.values():
            upkeep.clear()
            upkeep.change_release(upkeep.releases[0], every_client=True)
        together(target.nodes, target.start)
        logger.info(f"{', '.join(upkeeps)} run their oldest release on empty data")

    @keyword
    def upgrade_one_by_one(self, *, count: int, deadline: timedelta = WAIT) -> None:
        """Upgrades each node from its oldest release to its newest, takes the second one back and upgrades it again,
        while a person with each kind of client at each node writes to somebody with each kind of client.

        Each change is a fault in the history, `upgrade` or `rollback`, counted as the figures `upgraded` and
        `rolled_back`. Whoever is at the node comes back once, nobody else loses a connection, and after each change
        everybody is given what was acknowledged until then. A client that is never told what became of a send says
        goodbye before its node goes; what it wrote until then must arrive as well.

        Args:
            count: How many messages are acknowledged in all; what is accepted without a word does not count.
            deadline: How long answers and deliveries may take.

        Example:

        ```robotframework
        *** Settings ***
        Suite Setup    Start Target    reference-regions

        *** Test Cases ***
        An upgrade costs nothing
            Run Oldest Release Everywhere
            Upgrade One By One    count=600
            Check History
        ```
        """
        target, scenario = stage.target(), stage.scenario()
        rolling = RollingUpgrade(
            scenario, stage.faults(), target.upkeep, target.nodes, target.clients, deadline.total_seconds()
        )
        rolling.run(count)
        logger.info(
            f"{scenario.answered_count} messages are acknowledged, and {scenario.accepted_count} more were accepted "
            f"without a word"
        )
