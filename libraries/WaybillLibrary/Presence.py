"""Keywords for presence as others see it."""

from __future__ import annotations

from robot.api import logger
from robot.api.deco import keyword, library

from waybill.devices.presence import come_and_go
from waybill.history.promises import seconds
from waybill.version import __version__
from WaybillLibrary import stage
from WaybillLibrary.words import CONVERTERS, How, Names

PHONE = Names(["phone"])
DEFAULT_BOUND = 5.0
"""Seconds to wait where the target file promises no bound; the checker then judges nothing by time."""


@library(
    scope="GLOBAL", version=__version__, doc_format="MARKDOWN", converters=CONVERTERS, auto_keywords=False
)
class Presence:
    """Who is online, as others see it.

    The target file promises within how long a change must be visible (`presence_bound`).
    """

    @keyword
    def come_and_go(
        self, person: str, *, watcher: str, times: int, how: How = How.CLOSE, devices: Names = PHONE
    ) -> None:
        """A person comes online and leaves, again and again, while somebody watches and asks after every step.

        With several devices they come one after the other and leave in the same order: the person is online until the
        last one is gone.

        Args:
            person: Who comes and goes.
            watcher: Whose first device watches.
            times: How often.
            how: With or without goodbye.
            devices: The person's devices.

        Example:

        ```robotframework
        *** Test Cases ***
        Presence tells the truth
            Connect People    alice
            Come And Go    bob    watcher=alice    times=10    how=CUT
            Check History
        ```
        """
        scenario = stage.scenario()
        bound = seconds(scenario.target.promises.get("presence_bound")) or DEFAULT_BOUND
        come_and_go(
            list(scenario.user(person, devices).devices.values()),
            scenario.device(watcher),
            times,
            goodbye=how is How.CLOSE,
            bound=bound,
        )
        logger.info(f"{person} came and went {times} times, told and asked within {bound:g} s each")
