"""Keywords for a server, and for devices, whose wall clocks are wrong."""

from __future__ import annotations

from datetime import timedelta
from enum import Enum

from robot.api import logger
from robot.api.deco import keyword, library

from waybill.devices import trespassing
from waybill.devices.waiting import CapabilityMissing
from waybill.faults.clock import ClockFaults, Skew
from waybill.faults.skews import Skews
from waybill.tokens.attack import NotTried
from waybill.version import __version__
from WaybillLibrary import stage
from WaybillLibrary.Messages import common_conversation
from WaybillLibrary.Trespasses import not_tried, tell

WAIT = timedelta(seconds=30)


class Off(Enum):
    """On which side of the real time a clock is."""

    AHEAD = 1
    """It shows what is still to come."""
    BEHIND = -1
    """It shows what is over."""


@library(scope="GLOBAL", version=__version__, doc_format="MARKDOWN", auto_keywords=False)
class Clock:
    """Puts wall clocks wrong and right again; monotonic time stays as it is.

    The target must have been started with `faulty_clock`. Its node and its issuer are wrong alike, as on one machine,
    where no `process` is named; new tokens are obtained after each step. Where this machine does not let clocks be
    disturbed - it takes Linux, a C compiler, and a server that takes LD_PRELOAD - the scenario ends without a verdict
    and says why.
    """

    def __init__(self) -> None:
        self._faults: tuple[object, ClockFaults] | None = None

    @keyword
    def put_clock_wrong(
        self,
        *,
        by: timedelta = timedelta(),
        off: Off = Off.AHEAD,
        rate: float = 1.0,
        process: str | None = None,
    ) -> None:
        """Puts the wall clock of the server wrong, from the next look at it.

        Args:
            by: How far it is off.
            off: On which side of the real time.
            rate: How fast it goes on from there, 1 being the real pace.
            process: A node, or the issuer; by default all of them alike.

        Example:

        ```robotframework
        *** Settings ***
        Suite Setup    Start Target    reference    faulty_clock=True

        *** Test Cases ***
        A clock is an hour behind
            Connect People    alice and bob
            Put Clock Wrong    by=1 hour    off=BEHIND
            Send Messages    alice    bob    count=10
            Put Clock Right
            Check History
        ```
        """
        self._clocks().begin(Skew(off.value * by.total_seconds(), rate), process)

    @keyword
    def put_clock_right(self, *, process: str | None = None) -> None:
        """Puts a wrong clock right; fails if nobody had looked at it meanwhile.

        Args:
            process: As it was put wrong.

        Example:

        ```robotframework
        *** Test Cases ***
        A clock runs a hundred times as fast
            Connect People    alice and bob
            Put Clock Wrong    rate=100
            Send Messages    alice    bob    count=10
            Put Clock Right
            Check History
        ```
        """
        logger.info(f"{self._clocks().end(process)} looks at a wrong clock")

    @keyword
    def send_while_clock_is_wrong(
        self,
        sender: str,
        receiver: str,
        *,
        count: int,
        by: timedelta = timedelta(),
        off: Off = Off.AHEAD,
        rate: float = 1.0,
        restart: bool = False,
        deadline: timedelta = WAIT,
    ) -> None:
        """Sends messages while the server's clock is wrong, and as many when it is right again.

        Half of them find the receiver online and half of them away; it comes back by a login under the wrong clock.
        Half of them are retried under their keys, where the server keeps keys.

        Args:
            sender: Who writes.
            receiver: To whom.
            count: How many messages, each time.
            by: How far the clock is off.
            off: On which side of the real time.
            rate: How fast it goes on from there, 1 being the real pace.
            restart: Kill the server and start it under the wrong clock.
            deadline: How long an answer, and the arrival of everything, may take.

        Example:

        ```robotframework
        *** Test Cases ***
        A day ahead
            Connect People    alice and bob
            Send While Clock Is Wrong    alice    bob    count=20    by=1 day
            Check History
        ```
        """
        skew = Skew(off.value * by.total_seconds(), rate)
        self._send([skew], sender, receiver, count, deadline, restart=restart)

    @keyword
    def send_while_clock_steps(
        self, sender: str, receiver: str, *, count: int, by: timedelta, deadline: timedelta = WAIT
    ) -> None:
        """Sends messages while the server's clock steps forth, back, and forth again.

        Args:
            sender: Who writes.
            receiver: To whom.
            count: How many messages after each step.
            by: How far it steps to either side of the real time.
            deadline: How long an answer, and the arrival of everything, may take.

        Example:

        ```robotframework
        *** Test Cases ***
        Back and forth
            Connect People    alice and bob
            Send While Clock Steps    alice    bob    count=20    by=1 hour
            Check History
        ```
        """
        step = by.total_seconds()
        self._send([Skew(step), Skew(-step), Skew(step)], sender, receiver, count, deadline)

    @keyword
    def send_from_wrong_device(
        self,
        sender: str,
        receiver: str,
        *,
        count: int,
        by: timedelta,
        off: Off = Off.AHEAD,
        deadline: timedelta = WAIT,
    ) -> None:
        """Sends messages from a device whose own clock is off, and which says so with each of them.

        Where the protocol has no word in which a client could say the time nothing is done, and the test's message says
        so.

        Args:
            sender: Who writes.
            receiver: To whom.
            count: How many messages.
            by: How far the device's clock is off.
            off: On which side of the real time.
            deadline: How long an answer, and the arrival of everything, may take.

        Example:

        ```robotframework
        *** Test Cases ***
        A telephone of yesterday
            Connect People    alice and bob
            Send From Wrong Device    alice    bob    count=20    by=1 day    off=BEHIND
            Check History
        ```
        """
        scenario = stage.scenario()
        try:
            self._skews(deadline).send_from_wrong_device(
                off.value * by.total_seconds(),
                scenario.device(sender),
                scenario.device(receiver),
                common_conversation(sender, receiver),
                count,
            )
        except CapabilityMissing:
            not_tried(
                "a device with a wrong clock", "the protocol has no word in which it could say the time"
            )

    @keyword
    def send_expiring_messages_while_clocks_are_wrong(
        self,
        sender: str,
        receiver: str,
        *,
        count: int,
        ttl: timedelta,
        by: timedelta,
        off: Off = Off.AHEAD,
        deadline: timedelta = WAIT,
    ) -> None:
        """Sends messages with a time to live to somebody who is away until all of them have expired.

        The server's clock steps while they wait, and half of them come from a device whose clock is off to the other
        side. Where the protocol has no such messages nothing is done, and the test's message says so.

        Args:
            sender: Who writes.
            receiver: Who goes offline, and comes back when they have expired.
            count: How many messages.
            ttl: How long they live.
            by: How far the server's clock steps.
            off: To which side of the real time.
            deadline: How long an answer, and a notice once its message has reached its end, may take.

        Example:

        ```robotframework
        *** Test Cases ***
        Two seconds are two seconds
            Connect People    alice and bob
            Send Expiring Messages While Clocks Are Wrong    alice    bob    count=20    ttl=2 seconds    by=1 day
            Check History
        ```
        """
        scenario = stage.scenario()
        try:
            self._skews(deadline).send_expiring(
                off.value * by.total_seconds(),
                scenario.device(sender),
                scenario.device(receiver),
                common_conversation(sender, receiver),
                count,
                ttl.total_seconds(),
            )
        except CapabilityMissing:
            not_tried("messages with a time to live", "the protocol has none whose end its sender is told of")

    @keyword
    def try_operations_after_expiry_while_clock_is_behind(
        self, intruder: str, *, victim: str, by: timedelta, deadline: timedelta = WAIT
    ) -> None:
        """Tries every operation on sessions whose tokens have expired, while the server's clock says otherwise.

        The clock is put back when the sessions are open: what counts is the time that has passed since their login.
        Where the target's issuer signs no tokens that end in seconds nothing is done, and the test's message says so.

        Args:
            intruder: Who tries.
            victim: Whose conversations and presence are the object.
            by: How far the clock is put back.
            deadline: How long an answer may take.

        Example:

        ```robotframework
        *** Test Cases ***
        A session ends with its token whatever the clock says
            Connect People    alice and bob
            Try Operations After Expiry While Clock Is Behind    mallory    victim=bob    by=1 hour
            Attempts Should Have Failed
        ```
        """
        behind = self._skews(deadline).wrong(Skew(-by.total_seconds()))
        try:
            found = trespassing.try_operations_after_expiry(
                stage.scenario(), intruder, victim, meanwhile=behind
            )
        except NotTried as reason:
            not_tried("what works after the end of a token", str(reason))
        else:
            tell("the end of its token", found)

    def _send(
        self,
        skews: list[Skew],
        sender: str,
        receiver: str,
        count: int,
        deadline: timedelta,
        *,
        restart: bool = False,
    ) -> None:
        scenario = stage.scenario()
        self._skews(deadline).send_while(
            skews,
            scenario.device(sender),
            scenario.device(receiver),
            common_conversation(sender, receiver),
            count,
            restart=restart,
        )
        logger.info(f"{scenario.acknowledged_count} messages are acknowledged so far")

    def _skews(self, deadline: timedelta) -> Skews:
        target = stage.target()
        return Skews(
            stage.scenario(), self._clocks(), stage.faults(), target.nodes[0], deadline.total_seconds()
        )

    def _clocks(self) -> ClockFaults:
        """The clocks of the running scenario; what is wrong in it stays known until it ends."""
        scenario = stage.scenario()
        if self._faults is None or self._faults[0] is not scenario:
            clocks = ClockFaults(stage.target(), lambda: scenario.recorder)
            self._faults = scenario, clocks
            stage.at_end(clocks.give_up)
        return self._faults[1]
