"""Keywords for typing notices, delivery receipts and read markers."""

from __future__ import annotations

from datetime import timedelta

from robot.api.deco import keyword, library

from waybill.devices.absences import send_during_absences
from waybill.devices.talk import one_round, receipts_converge, set_markers
from waybill.version import __version__
from WaybillLibrary import stage
from WaybillLibrary.words import CONVERTERS, How

WAIT = timedelta(seconds=10)


@library(
    scope="GLOBAL", version=__version__, doc_format="MARKDOWN", converters=CONVERTERS, auto_keywords=False
)
class Receipts:
    """Typing notices, delivery receipts and read markers, and conversations that use them all."""

    @keyword
    def converse(self, one: str, other: str, *, messages: int) -> None:
        """Two people type, write, receive, read, and see that they were read.

        Args:
            one: Who begins.
            other: Who answers.
            messages: Messages of both together.

        Example:

        ```robotframework
        *** Test Cases ***
        A talk
            Connect People    alice and bob
            Converse    alice    bob    messages=10
            Check History
        ```
        """
        scenario = stage.scenario()
        one_round(scenario.device(one), scenario.device(other), scenario.direct(one, other), messages)

    @keyword
    def send_during_absences(
        self,
        sender: str,
        person: str,
        *,
        absences: int,
        messages: int,
        how: How = How.CLOSE,
        deadline: timedelta = WAIT,
    ) -> None:
        """A person is away several times; each absence meets its share of the messages, which arrive on the return.

        Args:
            sender: Who writes.
            person: Who is away, with all devices.
            absences: How often.
            messages: Messages in all.
            how: With or without goodbye.
            deadline: How long the messages of one absence may take to arrive.

        Example:

        ```robotframework
        *** Test Cases ***
        Spells offline
            Connect People    alice and bob
            Send During Absences    alice    bob    absences=5    messages=50
            Check History
        ```
        """
        scenario = stage.scenario()
        send_during_absences(
            scenario.device(sender),
            list(scenario.user(person).devices.values()),
            scenario.direct(sender, person),
            absences,
            messages,
            goodbye=how is How.CLOSE,
            deadline=deadline.total_seconds(),
        )

    @keyword
    def set_read_markers(self, one: str, other: str, *, count: int) -> None:
        """Both people set read markers in their conversation at random places, from all their devices.

        Args:
            one: One of them.
            other: The other one.
            count: Markers in all.

        Example:

        ```robotframework
        *** Test Cases ***
        Scrolling up does not unread
            Connect People    alice and bob
            Send Messages    alice    bob    count=20
            Wait Until Acknowledged
            Wait For Deliveries    bob
            Set Read Markers    alice    bob    count=50
            Receipts Should Converge    alice    bob
            Check History
        ```
        """
        scenario = stage.scenario()
        devices = [*scenario.user(one).devices.values(), *scenario.user(other).devices.values()]
        set_markers(scenario, scenario.direct(one, other), devices, count)

    @keyword
    def receipts_should_converge(self, one: str, other: str) -> None:
        """Waits until the receipts of a conversation cover everything, then asks for them from every device.

        The history holds every answer; `Check History` compares them.

        Args:
            one: One of the two people.
            other: The other one.

        Example:

        ```robotframework
        *** Test Cases ***
        Receipts are the same everywhere
            Connect People    alice and bob    devices=phone and tablet
            Send Messages    alice    bob    count=20
            Wait Until Acknowledged
            Receipts Should Converge    alice    bob
            Check History
        ```
        """
        scenario = stage.scenario()
        devices = [*scenario.user(one).devices.values(), *scenario.user(other).devices.values()]
        receipts_converge(scenario.direct(one, other), devices)
