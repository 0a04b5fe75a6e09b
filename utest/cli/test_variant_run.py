"""A variant of a real broker, put to the proof from end to end: what it breaks turns BROKEN, under its own name."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from world import waybill

from waybill import bundled
from waybill.targets.programs import program

VARIANT = """
[[variant]]
name = "forgets"
description = "Nothing is saved: memory is the only store."
breaks = ["ACK-1"]
unwaive = ["ACK-1"]

[[variant.edit]]
file = "broker/mosquitto.conf"
replace = "persistence true"
with = "persistence false"
"""


def test_what_a_variant_breaks_turns_broken(tmp_path: Path) -> None:
    if os.environ.get("WAYBILL_WITHOUT_MOSQUITTO") == "1" and program("mosquitto") is None:
        pytest.skip("WAYBILL_WITHOUT_MOSQUITTO=1 and mosquitto is not installed")
    base = (bundled.folder("resources") / "targets" / "mosquitto.toml").read_text(encoding="utf-8")
    (tmp_path / "own.toml").write_text(base + VARIANT)
    suite = bundled.folder("suites") / "40_acknowledgement" / "ack_1_survives_kill.robot"
    done = waybill(tmp_path, "run", "--target", "own.toml+forgets", suite)
    assert done.returncode == 1, done.stdout + done.stderr
    written = json.loads((tmp_path / "results" / "latest" / "readiness.json").read_text())["runs"][0]
    assert written["target"] == "mosquitto+forgets"
    found = next(one for one in written["guarantees"] if one["id"] == "ACK-1")
    assert found["verdict"] == "BROKEN"
    assert "lost-acked" in json.dumps(written["scenarios"])
