"""Nodes that are cut off hear nothing of each other, all others do, and after healing everybody hears everybody."""

from __future__ import annotations

import json
import random
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from chatting_target import chatting_target

from waybill.faults.effects import FaultWithoutEffect
from waybill.faults.partitions import Partitions
from waybill.network.shapes import Pair, Shape, TooFewNodes
from waybill.targets import MeansMissing, RunningTarget, launch
from waybill.targets.target_file import parse_target

NODES = ["north", "south", "east", "west"]
ALL = {(one, other) for one in NODES for other in NODES if one != other}
DEADLINE = 30.0
MORE = 3
"""Words after which whoever is heard counts as heard; the others had as much time."""


class Spoken:
    """A recorder that only remembers."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def fault_start(self, kind: str, scope: str, **details: object) -> int:
        self.said.append(f"start {kind} {scope} {details['shape']}")
        return 1

    def fault_observed(self, fault: int, text: str) -> None:
        self.said.append("observed")

    def fault_end(self, fault: int) -> None:
        self.said.append("end")


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningTarget]:
    file = parse_target(chatting_target(NODES), Path("chatting.toml"))
    with launch(file, tmp_path_factory.mktemp("chatting"), linked=True) as running:
        yield running


@pytest.fixture
def spoken() -> Spoken:
    return Spoken()


@pytest.fixture
def partitions(target: RunningTarget, spoken: Spoken) -> Iterator[Partitions]:
    require_heard(target, ALL, {})
    made = of(target, spoken)
    yield made
    made.heal(deadline=DEADLINE)


def of(target: RunningTarget, spoken: Spoken) -> Partitions:
    return Partitions(lambda: target.peer_links, lambda: spoken, random.Random(7))  # type: ignore[arg-type,return-value]


def heard(target: RunningTarget) -> dict[Pair, int]:
    """How often each node was heard by each other one; asked at the node itself, past all links."""
    counts: dict[Pair, int] = {}
    for node in NODES:
        url = urlsplit(target.endpoint(node).url)
        with socket.create_connection((str(url.hostname), url.port or 0), timeout=10) as connection:
            connection.shutdown(socket.SHUT_WR)
            answer = b""
            while part := connection.recv(1000):
                answer += part
        counts |= {(other, node): count for other, count in json.loads(answer).items()}
    return counts


def require_heard(target: RunningTarget, pairs: set[Pair], before: dict[Pair, int]) -> dict[Pair, int]:
    """Waits until each of these was heard some more; returns how often everybody was heard."""
    until = time.monotonic() + DEADLINE
    while True:
        now = heard(target)
        silent = [pair for pair in pairs if now.get(pair, 0) < before.get(pair, 0) + MORE]
        if not silent:
            return now
        assert time.monotonic() < until, f"not heard: {silent}"


def cut_of(partitions: Partitions) -> set[Pair]:
    return {cut.pair for cut in partitions._cuts}


@pytest.mark.parametrize("shape", [Shape.HALVES, Shape.ISOLATED, Shape.BRIDGE, Shape.RING])
@pytest.mark.parametrize("gradually", [False, True])
def test_who_is_cut_off_is_not_heard_until_the_network_heals(
    target: RunningTarget, partitions: Partitions, spoken: Spoken, shape: Shape, gradually: bool
) -> None:
    cut = partitions.split(shape)
    partitions.wait_for_effect(DEADLINE)
    begin = heard(target)

    end = require_heard(target, ALL - cut, begin)

    assert {pair for pair in cut if end.get(pair, 0) > begin.get(pair, 0)} == set()
    partitions.heal(gradually=gradually, deadline=DEADLINE)
    require_heard(target, ALL, end)
    nodes = ",".join(sorted({node for pair in cut for node in pair}))
    assert spoken.said == [f"start partition {nodes} {shape.value}", "observed", "end"]


@pytest.mark.parametrize("deaf", [True, False])
def test_one_way_cuts_one_way(target: RunningTarget, partitions: Partitions, deaf: bool) -> None:
    partitions.isolate("north", hears=not deaf, is_heard=deaf)

    assert cut_of(partitions) == {pair for pair in ALL if pair[1 if deaf else 0] == "north"}
    partitions.wait_for_effect(DEADLINE)
    begin = heard(target)
    end = require_heard(target, {pair for pair in ALL if "north" not in pair}, begin)
    assert {pair for pair in cut_of(partitions) if end.get(pair, 0) > begin.get(pair, 0)} == set()
    partitions.heal(deadline=DEADLINE)
    require_heard(target, ALL, end)


def test_a_network_flaps(target: RunningTarget, partitions: Partitions, spoken: Spoken) -> None:
    partitions.flap(Shape.HALVES, 3, deadline=DEADLINE)

    assert spoken.said == ["start partition east,north,south,west halves", "observed", "end"] * 3
    require_heard(target, ALL, heard(target))


def test_one_partition_at_a_time(partitions: Partitions) -> None:
    partitions.isolate("north")
    with pytest.raises(RuntimeError, match="heal the network first"):
        partitions.split(Shape.HALVES)


@pytest.mark.parametrize(
    ("node", "options", "message"),
    [
        ("nort", {}, "There is no node 'nort'. Nodes: north, south, east, west."),
        ("north", {"hears": True, "is_heard": True}, "Nothing is to be cut"),
    ],
)
def test_what_cannot_be_cut_is_told(
    partitions: Partitions, spoken: Spoken, node: str, options: dict[str, bool], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        partitions.isolate(node, **options)
    assert spoken.said == []


def test_a_partition_that_nobody_met_proves_nothing_and_heals(tmp_path: Path, spoken: Spoken) -> None:
    file = parse_target(chatting_target(NODES[:2]), Path("chatting.toml"))
    with launch(file, tmp_path / "run", linked=True) as target:
        for node in NODES[:2]:
            target.kill(node)
        partitions, links = of(target, spoken), target.peer_links
        partitions.split(Shape.HALVES)
        with pytest.raises(FaultWithoutEffect, match=r"No node said anything within 0.2 s"):
            partitions.heal(deadline=0.2)
        assert links.network.do(lambda: all(link.undisturbed for link in links.links))
        assert spoken.said == ["start partition north,south halves", "end"]
        with pytest.raises(TooFewNodes):
            partitions.split(Shape.RING)


def test_without_links_nodes_reach_each_other_directly(tmp_path: Path) -> None:
    file = parse_target(chatting_target(NODES[:2]), Path("chatting.toml"))
    with launch(file, tmp_path / "run") as target:
        command = target._processes["north"].process.command
        assert command[-1] == f"south={urlsplit(target.endpoint('south').url).netloc}"
        with pytest.raises(MeansMissing, match="was not started for that"):
            _ = target.peer_links


def test_a_target_that_does_not_tell_how_nodes_reach_each_other_says_so(tmp_path: Path) -> None:
    file = parse_target(chatting_target(NODES[:1]), Path("alone.toml"))
    with (
        launch(file, tmp_path / "run", linked=True) as target,
        pytest.raises(MeansMissing, match=r"alone.toml has no \{link.NODE\}"),
    ):
        _ = target.peer_links
