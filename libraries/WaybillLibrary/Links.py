"""Keywords for clients whose way to the server fails."""

from __future__ import annotations

from datetime import timedelta
from enum import Enum

from robot.api import logger
from robot.api.deco import keyword, library

from waybill.devices.absences import wait_until_cut_off
from waybill.faults.disturbances import (
    Disturbance,
    Way,
    black_hole,
    cut_after,
    cut_on_frame,
    drop,
    flip_bit,
    limit_rate,
    lose_packets,
    stall,
)
from waybill.faults.disturbances import delay as late
from waybill.history.events import Completion
from waybill.network.flow import Ending
from waybill.version import __version__
from WaybillLibrary import stage
from WaybillLibrary.words import CONVERTERS, Names

WAIT = timedelta(seconds=10)
NONE = timedelta()


class Mechanism(Enum):
    """What carries out that everything vanishes on a link."""

    PROXY = "proxy"
    """A proxy that reads bytes and does not write them."""
    PACKETS = "packets"
    """A switch in a network of the server's own that does not pass packets on."""


@library(
    scope="GLOBAL", version=__version__, doc_format="MARKDOWN", converters=CONVERTERS, auto_keywords=False
)
class Links:
    """Disturbs the way of a client to the server, and heals it.

    The target must have been started with `faulty_links`. Each device has a link of its own to the node that it uses,
    so nobody else notices; TLS passes through untouched. A person's first device is meant unless another one is named,
    as in `alice/tablet`. What is wrong with a link holds from the very next byte until `Heal Links`, or the end of the
    scenario; where nothing met it, the scenario shows nothing and fails.
    """

    @keyword
    def cut_link(self, person: str, *, after: int, way: Way = Way.TO, ending: Ending = Ending.RESET) -> None:
        """Ends a connection after so many further bytes, whatever stands at that place.

        Args:
            person: Whose link.
            after: Bytes that still pass.
            way: To the node or from it.
            ending: `RESET`, or `FIN`: an orderly end in the middle of what was said.

        Example:

        ```robotframework
        *** Settings ***
        Suite Setup    Start Target    reference    faulty_links=True

        *** Test Cases ***
        A lost connection costs nothing
            Connect People    alice and bob
            Cut Link    alice    after=100
            Send Messages    alice    bob    count=5
            Heal Links    alice
            Reconnect Everybody
            Retry Messages    alice    which=UNKNOWN
            Check History
        ```
        """
        _begin(person, cut_after(way, after, ending))

    @keyword
    def cut_link_on_frame(self, person: str, *, frame: int, way: Way = Way.TO) -> None:
        """Resets a connection on a frame that is about to pass: the other side never sees it.

        Args:
            person: Whose link.
            frame: Which one from now on, counted from 1. Over TLS a frame is a record, which carries one write.
            way: To the node or from it.

        Example:

        ```robotframework
        *** Settings ***
        Suite Setup    Start Target    reference    faulty_links=True

        *** Test Cases ***
        An answer that gets lost costs nothing
            Connect People    alice and bob
            Cut Link On Frame    alice    frame=3    way=FROM
            Send Messages    alice    bob    count=5
            Heal Links    alice
            Reconnect Everybody
            Retry Messages    alice    which=UNKNOWN
            Check History
        ```
        """
        _begin(person, cut_on_frame(way, frame))

    @keyword
    def delay_link(
        self, person: str, *, delay: timedelta, jitter: timedelta = NONE, way: Way = Way.TO
    ) -> None:
        """Lets everything arrive late, in order.

        Args:
            person: Whose link.
            delay: How late.
            jitter: How much later at most, drawn anew for each part.
            way: To the node or from it.

        Example:

        ```robotframework
        *** Settings ***
        Suite Setup    Start Target    reference    faulty_links=True

        *** Test Cases ***
        Patience
            Connect People    alice and bob
            Delay Link    alice    delay=50ms    jitter=20ms
            Send Messages    alice    bob    count=5
            Heal Links    alice
            Check History
        ```
        """
        _begin(person, late(way, delay.total_seconds(), jitter.total_seconds()))

    @keyword
    def slow_link_down(self, person: str, *, rate: float, way: Way = Way.TO) -> None:
        """Lets no more than so many bytes pass in a second.

        Args:
            person: Whose link.
            rate: Bytes per second.
            way: To the node or from it.

        Example:

        ```robotframework
        *** Settings ***
        Suite Setup    Start Target    reference    faulty_links=True

        *** Test Cases ***
        A thin line
            Connect People    alice and bob
            Slow Link Down    alice    rate=5000
            Send Messages    alice    bob    count=5
            Heal Links    alice
            Check History
        ```
        """
        _begin(person, limit_rate(way, rate))

    @keyword
    def stall_link(self, person: str, *, way: Way = Way.TO) -> None:
        """Takes nothing from the writer any more until the link is healed; then everything comes.

        Args:
            person: Whose link.
            way: To the node or from it.

        Example:

        ```robotframework
        *** Settings ***
        Suite Setup    Start Target    reference    faulty_links=True

        *** Test Cases ***
        A tunnel
            Connect People    alice and bob
            Stall Link    alice
            Send Messages    alice    bob    count=5
            Heal Links    alice
            Check History
        ```
        """
        _begin(person, stall(way))

    @keyword
    def drop_on_link(self, person: str, *, way: Way = Way.TO, mechanism: Mechanism = Mechanism.PROXY) -> None:
        """Lets everything vanish in one direction; the other one works, and nobody is told.

        By `PROXY` it is bytes that vanish: the connection is of no use afterwards, and is reset when the link heals. By
        `PACKETS` the server and its client see what a broken wire does: TCP sends again, gives up after its own time,
        or goes on as if nothing had been when the link heals. The target must have been started with `faulty_packets`.

        Args:
            person: Whose link.
            way: To the node or from it.
            mechanism: What vanishes.

        Example:

        ```robotframework
        *** Settings ***
        Suite Setup    Start Target    reference    faulty_links=True

        *** Test Cases ***
        A link that is dead one way
            Connect People    alice and bob
            Drop On Link    alice    way=FROM
            Send Messages    alice    bob    count=5
            Heal Links    alice
            Reconnect Everybody
            Retry Messages    alice    which=UNKNOWN
            Check History
        ```
        """
        _begin(person, drop(way) if mechanism is Mechanism.PROXY else lose_packets(way))

    @keyword
    def flip_bit_on_link(self, person: str, *, after: int, way: Way = Way.TO) -> None:
        """Turns over one bit of one byte.

        Args:
            person: Whose link.
            after: So many bytes come before it.
            way: To the node or from it.

        Example:

        ```robotframework
        *** Settings ***
        Suite Setup    Start Target    reference    faulty_links=True

        *** Test Cases ***
        Nobody believes a damaged record
            Connect People    alice and bob
            Flip Bit On Link    alice    after=20
            Send Messages    alice    bob    count=5
            Heal Links    alice
            Reconnect Everybody
            Retry Messages    alice    which=UNKNOWN
            Check History
        ```
        """
        _begin(person, flip_bit(way, after))

    @keyword
    def swallow_connections(self, person: str) -> None:
        """Takes new connections, and never answers on them; the connection that is there stays.

        Args:
            person: Whose link.

        Example:

        ```robotframework
        *** Settings ***
        Suite Setup    Start Target    reference    faulty_links=True

        *** Test Cases ***
        A black hole
            Connect People    alice and bob
            Swallow Connections    alice
            Disconnect People    alice
            Connecting Should Fail    alice
            Heal Links    alice
            Check History
        ```
        """
        _begin(person, black_hole())

    @keyword
    def connecting_should_fail(self, person: str, *, deadline: timedelta = timedelta(seconds=1)) -> None:
        """Tries to connect a person's first device, and fails if it gets a session.

        Args:
            person: Who connects.
            deadline: How long the device waits for the server.

        Example:

        ```robotframework
        *** Test Cases ***
        A black hole
            Connect People    alice
            Disconnect People    alice
            Swallow Connections    alice
            Connecting Should Fail    alice
            Heal Links    alice
        ```
        """
        outcome = stage.scenario().device(person).try_connect(deadline=deadline.total_seconds())
        if outcome.completion is Completion.OK:
            raise AssertionError(f"Expected that {person} gets no session; {person} is connected.")
        logger.info(f"{person} got no session: {outcome.code}: {outcome.text}")

    @keyword
    def wait_until_cut_off(self, people: Names, *, deadline: timedelta = WAIT) -> None:
        """Waits until the devices of people have noticed that their connections are gone.

        Args:
            people: Whose devices.
            deadline: How long it may take.

        Example:

        ```robotframework
        *** Test Cases ***
        A lost connection costs nothing
            Connect People    alice and bob
            Cut Link    alice    after=100
            Send Messages    alice    bob    count=5
            Wait Until Cut Off    alice
            Heal Links    alice
        ```
        """
        devices = [stage.scenario().device(person) for person in people]
        wait_until_cut_off(devices, "the connection", deadline.total_seconds())

    @keyword
    def heal_links(self, people: Names | None = None, *, deadline: timedelta = WAIT) -> None:
        """Lets the links of people pass everything again, once what was wrong with them was met.

        A connection of which bytes vanished is reset then: TCP would have sent them again.

        Args:
            people: Whose links; by default all that are disturbed.
            deadline: How long the traffic may take to meet what nothing met yet.

        Example:

        ```robotframework
        *** Test Cases ***
        A tunnel
            Connect People    alice and bob
            Stall Link    alice
            Send Messages    alice    bob    count=5
            Heal Links    alice
            Check History
        ```
        """
        scenario = stage.scenario()
        clients = None if people is None else [scenario.device(person).name for person in people]
        stage.link_faults().end(clients, deadline=deadline.total_seconds())


def _begin(person: str, disturbance: Disturbance) -> None:
    device = stage.scenario().device(person)
    stage.link_faults().begin(device.name, device.node, disturbance)
    logger.info(f"{disturbance.kind} on the link of {device.name}: {dict(disturbance.details)}")
