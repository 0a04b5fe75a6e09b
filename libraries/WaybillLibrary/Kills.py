"""Keywords that kill the server at chosen moments of the traffic."""

from __future__ import annotations

from robot.api import logger
from robot.api.deco import keyword, library

from waybill.faults.kills import Kills as Choreography
from waybill.faults.process import Death
from waybill.version import __version__
from WaybillLibrary import stage
from WaybillLibrary.Messages import common_conversation
from WaybillLibrary.words import CONVERTERS, Names


@library(
    scope="GLOBAL", version=__version__, doc_format="MARKDOWN", converters=CONVERTERS, auto_keywords=False
)
class Kills:
    """Kills the target's first node with SIGKILL at a chosen moment, and starts it again on the same data.

    After each start the clients connect again and retry, under the same idempotency keys, every send whose outcome they
    do not know. With `death=LOSES POWER` the node's data also loses what was written and never synced; the target must
    have been started with `faulty_disk`.
    """

    @keyword
    def kill_after_acknowledgements(
        self, sender: str, receiver: str, *, count: int, death: Death = Death.IS_KILLED
    ) -> None:
        """Kills on the last acknowledgement of so many messages, when nothing else is under way.

        Args:
            sender: Who writes.
            receiver: To whom.
            count: How many messages.
            death: Killed, or with its power lost as well.

        Example:

        ```robotframework
        *** Test Cases ***
        An acknowledgement is a promise
            Connect People    alice and bob
            Kill After Acknowledgements    alice    bob    count=100
            Check History
        ```
        """
        scenario = stage.scenario()
        _kills(death).after_acknowledgements(
            scenario.device(sender), common_conversation(sender, receiver), count
        )
        _log()

    @keyword
    def kill_during_burst(
        self, senders: Names, receiver: str, *, times: int = 1, death: Death = Death.IS_KILLED
    ) -> None:
        """Kills when some messages of a burst are acknowledged and others are not; the seed draws the moment.

        Args:
            senders: Who writes.
            receiver: To whom.
            times: So many bursts, each with its kill.
            death: Killed, or with its power lost as well.

        Example:

        ```robotframework
        *** Test Cases ***
        A kill in full flight
            Connect People    alice, carol and bob
            Kill During Burst    alice and carol    bob
            Check History
        ```
        """
        scenario = stage.scenario()
        _kills(death).during_burst(
            [scenario.device(sender) for sender in senders],
            [common_conversation(sender, receiver) for sender in senders],
            times,
        )
        _log()

    @keyword
    def kill_on_acknowledgement(self, receiver: str, *, number: int, death: Death = Death.IS_KILLED) -> None:
        """Kills on one particular acknowledgement of messages sent one by one to somebody who is offline.

        Args:
            receiver: Who is offline.
            number: Which acknowledgement.

        Example:

        ```robotframework
        *** Test Cases ***
        A kill at a certain acknowledgement
            Connect People    alice and dave
            Disconnect People    dave
            Kill On Acknowledgement    dave    number=50
            Check History
        ```
        """
        scenario = stage.scenario()
        sender = _somebody_but(receiver)
        _kills(death).on_acknowledgement(
            scenario.device(sender), common_conversation(sender, receiver), number
        )
        _log()

    @keyword
    def kill_during_backlog(self, receiver: str, *, death: Death = Death.IS_KILLED) -> None:
        """Kills when somebody who was offline came back and holds the first part of what waited.

        Args:
            receiver: Who was offline.
            death: Killed, or with its power lost as well.

        Example:

        ```robotframework
        *** Test Cases ***
        A kill while the backlog is fetched
            Connect People    alice and dave
            Disconnect People    dave
            Kill During Backlog    dave
            Check History
        ```
        """
        scenario = stage.scenario()
        sender = _somebody_but(receiver)
        _kills(death).during_backlog(
            scenario.device(sender), scenario.device(receiver), common_conversation(sender, receiver)
        )
        _log()

    @keyword
    def kill_after_restart(self, *, death: Death = Death.IS_KILLED) -> None:
        """Kills twice: the second time on the first acknowledgement after the start.

        Args:
            death: Killed, or with its power lost as well.

        Example:

        ```robotframework
        *** Test Cases ***
        Two kills in a row
            Connect People    alice and bob
            Kill After Restart
            Check History
        ```
        """
        scenario = stage.scenario()
        one, other = list(scenario.users)[:2]
        _kills(death).after_restart(scenario.device(one), common_conversation(one, other))
        _log()


def _kills(death: Death) -> Choreography:
    return Choreography(stage.scenario(), stage.faults(), stage.target().nodes[0], death)


def _somebody_but(person: str) -> str:
    others = [
        device.user for device in stage.scenario().devices if device.user != person and device.connected
    ]
    if not others:
        raise RuntimeError(
            f"Nobody but {person} is online in this scenario, so nobody can write to {person}."
        )
    return others[0]


def _log() -> None:
    logger.info(f"{stage.scenario().acknowledged_count} messages are acknowledged so far")
