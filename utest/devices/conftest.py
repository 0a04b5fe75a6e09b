"""A scenario on the scripted server, with everything that it needs of a running target."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "drivers"))

from scripted_server import ScriptedServer

from waybill.devices import Scenario
from waybill.drivers.base import Credential, Driver, Endpoint
from waybill.drivers.waybill_v2 import WaybillDriver


@dataclass(frozen=True)
class PoolAccount:
    """An account of the pool."""

    user: str


class ScriptedTarget:
    """What `waybill.devices` asks of a running target."""

    name = "scripted"
    nodes = ("node-1",)

    def __init__(self, server: ScriptedServer, driver: Driver) -> None:
        self.server = server
        self.driver = driver
        self.promises = {"dedup": "durable"}
        self._numbers = itertools.count(1)

    def endpoint(self, node: str | None = None) -> Endpoint:
        assert node in {None, "node-1"}
        return self.server.endpoint

    def account(self) -> PoolAccount:
        return PoolAccount(f"account-{next(self._numbers)}")

    def credential(self, account: Any, device: str) -> Credential:
        return self.server.credential(account.user)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ScriptedServer]:
    with ScriptedServer(tmp_path / "server") as running:
        yield running


@pytest.fixture
def begin(server: ScriptedServer, tmp_path: Path) -> Iterator[Callable[..., Scenario]]:
    """Makes a scenario; it is closed at the end of the test."""
    made: list[Scenario] = []

    def begin(driver: Driver | None = None, **options: Any) -> Scenario:
        target = ScriptedTarget(server, driver or WaybillDriver())
        options = {"name": "a scenario", "seed": 7, **options}
        made.append(Scenario(target, tmp_path / f"history-{len(made)}.jsonl", **options))
        return made[-1]

    yield begin
    for scenario in made:
        scenario.close()


@pytest.fixture
def scenario(begin: Callable[..., Scenario]) -> Scenario:
    return begin()
