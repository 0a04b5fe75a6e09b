"""Keywords for starts of a server: again and again, twice at once, on damaged data, and as another release."""

from __future__ import annotations

from datetime import timedelta

from robot.api import logger
from robot.api.deco import keyword, library

from waybill.faults.releases import change_release
from waybill.faults.restarts import Damage
from waybill.faults.restarts import Restarts as Choreography
from waybill.version import __version__
from WaybillLibrary import stage
from WaybillLibrary.Messages import common_conversation
from WaybillLibrary.words import CONVERTERS, Names

WAIT = timedelta(seconds=30)


@library(
    scope="GLOBAL", version=__version__, doc_format="MARKDOWN", converters=CONVERTERS, auto_keywords=False
)
class Restarts:
    """Stops, kills and starts the target's first node in the ways that its operators know.

    Everything is a fault in the scenario's history. A second start and a start on damaged data need a target that the
    kit launched.
    """

    @keyword
    def restart_again_and_again(
        self, senders: Names, receiver: str, *, times: int, deadline: timedelta = WAIT
    ) -> None:
        """Restarts the node so many times while messages are on their way, in good order and by SIGKILL in turn.

        Args:
            senders: Who writes meanwhile.
            receiver: To whom.
            times: How many times.
            deadline: How long clients may take to notice, and to be answered.

        Example:

        ```robotframework
        *** Test Cases ***
        Restarts cost nothing
            Connect People    alice and bob
            Restart Again And Again    alice    bob    times=2
            Check History
        ```
        """
        scenario = stage.scenario()
        _restarts(deadline).in_turn(
            [scenario.device(sender) for sender in senders],
            [common_conversation(sender, receiver) for sender in senders],
            times,
        )
        logger.info(f"{scenario.acknowledged_count} messages are acknowledged after {times} restarts")

    @keyword
    def start_second_server(self, sender: str, receiver: str, *, deadline: timedelta = WAIT) -> None:
        """Starts a second process on the data of the running node, with ports of its own; it must be refused.

        Args:
            sender: Who writes afterwards, to show that the node goes on.
            receiver: To whom.
            deadline: How long the answer may take.

        Example:

        ```robotframework
        *** Test Cases ***
        One directory has one writer
            Connect People    alice and bob
            Start Second Server    alice    bob
            Check History
        ```
        """
        device, conversation = stage.scenario().device(sender), common_conversation(sender, receiver)
        _restarts(deadline).second_start(device, conversation)

    @keyword
    def start_on_damaged_data(self, damage: Damage, *, deadline: timedelta = WAIT) -> None:
        """Starts the node on damaged data, which it must refuse with a clear message and leave as they are.

        Afterwards it is started on the whole data again, and everybody comes back.

        Args:
            damage: What became of the largest file.
            deadline: How long the return may take.

        Example:

        ```robotframework
        *** Test Cases ***
        What is damaged is not made anew
            Connect People    alice and bob
            Send Messages    alice    bob    count=50
            Wait Until Acknowledged
            Start On Damaged Data    IS CUT
            Check History
        ```
        """
        _restarts(deadline).damaged(damage)

    @keyword
    def change_release(self, release: str, *, node: str | None = None) -> None:
        """Stops a node and starts another release on the same data; whoever was connected has to connect again.

        An older release is given its data back by the target's command, where it has one (`[launch.migrate]`); to a
        newer one the server comes by itself.

        Args:
            release: The release, as the target file names it; `oldest` and `newest` name the first and the last.
            node: The node; by default the target's first one.

        Example:

        ```robotframework
        *** Test Cases ***
        An upgrade and a rollback
            Change Release    oldest
            Connect People    alice and bob
            Send Messages    alice    bob    count=10
            Wait Until Acknowledged
            Change Release    newest
            Reconnect Everybody
            Check History
        ```
        """
        name = stage.node(node)
        change_release(stage.scenario(), stage.faults(), stage.target().upkeep(name), name, release)


def _restarts(deadline: timedelta) -> Choreography:
    target = stage.target()
    return Choreography(
        stage.scenario(), stage.faults(), target.upkeep, target.nodes[0], deadline.total_seconds()
    )
