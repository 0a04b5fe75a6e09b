"""Keywords that kill the server at chosen moments of the traffic."""

from __future__ import annotations

from datetime import timedelta

from robot.api import logger
from robot.api.deco import keyword, library

from waybill.faults.kill_points import KillPoint, KillPoints
from waybill.faults.kills import Kills as Choreography
from waybill.faults.process import Death
from waybill.faults.sweep import Sweep
from waybill.version import __version__
from WaybillLibrary import stage
from WaybillLibrary.Messages import common_conversation
from WaybillLibrary.words import CONVERTERS, Names

WAIT = timedelta(seconds=30)


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

    @keyword
    def kill_at_point(self, receiver: str, *, point: KillPoint, deadline: timedelta = WAIT) -> None:
        """Kills at a point on the way of messages that are sent one by one to somebody who is offline.

        The kill is in place of the call, or right behind it; a write or a sync is held for a moment before, while the
        rest of the server may go on. The seed draws at which call of that sort. The target must have been started with
        `faulty_disk`.

        Args:
            receiver: Who is offline.
            point: Where the server is killed.
            deadline: How long an answer, and everybody's return, may take.

        Example:

        ```robotframework
        *** Settings ***
        Suite Setup    Start Target    reference    faulty_disk=True

        *** Test Cases ***
        A kill between commit and acknowledgement
            Connect People    alice and dave
            Disconnect People    dave
            Kill At Point    dave    point=ANSWERS
            Check History
        ```
        """
        sender = _somebody_but(receiver)
        _sweep(deadline).at_point(
            point, stage.scenario().device(sender), common_conversation(sender, receiver)
        )
        _log()

    @keyword
    def kill_after_time(self, receiver: str, *, after: timedelta, deadline: timedelta = WAIT) -> None:
        """Kills some time after the acknowledgement of a message; until then others go one by one to somebody online.

        Args:
            receiver: To whom that message goes.
            after: The time.
            deadline: How long an answer, and everybody's return, may take.

        Example:

        ```robotframework
        *** Test Cases ***
        A kill when the acknowledgement is long known
            Connect People    alice, bob and dave
            Disconnect People    dave
            Kill After Time    dave    after=2 seconds
            Check History
        ```
        """
        sender = _somebody_but(receiver)
        listener = _somebody_but(receiver, sender)
        _sweep(deadline).later(
            after.total_seconds(),
            stage.scenario().device(sender),
            common_conversation(sender, receiver),
            stage.scenario().device(listener),
        )
        _log()

    @keyword
    def crash_again_and_again(self, *, times: int, deadline: timedelta = WAIT) -> None:
        """Kills the server several times in a row, each time as soon as it is ready again.

        Args:
            times: How often.
            deadline: How long everybody's return may take.

        Example:

        ```robotframework
        *** Test Cases ***
        A crash loop
            Connect People    alice and bob
            Crash Again And Again    times=3
            Check History
        ```
        """
        _sweep(deadline).crash_again_and_again(times)
        _log()


def _sweep(deadline: timedelta) -> Sweep:
    scenario = stage.scenario()
    points = KillPoints(stage.target(), lambda: scenario.recorder)
    return Sweep(scenario, points, stage.faults(), stage.target().nodes[0], deadline.total_seconds())


def _kills(death: Death) -> Choreography:
    return Choreography(stage.scenario(), stage.faults(), stage.target().nodes[0], death)


def _somebody_but(*people: str) -> str:
    others = [
        device.user for device in stage.scenario().devices if device.user not in people and device.connected
    ]
    if not others:
        raise RuntimeError(
            f"Nobody but {' and '.join(people)} is online in this scenario, so nobody can write to {people[0]}."
        )
    return others[0]


def _log() -> None:
    logger.info(f"{stage.scenario().acknowledged_count} messages are acknowledged so far")
