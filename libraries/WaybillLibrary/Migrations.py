"""Keywords for the data of a server: migrated, migrated back, cut off on the way, and too new."""

from __future__ import annotations

from robot.api import logger
from robot.api.deco import keyword, library

from waybill.faults.migrations import Migrations as Choreography
from waybill.version import __version__
from WaybillLibrary import current, stage


@library(scope="GLOBAL", version=__version__, doc_format="MARKDOWN", auto_keywords=False)
class Migrations:
    """Migrates the data of the target's first node between its releases, and compares what its users see.

    The target file must tell how (`[launch.migrate]`) and name an older release (`[launch.process.releases]`); kills on
    the way need a target that was started with `faulty_disk`. Where that cannot be had, the scenario ends without a
    verdict and says why.
    """

    def __init__(self) -> None:
        self._scenario: object = None
        self._migrations: Choreography | None = None

    @keyword
    def run_oldest_release(self) -> None:
        """Stops the node and starts its oldest release on empty data; nobody may have connected yet.

        Example:

        ```robotframework
        *** Settings ***
        Suite Setup    Start Target    reference    faulty_disk=True

        *** Test Cases ***
        The oldest release serves people
            Run Oldest Release
            Connect People    alice and bob
            Send Messages    alice    bob    count=10
            Check History
        ```
        """
        target = stage.target()
        upkeep = target.upkeep()
        oldest = upkeep.releases[0]
        target.stop()
        upkeep.clear()
        upkeep.change_release(oldest)
        target.start()
        logger.info(f"{target.nodes[0]} runs release {oldest} on empty data")

    @keyword
    def migrate_there_and_back(self) -> None:
        """Migrates forward, back and forward again, and fails if any row reads otherwise than before.

        After each migration the release that belongs to the schema is started, every device connects again and reads
        its whole log and all watermarks. The figures `rows` and `changed` tell how many were compared and differed.

        Example:

        ```robotframework
        *** Settings ***
        Suite Setup    Start Target    reference    faulty_disk=True

        *** Test Cases ***
        A rollback costs nothing
            Run Oldest Release
            Connect People    alice and bob
            Send Messages    alice    bob    count=100
            Wait Until Acknowledged
            Migrate There And Back
            Check History
        ```
        """
        migrations = self._of_scenario()
        migrations.there_and_back()
        _show(migrations)

    @keyword
    def kill_migrations(self, *, times: int) -> None:
        """Migrates back and forward so many times, each time killed once on each way and run again.

        The kills are spread evenly over the writes of a migration that nothing disturbs. Each is a fault in the
        history, counted as the figure `kill_points`.

        Args:
            times: How many times on each way.

        Example:

        ```robotframework
        *** Settings ***
        Suite Setup    Start Target    reference    faulty_disk=True

        *** Test Cases ***
        A killed migration costs nothing
            Run Oldest Release
            Connect People    alice and bob
            Send Messages    alice    bob    count=100
            Wait Until Acknowledged
            Migrate There And Back
            Kill Migrations    times=2
            Check History
        ```
        """
        migrations = self._of_scenario()
        migrations.killed(times)
        _show(migrations)

    @keyword
    def start_oldest_release_on_newest_data(self) -> None:
        """Starts the oldest release on the data of the newest, which it must refuse and leave as they are.

        Example:

        ```robotframework
        *** Settings ***
        Suite Setup    Start Target    reference    faulty_disk=True

        *** Test Cases ***
        What is too new is left alone
            Connect People    alice and bob
            Start Oldest Release On Newest Data
            Check History
        ```
        """
        migrations = self._of_scenario()
        migrations.too_new()
        _show(migrations)

    def _of_scenario(self) -> Choreography:
        scenario, target = stage.scenario(), stage.target()
        if self._scenario is not scenario or self._migrations is None:
            self._scenario = scenario
            self._migrations = Choreography(
                scenario, stage.faults(), target.upkeep(), target.nodes[0], target.interposed
            )
        return self._migrations


def _show(migrations: Choreography) -> None:
    current.case.show(rows=migrations.rows, changed=migrations.changed)
    logger.info(f"{migrations.rows} rows were compared, {migrations.changed} of them changed")
