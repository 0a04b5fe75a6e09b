"""Which links a partition cuts, by the names that the literature has for its shapes.

A shape gives the directed pairs (from, to) between which nothing passes. Sources: Alquraan et al., "An Analysis of
Network-Partitioning Failures in Cloud Systems" (OSDI 2018) for complete, partial and simplex partitions; the nemeses of
Jepsen for bridge and ring.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from enum import Enum

Pair = tuple[str, str]


class Shape(Enum):
    """A form of partition."""

    HALVES = "halves"
    """Two parts that see nothing of each other."""
    ISOLATED = "isolated"
    """One node sees nobody, the others see each other."""
    BRIDGE = "bridge"
    """Two parts, and one node that sees both."""
    ONE_WAY = "one-way"
    """One node hears nothing of the others, and they hear it."""
    RING = "ring"
    """Every node sees its two neighbours only."""


class TooFewNodes(ValueError):
    """The shape means nothing for so few nodes."""


LEAST = {Shape.HALVES: 2, Shape.ISOLATED: 2, Shape.BRIDGE: 3, Shape.ONE_WAY: 2, Shape.RING: 4}
"""How many nodes a shape needs."""


def cut_pairs(shape: Shape, nodes: Sequence[str], random_: random.Random) -> set[Pair]:
    """The directed pairs that a shape cuts; the seed draws who is on which side.

    Raises:
        TooFewNodes: The shape needs more nodes.
    """
    if len(nodes) < LEAST[shape]:
        raise TooFewNodes(f"the shape {shape.value} needs {LEAST[shape]} nodes and there are {len(nodes)}")
    drawn = list(nodes)
    random_.shuffle(drawn)
    if shape is Shape.ONE_WAY:
        return {(other, drawn[0]) for other in drawn[1:]}
    if shape is Shape.RING:
        seen = {frozenset((one, drawn[place - 1])) for place, one in enumerate(drawn)}
        return {(one, other) for one in drawn for other in drawn if one != other and {one, other} not in seen}
    if shape is Shape.ISOLATED:
        left, right = drawn[:1], drawn[1:]
    elif shape is Shape.BRIDGE:
        middle = (len(drawn) - 1) // 2
        left, right = drawn[1 : 1 + middle], drawn[1 + middle :]
    else:
        middle = len(drawn) // 2
        left, right = drawn[:middle], drawn[middle:]
    return {pair for one in left for other in right for pair in ((one, other), (other, one))}
