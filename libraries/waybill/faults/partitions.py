"""Partitions: nodes that are cut off from each other, seen to be, and healed.

Where nothing passes from one node to another, nothing does on any connection, whoever dialled it; and no new connection
comes about between the two, for which TCP needs both directions.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from waybill.faults.effects import FaultWithoutEffect
from waybill.history.recorder import Recorder
from waybill.network.flow import Flow
from waybill.network.link import Link
from waybill.network.network import Network
from waybill.network.shapes import Pair, Shape, cut_pairs

SECONDS: Final = 10.0
"""How long nodes may take to say something to each other."""


class PeerLinks(Protocol):
    """What a target must have for these faults."""

    @property
    def nodes(self) -> Sequence[str]:
        """The names of its nodes."""

    @property
    def network(self) -> Network:
        """Serves the links."""

    def dialled(self, one: str, other: str) -> list[Link]:
        """The links that one node dials to reach another."""


@dataclass(frozen=True, slots=True, eq=False)
class _Cut:
    """What is cut between two nodes in one direction."""

    pair: Pair
    flows: tuple[Flow, ...]
    links: tuple[Link, ...]
    dropped: int
    refused: int

    def met(self) -> bool:
        """Whether bytes vanished, or a connection got no answer."""
        return sum(flow.dropped for flow in self.flows) > self.dropped or (
            sum(link.refused for link in self.links) > self.refused
        )


@dataclass
class Partitions:
    """Cuts nodes off from each other and heals the network, and records it; one partition at a time.

    The effect is observed when bytes between nodes vanished or a connection between them did not come about; the fault
    ends when every link is seen to pass everything again.

    Attributes:
        links: Gives the links between the nodes of the target.
        recorder: Gives the recorder of the scenario.
        random: Draws who is on which side, and in which order links heal.
    """

    links: Callable[[], PeerLinks]
    recorder: Callable[[], Recorder]
    random: random.Random
    _number: int = 0
    _cuts: list[_Cut] = field(default_factory=list)

    def split(self, shape: Shape) -> set[Pair]:
        """Cuts nodes off from each other in a shape; returns between whom nothing passes.

        Raises:
            MeansMissing: The target's nodes have no links.
            TooFewNodes: The shape needs more nodes.
        """
        pairs = cut_pairs(shape, self.links().nodes, self.random)
        self.cut(pairs, shape.value)
        return pairs

    def isolate(self, node: str, *, hears: bool = False, is_heard: bool = False) -> None:
        """Cuts one node off from all others.

        Args:
            node: The node.
            hears: What the others say still reaches it.
            is_heard: What it says still reaches the others.

        Raises:
            ValueError: There is no such node, or nothing would be cut.
        """
        nodes = self.links().nodes
        if node not in nodes:
            raise ValueError(f"There is no node '{node}'. Nodes: {', '.join(nodes)}.")
        others = [other for other in nodes if other != node]
        pairs = set() if hears else {(other, node) for other in others}
        pairs |= set() if is_heard else {(node, other) for other in others}
        shape = Shape.ONE_WAY if hears or is_heard else Shape.ISOLATED
        self.cut(pairs, shape.value)

    def cut(self, pairs: Iterable[Pair], shape: str, **details: object) -> None:
        """Lets nothing pass between these nodes, in these directions, from the very next byte on.

        Raises:
            RuntimeError: There is a partition already.
            ValueError: There is no link for one of the pairs, or there are no pairs.
        """
        if self._cuts:
            raise RuntimeError("There is a partition already; heal the network first.")
        ordered = sorted(pairs)
        links = self.links()
        for one, other in ordered:
            if not (links.dialled(one, other) or links.dialled(other, one)):
                raise ValueError(f"There is no link between {one} and {other}, so nothing can be cut there.")
        if not ordered:
            raise ValueError("Nothing is to be cut: name the nodes between which nothing shall pass.")
        names = [f"{one}->{other}" for one, other in ordered]
        nodes = sorted({node for pair in ordered for node in pair})
        self._number = self.recorder().fault_start(
            "partition", ",".join(nodes), shape=shape, cut=names, **details
        )
        self._cuts = links.network.do(lambda: [_cut(links, pair) for pair in ordered])

    def wait_for_effect(self, deadline: float = SECONDS) -> None:
        """Waits until the partition was met by something.

        Raises:
            FaultWithoutEffect: No node said anything to another one that it was cut off from.
        """
        until, network = time.monotonic() + deadline, self.links().network
        events = [flow.acted for cut in self._cuts for flow in cut.flows]
        events += [link.swallowed for cut in self._cuts for link in cut.links]

        def looked() -> bool:
            for event in events:
                event.clear()
            return any(cut.met() for cut in self._cuts)

        while not network.do(looked):
            left = until - time.monotonic()
            if left <= 0:
                raise FaultWithoutEffect(
                    f"No node said anything within {deadline:g} s to one that it was cut off from "
                    f"({self._told(self._cuts)}), so nothing is shown."
                )
            network.wait_for_any(events, left)

    def heal(self, *, gradually: bool = False, deadline: float = SECONDS) -> None:
        """Lets everything pass again, once the partition was met; nothing happens without one.

        Connections of which bytes vanished are reset: TCP would have sent them again.

        Args:
            gradually: Link by link, in an order that is drawn, instead of all at once.
            deadline: Seconds that the nodes may take to meet the partition, if they have not yet.

        Raises:
            FaultWithoutEffect: Nothing met it; the network is healed all the same.
        """
        if not self._cuts:
            return
        try:
            self.wait_for_effect(deadline)
        finally:
            self._heal(gradually=gradually)

    @property
    def alone(self) -> str:
        """The node that neither hears anybody nor is heard.

        Raises:
            RuntimeError: There is none.
        """
        cut = {one.pair for one in self._cuts}
        for node in self.links().nodes:
            others = [other for other in self.links().nodes if other != node]
            if cut == {pair for other in others for pair in ((node, other), (other, node))}:
                return node
        raise RuntimeError("No node is cut off from all others; cut one off first.")

    def flap(
        self,
        shape: Shape,
        times: int,
        *,
        deadline: float = SECONDS,
        meanwhile: Callable[[], object] = lambda: None,
    ) -> None:
        """Cuts the nodes off and heals the network so often, each time when the cut was met and something was done."""
        for turn in range(1, times + 1):
            self.cut(cut_pairs(shape, self.links().nodes, self.random), shape.value, flapping=turn)
            meanwhile()
            self.heal(deadline=deadline)

    def _heal(self, *, gradually: bool) -> None:
        network, cuts = self.links().network, self._cuts
        links = list(dict.fromkeys(link for cut in cuts for link in cut.links))
        met = network.do(lambda: [cut for cut in cuts if cut.met()])
        if gradually:
            self.random.shuffle(links)
            for link in links:
                network.do(link.heal)
        else:
            network.do(lambda: _heal_all(links))
        ill = network.do(lambda: [link.name for link in links if not link.undisturbed])
        if ill:
            raise RuntimeError(
                f"The network was healed, and these links are still disturbed: {', '.join(ill)}."
            )
        self._cuts = []
        if met:
            self.recorder().fault_observed(self._number, f"nothing passed: {self._told(met)}")
        self.recorder().fault_end(self._number)

    @staticmethod
    def _told(cuts: Iterable[_Cut]) -> str:
        return ", ".join(f"{one}->{other}" for one, other in (cut.pair for cut in cuts))


def _heal_all(links: Iterable[Link]) -> None:
    for link in links:
        link.heal()


def _cut(links: PeerLinks, pair: Pair) -> _Cut:
    """Cuts one direction between two nodes: up on the links that the one dials, down on those that the other does."""
    one, other = pair
    ours, theirs = links.dialled(one, other), links.dialled(other, one)
    flows = (*(link.up for link in ours), *(link.down for link in theirs))
    both = (*ours, *theirs)
    for flow in flows:
        flow.dropping = True
    for link in both:
        link.swallow(True)
    return _Cut(pair, flows, both, sum(flow.dropped for flow in flows), sum(link.refused for link in both))
