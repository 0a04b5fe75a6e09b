"""One issuer and one node for all tests that need no server of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cluster_harness import ClusterWorld
from server_harness import Client, Process, World, log_in

from waybill.tls.authority import Authority


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    authority = Authority(folder / "ca")
    issued = authority.issue(folder / "certificate", ["127.0.0.1", "localhost"])
    world = World(folder, folder / "ca" / "ca.pem", issued.certificate, issued.key)
    yield world
    world.issuer.end()


@pytest.fixture(scope="session")
def node(world: World) -> Iterator[Process]:
    node = world.start_node(world.folder / "node")
    yield node
    assert node.end() == 0


@pytest.fixture
def own_node(world: World, tmp_path: Path) -> Iterator[Callable[..., Process]]:
    """Starts nodes of the test's own, in its folder."""
    nodes: list[Process] = []

    def start(*options: object) -> Process:
        nodes.append(world.start_node(tmp_path / "data", *options))
        return nodes[-1]

    yield start
    world.cut_all()
    for each in nodes:
        each.end()


@pytest.fixture
def device(world: World, node: Process) -> Callable[..., Client]:
    """Logs devices in at the common node, or at `node=`."""

    def make(user: str, name: str = "phone", *, node: Process = node, **hello: object) -> Client:
        return log_in(world, node, user, name, **hello)

    return make


@pytest.fixture(autouse=True)
def _no_client_stays(world: World) -> Iterator[None]:
    yield
    world.cut_all()


@pytest.fixture(scope="session")
def common_cluster(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterWorld]:
    cluster = ClusterWorld(world, tmp_path_factory.mktemp("cluster"))
    cluster.start()
    yield cluster
    cluster.end()


@pytest.fixture
def cluster(common_cluster: ClusterWorld, world: World) -> Iterator[ClusterWorld]:
    """Three nodes that can reach each other, and again when the test is over."""
    common_cluster.until_linked()
    yield common_cluster
    world.cut_all()
    common_cluster.heal()
    common_cluster.start()
