"""Keywords for presence as others see it."""

from __future__ import annotations

from robot.api import logger
from robot.api.deco import keyword, library
from robot.libraries.BuiltIn import BuiltIn

from waybill.devices.presence import come_and_go
from waybill.history.events import Operation
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

    @keyword
    def come_and_go_unseen(self, person: str, *, blocked: str, watcher: str, times: int) -> None:
        """A person blocks somebody, then comes online and leaves, again and again; somebody else and the blocked one
        watch and ask.

        `Check History` reports whatever the blocked one was told. Where the protocol has no block lists the person
        comes and goes all the same, and the test's message says that nobody was blocked.

        Args:
            person: Who blocks, comes and goes.
            blocked: Who must learn nothing of it.
            watcher: Who must be told, as ever.
            times: How often.

        Example:

        ```robotframework
        *** Test Cases ***
        Nobody is seen by whom they block
            Connect People    alice and mallory
            Come And Go Unseen    bob    blocked=mallory    watcher=alice    times=10
            Check History
        ```
        """
        scenario = stage.scenario()
        bound = seconds(scenario.target.promises.get("presence_bound")) or DEFAULT_BOUND
        device, kept_from = scenario.user(person).devices["phone"], None
        if scenario.can(Operation.BLOCK):
            kept_from = scenario.device(blocked)
            device.connect()
            device.block(blocked)
            device.close()
        else:
            sentence = f"Nobody was blocked: the protocol of {scenario.driver.name} has no block lists."
            BuiltIn().set_test_message(sentence, append=True)
        come_and_go([device], scenario.device(watcher), times, goodbye=True, bound=bound, kept_from=kept_from)
        logger.info(f"{person} came and went {times} times")
