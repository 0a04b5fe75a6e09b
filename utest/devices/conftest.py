"""A scenario on the scripted server, with everything that it needs of a running target."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "drivers"))

from scripted_server import ScriptedServer
from scripted_target import ScriptedTarget

from waybill.devices import Scenario
from waybill.drivers.base import Driver
from waybill.drivers.waybill_v2 import WaybillDriver


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
