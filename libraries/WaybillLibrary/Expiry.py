"""Keywords for messages with a time to live."""

from __future__ import annotations

from datetime import timedelta

from robot.api import logger
from robot.api.deco import keyword, library

from waybill.devices import expiring
from waybill.version import __version__
from WaybillLibrary import stage
from WaybillLibrary.Clock import Off
from WaybillLibrary.Messages import common_conversation
from WaybillLibrary.words import CONVERTERS

WAIT = timedelta(seconds=20)


@library(
    scope="GLOBAL", version=__version__, doc_format="MARKDOWN", converters=CONVERTERS, auto_keywords=False
)
class Expiry:
    """Messages that live for some time only, and what their senders are told of the end.

    What was not given in time is owed to nobody any more; what is given afterwards is found by `Check History`, as is
    what was said to have expired too early.
    """

    @keyword
    def send_expiring_messages(self, sender: str, receiver: str, *, count: int, ttl: timedelta) -> None:
        """Sends messages with a time to live, without waiting for acknowledgements.

        Args:
            sender: Who writes.
            receiver: To whom.
            count: How many messages.
            ttl: How long each of them lives from the moment in which the server takes it over.

        Example:

        ```robotframework
        *** Test Cases ***
        What nobody read in time
            Connect People    alice and bob
            Disconnect People    bob
            Send Expiring Messages    alice    bob    count=10    ttl=2 seconds
            Wait Until Acknowledged
            Wait Until Expired    alice
            Check History
        ```
        """
        device = stage.scenario().device(sender)
        expiring.send_expiring(device, common_conversation(sender, receiver), count, ttl.total_seconds())
        logger.info(f"{sender} sent {count} messages to {receiver} that live {ttl.total_seconds():g} s")

    @keyword
    def send_expiring_messages_from_wrong_device(
        self, sender: str, receiver: str, *, count: int, ttl: timedelta, by: timedelta, off: Off = Off.AHEAD
    ) -> None:
        """Sends messages with a time to live from a device whose own clock is off, and which says so in each frame.

        Args:
            sender: Who writes.
            receiver: To whom.
            count: How many messages.
            ttl: How long each of them lives from the moment in which the server takes it over.
            by: How far the device's clock is off.
            off: On which side of the real time.

        Example:

        ```robotframework
        *** Test Cases ***
        The server's clock counts
            Connect People    alice and bob
            Send Expiring Messages From Wrong Device    alice    bob    count=10    ttl=2 seconds    by=1 day
            Wait Until Expired    alice
            Check History
        ```
        """
        expiring.send_expiring_from_wrong_device(
            stage.scenario().device(sender),
            common_conversation(sender, receiver),
            count,
            ttl.total_seconds(),
            off.value * by.total_seconds(),
        )

    @keyword
    def wait_until_expired(self, sender: str, *, deadline: timedelta = WAIT) -> None:
        """Waits until somebody was told of all acknowledged messages with a time to live that they have expired.

        Args:
            sender: Who sent them.
            deadline: How long the notices may take once the last message has reached its end.

        Example:

        ```robotframework
        *** Test Cases ***
        The sender is told
            Connect People    alice and bob
            Send Expiring Messages    alice    bob    count=10    ttl=2 seconds
            Wait Until Acknowledged
            Wait Until Expired    alice
            Check History
        ```
        """
        scenario = stage.scenario()
        sent = expiring.expiring(scenario, sender)
        expiring.wait_until_expired(scenario, sent, deadline.total_seconds())
        logger.info(f"{sender} was told of {len(sent)} messages that they have expired")

    @keyword
    def learn_what_expired(self, sender: str, *, deadline: timedelta = WAIT) -> None:
        """Asks the server what became of each message with a time to live, and waits for the end of the others.

        It is for a sender that was away meanwhile and has missed notices.

        Args:
            sender: Who sent them.
            deadline: How long an answer may take, and a notice once its message has reached its end.

        Example:

        ```robotframework
        *** Test Cases ***
        A sender that was away
            Connect People    alice and bob
            Send Expiring Messages    alice    bob    count=10    ttl=2 seconds
            Wait Until Acknowledged
            Disconnect People    alice    how=CUT
            Reconnect People    alice
            Learn What Expired    alice
            Check History
        ```
        """
        scenario = stage.scenario()
        sent = expiring.expiring(scenario, sender)
        expiring.learn_what_expired(scenario.device(sender), sent, deadline.total_seconds())
        logger.info(f"{sender} learned of {len(sent)} messages that they have expired")
