"""Keywords for messages at the limits that a server promises, and one beyond."""

from __future__ import annotations

from datetime import timedelta

from robot.api import logger
from robot.api.deco import keyword, library

from waybill.devices.limits import fill_inbox, oversize, require_refused, send_some_oversize
from waybill.version import __version__
from WaybillLibrary import stage
from WaybillLibrary.Messages import WAIT, common_conversation, routes
from WaybillLibrary.words import CONVERTERS, Names, Senders


@library(
    scope="GLOBAL", version=__version__, doc_format="MARKDOWN", converters=CONVERTERS, auto_keywords=False
)
class Limits:
    """Messages that are too large, and inboxes that are full.

    What a server promises under `body`, `oversize` and `inbox` is what it is held to: at the limit it takes everything,
    beyond it says so.
    """

    @keyword
    def send_oversize_messages(
        self, person: str, receiver: str, *, count: int, deadline: timedelta = WAIT
    ) -> None:
        """Sends messages of which every other one is one byte larger than the server's limit.

        Args:
            person: The sender.
            receiver: The one they write to.
            count: Messages in all.
            deadline: How long a connection may take to end where the target promises `oversize = "disconnected"`.

        Example:

        ```robotframework
        *** Test Cases ***
        Too large is refused
            Connect People    alice and bob
            Send Oversize Messages    alice    bob    count=10
            Wait Until Answered
            Oversize Messages Should Be Refused
            Check History
        ```
        """
        device, conversation = routes(Names([person]), receiver, Senders.FIRST)[0]
        sent = send_some_oversize(device, conversation, count, deadline=deadline.total_seconds())
        logger.info(f"{person} sent {len(sent)} messages to {receiver}, every other one too large")

    @keyword
    def oversize_messages_should_be_refused(self) -> None:
        """Fails unless every oversize message of `Send Oversize Messages` met what the target promises.

        That is a definite refusal, or, with the promise `oversize = "disconnected"`, the end of its connection without
        any other effect.

        Example:

        ```robotframework
        *** Test Cases ***
        Too large is refused
            Connect People    alice and bob
            Send Oversize Messages    alice    bob    count=10
            Wait Until Answered
            Oversize Messages Should Be Refused
            Check History
        ```
        """
        scenario = stage.scenario()
        require_refused(scenario, oversize(scenario), deadline=WAIT.total_seconds())

    @keyword
    def fill_inbox(
        self, sender: str, receiver: str, *, unlimited: int = 1000, deadline: timedelta = WAIT
    ) -> None:
        """Fills the inbox of somebody who is offline to the promised limit, then sends one message more.

        The message beyond the limit must be refused, or kept like the others; `Check History` sees to it. Where the
        target promises no limit (`inbox`), `unlimited` messages are sent, and all of them must be kept.

        Args:
            sender: Who writes.
            receiver: Who is offline.
            unlimited: Messages where no limit is promised.
            deadline: How long the answers may take.

        Example:

        ```robotframework
        *** Test Cases ***
        A full inbox says so
            Connect People    alice and bob
            Disconnect People    bob
            Fill Inbox    alice    bob
            Reconnect People    bob
            Check History
        ```
        """
        device = stage.scenario().device(sender)
        within, beyond = fill_inbox(
            device,
            common_conversation(sender, receiver),
            unlimited=unlimited,
            deadline=deadline.total_seconds(),
        )
        over = f"the one beyond the limit: {beyond}" if beyond else "no limit is promised"
        logger.info(f"{len(within)} messages wait for {receiver}; {over}")
