"""Every shape cuts what it says, for any number of nodes and any seed."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waybill.network.shapes import LEAST, Shape, TooFewNodes, cut_pairs


def seen_by(node: str, nodes: list[str], cut: set[tuple[str, str]]) -> set[str]:
    """Whom a node can reach directly, both ways."""
    return {other for other in nodes if other != node and not {(node, other), (other, node)} & cut}


@given(shape=st.sampled_from(Shape), count=st.integers(2, 7), seed=st.integers(0, 10_000))
def test_a_shape_cuts_what_it_says(shape: Shape, count: int, seed: int) -> None:
    nodes = [f"node-{number}" for number in range(count)]
    if count < LEAST[shape]:
        with pytest.raises(TooFewNodes, match=f"needs {LEAST[shape]} nodes"):
            cut_pairs(shape, nodes, random.Random(seed))
        return
    cut = cut_pairs(shape, nodes, random.Random(seed))
    assert cut == cut_pairs(shape, nodes, random.Random(seed))
    assert all(one != other for one, other in cut)
    alone = [node for node in nodes if not seen_by(node, nodes, cut)]
    if shape is Shape.ISOLATED:
        assert len(alone) == (2 if count == 2 else 1)
    if shape is Shape.ONE_WAY:
        assert len({other for _, other in cut}) == 1
        assert len(cut) == count - 1
    else:
        assert {(other, one) for one, other in cut} == cut
    if shape is Shape.BRIDGE:
        assert [node for node in nodes if len(seen_by(node, nodes, cut)) == count - 1] != []
        assert cut
    if shape is Shape.RING:
        assert {len(seen_by(node, nodes, cut)) for node in nodes} == {2}
    if shape is Shape.HALVES:
        sizes = sorted(len(seen_by(node, nodes, cut)) + 1 for node in nodes)
        assert sizes[0] == count // 2
        assert sizes[-1] == count - count // 2
