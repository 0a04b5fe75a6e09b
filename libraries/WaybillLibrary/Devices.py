"""Keywords for people and their devices: who is online, on what, and how connections end."""

from __future__ import annotations

from datetime import timedelta

from robot.api import logger
from robot.api.deco import keyword, library

from waybill.devices.absences import away_during_traffic, come_back, leave
from waybill.devices.device import Device
from waybill.devices.policy import Acknowledge
from waybill.version import __version__
from WaybillLibrary import stage
from WaybillLibrary.words import CONVERTERS, How, Names

PHONE = Names(["phone"])
WAIT = timedelta(seconds=15)


@library(
    scope="GLOBAL", version=__version__, doc_format="MARKDOWN", converters=CONVERTERS, auto_keywords=False
)
class Devices:
    """Who is online, on what, and how connections end.

    People are called by the scenario's names (`alice`); the target gives each of them an account of its own. A device
    is written `alice/phone`. Names come as people write them: `alice`, `alice and bob`, `alice, bob and carol`.
    """

    @keyword
    def connect_people(
        self,
        people: Names,
        *,
        devices: Names = PHONE,
        acknowledge: Acknowledge = Acknowledge.AUTO,
        piece: int = 0,
    ) -> None:
        """Each of the people logs in on each of the devices.

        Args:
            people: Their names.
            devices: The devices of each.
            acknowledge: When the devices acknowledge what they are given.
            piece: Write in pieces of at most so many bytes, so that frames arrive split; 0 for whole writes.

        Example:

        ```robotframework
        *** Test Cases ***
        Two people are online
            Connect People    alice and bob    devices=phone and tablet
        ```
        """
        scenario = stage.scenario()
        invited = [scenario.user(person, devices) for person in people]
        for person in invited:
            for name in devices:
                person.devices[name].connect(acknowledge=acknowledge, piece=piece)
        logger.info(f"{people} online on {devices}")

    @keyword
    def connect_crowd(self, count: int, *, devices: Names = PHONE) -> None:
        """So many people, named by the kit, log in on each of the devices.

        Args:
            count: How many.
            devices: The devices of each.

        Example:

        ```robotframework
        *** Test Cases ***
        Many people are online
            Connect Crowd    50
        ```
        """
        width = len(str(count))
        self.connect_people(
            Names(f"member-{number:0{width}d}" for number in range(1, count + 1)), devices=devices
        )

    @keyword
    def disconnect_people(self, people: Names, *, how: How = How.CLOSE) -> None:
        """The connections of all devices of these people end.

        Args:
            people: Their names.
            how: With or without goodbye.

        Example:

        ```robotframework
        *** Test Cases ***
        Bob crashes
            Connect People    bob
            Disconnect People    bob    how=CUT
        ```
        """
        leave(self._of(people), goodbye=how is How.CLOSE)

    @keyword
    def reconnect_people(self, people: Names) -> None:
        """All devices of these people that are offline connect again.

        Args:
            people: Their names.

        Example:

        ```robotframework
        *** Test Cases ***
        Bob comes back
            Connect People    bob
            Disconnect People    bob
            Reconnect People    bob
        ```
        """
        come_back(self._of(people))

    @keyword
    def reconnect_everybody(self) -> None:
        """Every device of the scenario that is offline connects again.

        Example:

        ```robotframework
        *** Test Cases ***
        Everybody is back after a restart
            Connect People    alice and bob
            Kill Server
            Start Server
            Reconnect Everybody
        ```
        """
        come_back(stage.scenario().devices)

    @keyword
    def disconnect_devices(self, kind: str, *, how: How = How.CLOSE) -> None:
        """Everybody's devices of this kind end their connections.

        Args:
            kind: The devices' name, for example `tablet`.
            how: With or without goodbye.

        Example:

        ```robotframework
        *** Test Cases ***
        The tablets run out of power
            Connect People    alice and bob    devices=phone and tablet
            Disconnect Devices    tablet    how=CUT
        ```
        """
        leave(self._kind(kind), goodbye=how is How.CLOSE)

    @keyword
    def reconnect_devices(self, kind: str, *, elsewhere: bool = False) -> None:
        """Everybody's devices of this kind that are offline connect again.

        Args:
            kind: The devices' name, for example `tablet`.
            elsewhere: Each at the next one of the target's nodes, instead of where it was.

        Example:

        ```robotframework
        *** Test Cases ***
        The tablets come back
            Connect People    alice and bob    devices=phone and tablet
            Disconnect Devices    tablet
            Reconnect Devices    tablet
        ```
        """
        come_back(self._kind(kind), elsewhere=elsewhere)

    @keyword
    def reconnect_during_traffic(
        self,
        person: str,
        *,
        times: int,
        messages: int,
        how: How = How.CUT,
        elsewhere: bool = False,
        deadline: timedelta = WAIT,
    ) -> None:
        """A person's devices are away and come back, spread over the traffic that runs meanwhile.

        Half of each share of the messages passes while the devices are away, the other half while they are there.

        Args:
            person: Whose devices.
            times: How often.
            messages: How many messages must be acknowledged in the scenario meanwhile.
            how: With or without goodbye.
            elsewhere: They come back at another node of the target each time.
            deadline: How long each share of the messages may take.

        Example:

        ```robotframework
        *** Test Cases ***
        A shaky connection
            Connect People    alice and bob
            Start Sending    alice    bob
            Reconnect During Traffic    bob    times=10    messages=500
            Stop Sending
            Check History
        ```
        """
        away_during_traffic(
            stage.scenario(),
            self._of(Names([person])),
            times,
            messages,
            goodbye=how is How.CLOSE,
            elsewhere=elsewhere,
            deadline=deadline.total_seconds(),
        )

    def _of(self, people: Names) -> list[Device]:
        scenario = stage.scenario()
        unknown = [person for person in people if person not in scenario.users]
        if unknown:
            raise ValueError(
                f"Nobody called {unknown[0]} is in this scenario; there are {', '.join(scenario.users) or 'none yet'}."
            )
        return [device for person in people for device in scenario.users[person].devices.values()]

    def _kind(self, kind: str) -> list[Device]:
        scenario = stage.scenario()
        found = [device for device in scenario.devices if device.device == kind]
        if not found:
            names = sorted({device.device for device in scenario.devices})
            raise ValueError(
                f"Nobody has a {kind} in this scenario; there are {', '.join(names) or 'no devices yet'}."
            )
        return found
