"""A target is not launched for a suite file of which it can express nothing, and the verdicts are the same."""

from __future__ import annotations

import json
from pathlib import Path

from world import build, waybill

BROKEN_SERVER = """\
name = "nobody"
driver = "mqtt"
description = "A server that ends as soon as it is launched, so whoever launches it learns of it."
[launch]
[[launch.process]]
name = "node"
role = "node"
ready = "round-trip"
command = ["sh", "-c", "exit 3"]
[endpoints.node]
url = "mqtts://{address}:{port}"
[users]
file = "users.txt"
pool = 3
format = "jsonl-sha256"
[tokens]
method = "password"
"""

SETTINGS = """\
*** Settings ***
Library          WaybillLibrary.Servers
Library          WaybillLibrary.Verdicts
Suite Setup      Start Target    ${TARGET}
Suite Teardown   Stop Target
Test Setup       Begin Scenario
Test Teardown    End Scenario

*** Test Cases ***
"""
TALKS = "Talks\n    [Tags]    DEL-2\n    Check History\n"
RETRIES = "Retries\n    [Tags]    DUP-1\n    Check History\n"
ARRIVES = "Arrives\n    [Tags]    DEL-1\n    Check History\n"
PLAIN = "Plain\n    [Tags]    not-a-scenario\n    Log    nothing\n"


def run(folder: Path, *cases: str) -> tuple[dict[str, dict], Path]:
    """The scenarios of a run of one suite file, by name, and the run's folder."""
    world = build(folder, {"one": SETTINGS + "\n".join(cases)}, BROKEN_SERVER)
    waybill(world, "run", "suites", "--target", "nobody.toml", "--seed", "1")
    place = world / "results" / "latest"
    told = json.loads((place / "readiness.json").read_text(encoding="utf-8"))["runs"][0]
    return {one["scenario"]: one for one in told["scenarios"]}, place


def test_nothing_is_launched_where_no_scenario_can_be_expressed(tmp_path):
    found, place = run(tmp_path / "world", TALKS, RETRIES)
    for scenario, lacking in (("Talks", "presence"), ("Retries", "idempotency-key")):
        assert found[scenario]["outcome"] == "failed"
        assert (
            f"The scenario needs '{lacking}', which the protocol of the driver 'mqtt' cannot express."
            in found[scenario]["message"]
        )
        assert "infrastructure" not in found[scenario]["message"]
    assert not (place / "targets").exists()


def test_one_scenario_that_can_be_expressed_launches_it(tmp_path):
    found, place = run(tmp_path / "world", TALKS, ARRIVES)
    for scenario in ("Talks", "Arrives"):
        assert "it ended with status 3" in found[scenario]["message"]
        assert found[scenario]["message"].startswith("infrastructure:")
    assert (place / "targets").is_dir()


def test_a_test_of_no_guarantee_launches_it(tmp_path):
    found, _ = run(tmp_path / "world", TALKS, PLAIN)
    assert "it ended with status 3" in found["Plain"]["message"]
