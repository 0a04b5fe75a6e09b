"""Keywords for nodes that are cut off from each other."""

from __future__ import annotations

from datetime import timedelta

from robot.api import logger
from robot.api.deco import keyword, library

from waybill.devices.everywhere import send_from
from waybill.network.shapes import Shape
from waybill.version import __version__
from WaybillLibrary import stage

WAIT = timedelta(seconds=10)


@library(scope="GLOBAL", version=__version__, doc_format="MARKDOWN", auto_keywords=False)
class Partitions:
    """Cuts the nodes of a target off from each other and heals the network; clients reach all of them meanwhile.

    The target must have been started with `faulty_links`, and its file must tell with `{link.NODE}` how nodes reach
    each other. There is one partition at a time. It must be met by something that one node says to another, else the
    scenario shows nothing and fails.
    """

    @keyword
    def split_nodes(self, shape: Shape) -> None:
        """Cuts the nodes off from each other in a shape; the seed draws who is on which side.

        Args:
            shape: `HALVES`, `ISOLATED` (one node), `BRIDGE` (one node sees both halves), `ONE WAY` (one node hears
                nobody) or `RING` (each node sees its two neighbours).

        Example:

        ```robotframework
        *** Settings ***
        Suite Setup    Start Target    my-cluster.toml    faulty_links=True

        *** Test Cases ***
        Two halves go on
            Connect People    alice and bob
            Split Nodes    HALVES
            Send Messages    alice    bob    count=5
            Heal Network
            Check History
        ```
        """
        pairs = stage.partitions().split(shape)
        logger.info(f"Nothing passes: {', '.join(f'{one}->{other}' for one, other in sorted(pairs))}")

    @keyword
    def cut_off_node(self, node: str, *, hears: bool = False, is_heard: bool = False) -> None:
        """Cuts one node off from all others, in both directions or in one.

        Args:
            node: The node.
            hears: What the others say still reaches it.
            is_heard: What it says still reaches the others.

        Example:

        ```robotframework
        *** Settings ***
        Suite Setup    Start Target    my-cluster.toml    faulty_links=True

        *** Test Cases ***
        One node is alone
            Connect People    alice and bob
            Cut Off Node    north
            Send Messages    alice    bob    count=5
            Heal Network
            Check History
        ```
        """
        stage.partitions().isolate(node, hears=hears, is_heard=is_heard)

    @keyword
    def cut_off_node_of(self, person: str) -> None:
        """Cuts the node that somebody's device is at off from all others, in both directions.

        Args:
            person: Whose first device is meant, unless another one is named, as in `alice/tablet`.

        Example:

        ```robotframework
        *** Settings ***
        Suite Setup    Start Target    my-cluster.toml    faulty_links=True

        *** Test Cases ***
        Somebody's node is alone
            Connect People    alice and bob
            Cut Off Node Of    alice
            Send Messages    alice    bob    count=5
            Heal Network
            Check History
        ```
        """
        stage.partitions().isolate(stage.scenario().device(person).node)

    @keyword
    def let_network_flap(
        self, shape: Shape, *, times: int, messages: int = 0, deadline: timedelta = WAIT
    ) -> None:
        """Cuts the nodes off and heals the network so often, each time as soon as the cut was met.

        With messages, every device that is online sends so many after each cut, and each has an outcome before the
        network heals.

        Args:
            shape: As for `Split Nodes`; who is on which side is drawn anew each time.
            times: How often.
            messages: How many messages each device sends each time.
            deadline: How long the nodes may take to meet each cut, and outcomes to come.

        Example:

        ```robotframework
        *** Settings ***
        Suite Setup    Start Target    my-cluster.toml    faulty_links=True

        *** Test Cases ***
        A loose contact
            Connect People    alice and bob
            Start Sending    alice    bob
            Let Network Flap    HALVES    times=5
            Stop Sending
            Check History
        ```
        """
        seconds = deadline.total_seconds()

        def write() -> None:
            scenario = stage.scenario()
            present = scenario.present
            if messages:
                send_from(scenario, present, messages, seconds)

        stage.partitions().flap(shape, times, deadline=seconds, meanwhile=write)

    @keyword
    def heal_network(self, *, gradually: bool = False, deadline: timedelta = WAIT) -> None:
        """Lets everything pass between the nodes again, once the partition was met.

        Connections of which bytes vanished are reset: TCP would have sent them again.

        Args:
            gradually: Link by link, in an order that the seed draws, instead of all at once.
            deadline: How long the nodes may take to meet the partition, if they have not yet.

        Example:

        ```robotframework
        *** Settings ***
        Suite Setup    Start Target    my-cluster.toml    faulty_links=True

        *** Test Cases ***
        Links heal one after the other
            Connect People    alice and bob
            Split Nodes    HALVES
            Send Messages    alice    bob    count=5
            Heal Network    gradually=True
            Check History
        ```
        """
        stage.partitions().heal(gradually=gradually, deadline=deadline.total_seconds())
