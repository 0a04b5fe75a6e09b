"""Keywords for people who must notice nothing of what is done to others."""

from __future__ import annotations

from datetime import timedelta

from robot.api import logger
from robot.api.deco import keyword, library

from waybill.devices.bystanders import begin, losses, require_unbroken, require_untouched
from waybill.version import __version__
from WaybillLibrary import current, stage
from WaybillLibrary.words import CONVERTERS, Names

WAIT = timedelta(seconds=20)
RATE = 60.0
"""Messages per second of each bystander: enough that a short disturbance meets some, too few to be a load."""


@library(
    scope="GLOBAL", version=__version__, doc_format="MARKDOWN", converters=CONVERTERS, auto_keywords=False
)
class Bystanders:
    """Two people who talk to each other while something unusual is done to others.

    They must stay connected and lose nothing: a server that survives an attack, a flood or a broken connection at the
    cost of somebody else has not survived it.
    """

    @keyword
    def begin_bystanders(self, one: str, other: str) -> None:
        """Logs two people in and lets them write to each other until `Bystanders Should Be Untouched`.

        Args:
            one: The first.
            other: The second.

        Example:

        ```robotframework
        *** Test Cases ***
        Nobody else notices
            Begin Bystanders    yves    zoe
            Connect People    alice
            Disconnect People    alice    how=CUT
            Bystanders Should Be Untouched
            Check History
        ```
        """
        scenario = stage.scenario()
        rate = min(RATE, float(scenario.target.promises.get("steady_rate", RATE)))
        begin(scenario, one, other, rate=rate)

    @keyword
    def bystanders_should_be_untouched(self, *, deadline: timedelta = WAIT) -> None:
        """Fails if a bystander lost the connection, had a send without an acknowledgement, or lacks a message.

        Ends their traffic, which must have got through meanwhile.

        Args:
            deadline: How long it may take until their last messages have arrived.

        Example:

        ```robotframework
        *** Test Cases ***
        Nobody else notices
            Begin Bystanders    yves    zoe
            Connect People    alice
            Disconnect People    alice    how=CUT
            Bystanders Should Be Untouched
            Check History
        ```
        """
        scenario = stage.scenario()
        if not scenario.bystanders:
            raise RuntimeError("Nobody is a bystander in this scenario; `Begin Bystanders` comes first.")
        try:
            require_untouched(scenario, scenario.bystanders, deadline=deadline.total_seconds())
        finally:
            current.case.show(bystander_loss=losses(scenario.bystanders))
        sent = sum(len(device.sent) for device in scenario.bystanders)
        logger.info(f"the bystanders exchanged {sent} messages and noticed nothing")

    @keyword
    def connection_should_have_lasted(self, people: Names) -> None:
        """Fails unless every device of these people still has its first connection.

        Args:
            people: Whose devices.

        Example:

        ```robotframework
        *** Test Cases ***
        Silence is no reason to be cut off
            Connect People    alice and bob
            Stay Silent
            Connection Should Have Lasted    bob
            Send Messages    alice    bob    count=10
            Check History
        ```
        """
        scenario = stage.scenario()
        require_unbroken(
            [device for person in people for device in scenario.user(person, ()).devices.values()]
        )
