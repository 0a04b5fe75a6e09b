"""Several nodes: everybody sees one log wherever they are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster_harness import ClusterWorld
from server_harness import World, direct


@pytest.fixture
def cluster(world: World, tmp_path: Path) -> Iterator[ClusterWorld]:
    cluster = ClusterWorld(world, tmp_path)
    cluster.start()
    cluster.until_linked()
    yield cluster
    world.cut_all()
    cluster.end()


def test_a_message_crosses_nodes_with_one_id_and_one_position(cluster: ClusterWorld) -> None:
    alice, bob = cluster.user("north"), cluster.user("south")
    sender = cluster.log_in("west", alice)
    phones = [cluster.log_in(name, bob, f"at-{name}") for name in cluster.names]
    laptop = cluster.log_in("north", alice, "laptop")
    conversation = direct(alice, bob)
    answers = [sender.send(conversation, f"k{number}") for number in range(5)]
    assert [answer["sequence"] for answer in answers] == [1, 2, 3, 4, 5]
    assert not any("queued" in answer for answer in answers)
    logs = [phone.delivered(5) for phone in (*phones, laptop)]
    for log in logs:
        assert [(entry["id"], entry["cursor"]) for entry in log] == [
            (answer["id"], place) for place, answer in enumerate(answers, 1)
        ]


def test_what_is_acknowledged_is_in_every_nodes_page_at_once(cluster: ClusterWorld) -> None:
    alice, bob = cluster.user("north"), cluster.user("south")
    sender = cluster.log_in("west", alice)
    readers = [cluster.log_in(name, bob, f"at-{name}") for name in cluster.names]
    for number in range(20):
        sender.send(direct(alice, bob), f"k{number}")
        for reader in readers:
            assert reader.ask("sync", after=number, limit=1)["cursor"] == number + 1
