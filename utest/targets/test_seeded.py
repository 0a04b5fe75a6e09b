"""Targets that are started with a defect on purpose."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from waybill.targets import TargetError, TargetFileError, find_target
from waybill.targets.seeded import seeded_defects
from waybill.targets.target_file import parse_target

FILE = f"""
name = "mine"
driver = "waybill"

[[launch.process]]
name = "node"
role = "node"
ready = "json-line"
command = ["mine-server"]

[seeded]
process = "node"
list = ["{sys.executable}", "-c", "print(PRINTED)"]

[endpoints.node]
url = "wss://{{address}}:{{port}}/v2"

[users]
pool = 2
format = "plain"
file = "accounts.txt"

[tokens]
method = "password"
"""


def test_a_defect_is_started_with_its_arguments_and_told_as_a_variant() -> None:
    base, defective = find_target("reference"), find_target("reference+drop-every-nth")

    assert base.launch is not None
    assert defective.launch is not None
    commands = {process.name: process.command for process in defective.launch.processes}
    assert commands["node"][-2:] == ("--defect", "drop-every-nth")
    assert commands["issuer"] == base.launch.processes[0].command
    assert defective.name == "reference+drop-every-nth"
    assert defective.variant is not None
    assert defective.variant.breaks == ("DEL-1",)
    assert defective.variant.description.startswith("Every 97th message")


def test_a_stand_in_is_started_likewise() -> None:
    launch = find_target("reference+liar").launch

    assert launch is not None
    assert launch.processes[1].command[-2:] == ("--stand-in", "liar")


def test_an_unknown_defect_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(TargetError, match=r"no seeded defect 'drop-every-n', did you mean 'drop-every-nth'"):
        find_target("reference+drop-every-n")


def test_a_target_without_seeded_defects_has_variants_alone() -> None:
    with pytest.raises(TargetError, match="has no variant 'drop-every-nth'"):
        find_target("mosquitto+drop-every-nth")


@pytest.mark.parametrize(
    ("printed", "reason"),
    [
        ("[]", ""),
        ("'nothing'", "it said 'nothing"),
        ("1/0", "it ended with code 1"),
        ("[{}]", "missing required"),
    ],
)
def test_a_server_that_does_not_list_its_defects_is_told(printed: str, reason: str) -> None:
    seeding = parse_target(FILE.replace("PRINTED", printed), Path("mine.toml")).seeding
    assert seeding is not None
    if not reason:
        assert seeded_defects(seeding) == ()
        return
    with pytest.raises(TargetError, match=re.escape(reason)):
        seeded_defects(seeding)


def test_the_process_must_be_launched() -> None:
    with pytest.raises(TargetFileError, match="there is no process 'nod'"):
        parse_target(FILE.replace('process = "node"', 'process = "nod"'), Path("mine.toml"))
