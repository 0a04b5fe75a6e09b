"""A scenario on the scripted server."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "drivers"))
sys.path.insert(0, str(Path(__file__).parent.parent / "devices"))
sys.path.insert(0, str(Path(__file__).parent.parent / "server"))

from scripted_server import ScriptedServer
from scripted_target import ScriptedTarget

from waybill.devices import Scenario
from waybill.drivers.waybill_v2 import WaybillDriver


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ScriptedServer]:
    with ScriptedServer(tmp_path / "server") as running:
        yield running


@pytest.fixture
def scenario(server: ScriptedServer, tmp_path: Path) -> Iterator[Scenario]:
    target = ScriptedTarget(server, WaybillDriver())
    made = Scenario(target, tmp_path / "history.jsonl", name="a scenario", seed=7)
    yield made
    made.close()
