"""Keywords for a server of several nodes: traffic at all of them, and clients that go on where their node died."""

from __future__ import annotations

from datetime import timedelta

from robot.api import logger
from robot.api.deco import keyword, library

from waybill.devices.absences import come_back_and_retry, wait_until_gone
from waybill.devices.everywhere import send_from, wait_until_everybody_holds
from waybill.faults.breakers import Breakers, Trouble
from waybill.faults.failovers import Failovers
from waybill.faults.peer_states import PeerStates
from waybill.targets.toml_table import duration
from waybill.version import __version__
from WaybillLibrary import stage

WAIT = timedelta(seconds=30)
BOUND = 30.0
"""Seconds in which clients must go on at another node, and a breaker must open, where the target promises no bound."""


@library(scope="GLOBAL", version=__version__, doc_format="MARKDOWN", auto_keywords=False)
class Nodes:
    """Uses all nodes of a target at once, and kills them.

    The target must have been started with `many_nodes`. The devices of a scenario are spread over its nodes.
    """

    @keyword
    def send_from_every_device(self, *, messages: int, deadline: timedelta = WAIT) -> None:
        """Sends messages from every device that is online, to everybody else in turn, all at the same moment.

        Returns when each is acknowledged, or refused for good; one without an outcome is a finding.

        Args:
            messages: How many from each device.
            deadline: How long the outcomes may take.

        Example:

        ```robotframework
        *** Settings ***
        Suite Setup    Start Target    reference    many_nodes=True

        *** Test Cases ***
        Everybody talks at once
            Connect People    alice, bob and carol    devices=phone and tablet
            Send From Every Device    messages=20
            Check History
        ```
        """
        scenario = stage.scenario()
        present = scenario.present
        sent = send_from(scenario, present, messages, deadline.total_seconds())
        refused = sum(one.refused for one in sent)
        logger.info(f"{len(sent) - refused} messages were acknowledged and {refused} refused")

    @keyword
    def wait_until_everybody_holds_everything(self, *, deadline: timedelta = WAIT) -> None:
        """Waits until every device that is online was given all that was acknowledged and that it must have.

        Args:
            deadline: How long that may take.

        Example:

        ```robotframework
        *** Settings ***
        Suite Setup    Start Target    reference    many_nodes=True

        *** Test Cases ***
        Everybody hears everything
            Connect People    alice, bob and carol    devices=phone and tablet
            Send From Every Device    messages=20
            Wait Until Everybody Holds Everything
            Check History
        ```
        """
        present = stage.scenario().present
        wait_until_everybody_holds(present, deadline.total_seconds())

    @keyword
    def restart_cut_off_node(self, *, deadline: timedelta = WAIT) -> None:
        """Kills the node that is cut off from all others and starts it on the same data; it stays cut off.

        Its clients come back to it and retry, under their keys, what has no known outcome.

        Args:
            deadline: How long clients may take to notice, and to be answered.

        Example:

        ```robotframework
        *** Settings ***
        Suite Setup    Start Target    reference    many_nodes=True    faulty_links=True

        *** Test Cases ***
        What waits for other nodes outlives a kill
            Connect People    alice, bob and carol    devices=phone and tablet
            Split Nodes    ISOLATED
            Send From Every Device    messages=20
            Restart Cut Off Node
            Heal Network
            Check History
        ```
        """
        scenario, node, seconds = stage.scenario(), stage.partitions().alone, deadline.total_seconds()
        there = [device for device in scenario.devices if device.connected and device.node == node]
        stage.faults().kill(node, "while it was cut off")
        wait_until_gone(there, node, seconds)
        stage.faults().start(node)
        scenario.wait_until_acknowledged(come_back_and_retry(there), deadline=seconds)

    @keyword
    def fail_over(self, *, times: int, deadline: timedelta = WAIT) -> None:
        """Kills the nodes one after the other under everybody's traffic; their clients go on at the others.

        They must do so within the promised `recovery_bound`, from the place that the server knows each device to be at,
        and they retry under their keys what has no known outcome. Everybody writes while a node is down. Then it is
        started on the same data, and everybody must hold everything before the next one is killed.

        Args:
            times: How many nodes die.
            deadline: How long outcomes and deliveries may take.

        Example:

        ```robotframework
        *** Settings ***
        Suite Setup    Start Target    reference    many_nodes=True

        *** Test Cases ***
        Clients go on elsewhere
            Connect People    alice, bob and carol    devices=phone and tablet
            Fail Over    times=3
            Check History
        ```
        """
        bound = _bound("recovery_bound")
        Failovers(stage.scenario(), stage.faults(), bound, deadline.total_seconds()).in_turn(times)

    @keyword
    def trip_breaker(self, trouble: Trouble, *, messages: int, deadline: timedelta = WAIT) -> None:
        """Brings a node into trouble until another one gives it up, and out of it until that one uses it again.

        The seed draws the two. Everybody at the other nodes writes when the trouble begins, and again when the breaker
        is open; each message must be acknowledged, or refused for good. The breaker must open within the promised
        `breaker_bound`. The target file must tell how to ask for links (`[administration.list_links]`).

        Args:
            trouble: `IS DEAD` (killed), `IS SLOW` (stands still) or `IS OUT OF REACH` (what is said to it vanishes).
            messages: How many messages each device sends, each of the two times.
            deadline: How long outcomes may take, and the breaker to close.

        Example:

        ```robotframework
        *** Settings ***
        Suite Setup    Start Target    reference    many_nodes=True    faulty_links=True

        *** Test Cases ***
        Nobody waits for the dead
            Connect People    alice, bob and carol    devices=phone and tablet
            Trip Breaker    IS DEAD    messages=20
            Check History
        ```
        """
        Breakers(
            stage.scenario(),
            stage.faults(),
            stage.partitions(),
            PeerStates(stage.target),
            _bound("breaker_bound"),
            deadline.total_seconds(),
        ).trip(trouble, messages)


def _bound(promise: str) -> float:
    return duration(str(stage.target().promises.get(promise, ""))) or BOUND
