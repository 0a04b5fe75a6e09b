"""Keywords for devices that log in at awkward moments."""

from __future__ import annotations

from datetime import timedelta

from robot.api import logger
from robot.api.deco import keyword, library

from waybill.devices.arrivals import let_time_pass, lost_at_login, on_top_of_itself, soon_after_messages
from waybill.targets.toml_table import duration
from waybill.version import __version__
from WaybillLibrary import stage
from WaybillLibrary.words import CONVERTERS, Names

WAIT = timedelta(seconds=20)
SILENCE = 3.0
"""Seconds of silence where the target promises no bound for presence."""


@library(
    scope="GLOBAL", version=__version__, doc_format="MARKDOWN", converters=CONVERTERS, auto_keywords=False
)
class Arrivals:
    """Devices that log in just after a message, vanish at once, log in on top of themselves, or say nothing."""

    @keyword
    def log_in_soon_after_messages(
        self,
        sender: str,
        receivers: Names,
        *,
        rounds: int,
        messages: int,
        latest: timedelta = timedelta(milliseconds=600),
        deadline: timedelta = WAIT,
    ) -> None:
        """People go offline, are written to, and log in between nothing and `latest` after their last message.

        The moments are spread evenly over the people; the seed deals them out anew in each round.

        Args:
            sender: Who writes to all of them.
            receivers: Who goes offline and comes back.
            rounds: How often.
            messages: Messages to each of them in each round.
            latest: The longest time between the last message and the login.
            deadline: How long it may take until everybody has everything.

        Example:

        ```robotframework
        *** Test Cases ***
        A login that meets a message
            Connect People    alice, bob, carol and dave
            Log In Soon After Messages    alice    bob, carol and dave    rounds=2    messages=10
            Check History
        ```
        """
        scenario = stage.scenario()
        soon_after_messages(
            scenario.device(sender),
            [scenario.device(receiver) for receiver in receivers],
            [scenario.direct(sender, receiver) for receiver in receivers],
            rounds=rounds,
            messages=messages,
            latest=latest.total_seconds(),
            deadline=deadline.total_seconds(),
        )
        logger.info(
            f"{receivers} logged in {rounds} times each within {latest.total_seconds():g} s of a message"
        )

    @keyword
    def lose_connection_at_login(self, person: str, *, times: int) -> None:
        """A person's phone logs in and loses the connection at once, again and again, while messages wait for it.

        In turn as soon as it is logged in, and on the first message that it is given; it acknowledges nothing.

        Args:
            person: Whose first device.
            times: How often.

        Example:

        ```robotframework
        *** Test Cases ***
        A login that leads nowhere
            Connect People    alice and bob
            Disconnect People    bob
            Send Messages    alice    bob    count=50
            Lose Connection At Login    bob    times=5
            Reconnect People    bob
            Check History
        ```
        """
        lost_at_login(stage.scenario().device(person), times)

    @keyword
    def log_in_again_during_traffic(
        self, person: str, *, times: int, messages: int, deadline: timedelta = WAIT
    ) -> None:
        """A person's phone logs in again and again while its last connection is still there and messages pass.

        Args:
            person: Whose first device.
            times: How often.
            messages: How many messages must be acknowledged in the scenario meanwhile.
            deadline: How long each share of them may take.

        Example:

        ```robotframework
        *** Test Cases ***
        A client that did not notice that it lost its network
            Connect People    alice and bob
            Start Sending    alice    bob
            Log In Again During Traffic    bob    times=10    messages=200
            Stop Sending
            Check History
        ```
        """
        on_top_of_itself(stage.scenario().device(person), times, messages, deadline=deadline.total_seconds())

    @keyword
    def stay_silent(self) -> None:
        """Lets a little more time pass than the target's presence bound, or 3 seconds where it promises none.

        Example:

        ```robotframework
        *** Test Cases ***
        Silence is no reason to be forgotten
            Connect People    alice and bob
            Stay Silent
            Send Messages    alice    bob    count=10
            Check History
        ```
        """
        bound = stage.scenario().target.promises.get("presence_bound")
        seconds = 1.1 * (duration(str(bound)) or SILENCE if bound is not None else SILENCE)
        let_time_pass(seconds)
        logger.info(f"{seconds:g} s passed in silence")

    @keyword
    def connect_to_another_node(self, person: str) -> None:
        """A person's phone logs in on the target's last node, which others do not use if there are several.

        Args:
            person: Whose first device.

        Example:

        ```robotframework
        *** Test Cases ***
        Messages from another node
            Connect People    bob
            Connect To Another Node    alice
            Send Messages    alice    bob    count=10
            Check History
        ```
        """
        nodes = stage.target().nodes
        stage.scenario().device(person).connect(nodes[-1])
        logger.info(f"{person} is on {nodes[-1]}, one of {len(nodes)} nodes")
