"""Keywords for a server that lacks file handles or a processor, and for devices that do not read."""

from __future__ import annotations

from datetime import timedelta

from robot.api import logger
from robot.api.deco import keyword, library

from waybill.devices.scenario import Scenario
from waybill.faults.handles import HandleShortage
from waybill.faults.slow_consumer import SlowConsumer
from waybill.faults.slowness import Slowness
from waybill.version import __version__
from WaybillLibrary import stage

WAIT = timedelta(seconds=30)


@library(scope="GLOBAL", version=__version__, doc_format="MARKDOWN", auto_keywords=False)
class Resources:
    """Lets the target's first node run short of something, and gives it back.

    Taking file handles needs a target that was started with `faulty_disk`.
    """

    def __init__(self) -> None:
        self._scenario: Scenario | None = None
        self._handles: HandleShortage
        self._slowness: Slowness
        self._consumers: dict[str, SlowConsumer]

    @keyword
    def take_file_handles(self) -> None:
        """Leaves the server without file handles: whatever it opens or accepts fails (EMFILE).

        Example:

        ```robotframework
        *** Settings ***
        Suite Setup    Start Target    reference    faulty_disk=True

        *** Test Cases ***
        Sessions survive a shortage of file handles
            Connect People    alice and bob
            Take File Handles
            Run Keyword And Expect Error    *    Connect People    carol
            Give File Handles Back
            Check History
        ```
        """
        self._of_scenario()
        self._handles.begin(stage.target().nodes[0])

    @keyword
    def give_file_handles_back(self) -> None:
        """Gives the server its file handles back; fails if it had not missed any.

        Example:

        ```robotframework
        *** Test Cases ***
        Nothing is opened meanwhile
            Connect People    alice
            Take File Handles
            Run Keyword And Expect Error    FaultWithoutEffect: *    Give File Handles Back
        ```
        """
        self._of_scenario()
        logger.info(f"{self._handles.end(stage.target().nodes[0])} calls failed for want of a file handle")

    @keyword
    def slow_server_down(self, *, share: float) -> None:
        """Lets the server run for a share of the time only; it stands still (SIGSTOP) for the rest.

        Args:
            share: The share, such as 0.1.

        Example:

        ```robotframework
        *** Test Cases ***
        A slow server loses nothing
            Connect People    alice and bob
            Slow Server Down    share=0.2
            Send Messages    alice    bob    count=20
            Wait Until Acknowledged
            Let Server Run
            Check History
        ```
        """
        self._of_scenario()
        self._slowness.begin(stage.target().nodes[0], share)

    @keyword
    def let_server_run(self) -> None:
        """Lets a slowed server run as fast as it can; fails if it had never stood still.

        Example:

        ```robotframework
        *** Test Cases ***
        A slow server is fast again
            Connect People    alice and bob
            Slow Server Down    share=0.5
            Let Server Run
        ```
        """
        self._of_scenario()
        logger.info(f"the server stood still {self._slowness.end()} times")

    @keyword
    def stop_reading(self, person: str) -> None:
        """Lets a person's device read nothing from now on, as one on a bad line; it connects again for that.

        Args:
            person: The device's owner, or the device.

        Example:

        ```robotframework
        *** Test Cases ***
        A slow consumer gets everything in the end
            Connect People    alice and bob
            Stop Reading    bob
            Send Messages    alice    bob    count=100
            Wait Until Acknowledged
            Read On    bob
            Check History
        ```
        """
        self._of_scenario()
        device = stage.scenario().device(person)
        self._consumers.setdefault(device.name, SlowConsumer(device)).begin()

    @keyword
    def read_on(self, person: str, *, deadline: timedelta = WAIT) -> None:
        """Lets a device read again until it holds all that is owed; fails if nothing had been held back.

        Args:
            person: The device's owner, or the device.
            deadline: How long the rest may take.

        Example:

        ```robotframework
        *** Test Cases ***
        Nothing is held back
            Connect People    bob
            Stop Reading    bob
            Run Keyword And Expect Error    FaultWithoutEffect: *    Read On    bob
        ```
        """
        self._of_scenario()
        device = stage.scenario().device(person)
        consumer = self._consumers.setdefault(device.name, SlowConsumer(device))
        logger.info(f"{consumer.end(deadline=deadline.total_seconds())} messages had been held back")

    def _of_scenario(self) -> None:
        """What runs short in the running scenario; a new one begins with nothing short."""
        scenario = stage.scenario()
        if self._scenario is not scenario:
            target = stage.target()
            self._scenario = scenario
            self._handles = HandleShortage(target, lambda: scenario.recorder)
            self._slowness = Slowness(target, lambda: scenario.recorder)
            self._consumers = {}
            stage.at_end(self._give_up)

    def _give_up(self) -> None:
        self._handles.give_up()
        self._slowness.give_up()
        for consumer in self._consumers.values():
            consumer.give_up()
