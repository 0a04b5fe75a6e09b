"""One run in which everything happens, shared by the tests that look at its traces."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from world import GOOD, TARGET, build, suite, waybill

WAIVED = """
[[waiver]]
guarantee = "DUP-1"
reason = "the protocol has no idempotency key"
owner = "qa@example.org"
expires = 2999-12-31
"""


SOMEBODY = TARGET.replace('name = "nobody"', 'name = "somebody"')

BY_TARGET = """Arrives
    [Tags]    DEL-1
    IF    'somebody' in $TARGET
        Lose Messages
    ELSE
        Show A Clean History
    END
"""
"""A scenario that one target passes and the other does not."""


@dataclass(frozen=True)
class Done:
    """A finished run: what was printed, and its folder."""

    process: subprocess.CompletedProcess[str]
    world: Path
    folder: Path


@pytest.fixture(scope="session")
def eventful(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """Six suites on two workers: good, losing, killed in the middle, without a setup, torn down badly."""
    suites = {
        "good": suite(GOOD, "Waived\n    [Tags]    dup-1\n    Fail    no key\n"),
        "losing": suite("Loses some\n    [Tags]    OFF-1\n    Lose Messages\n"),
        "killed": suite(
            "Before\n    [Tags]    DEL-1\n    Show A Clean History\n",
            "Dies\n    [Tags]    ACK-1\n    Die\n",
            "Never reached\n    [Tags]    ACK-1\n    Show A Clean History\n",
        ),
        "unset": suite(
            "Not set up\n    [Tags]    ORD-1\n    Show A Clean History\n",
            settings="Suite Setup    Fail    the server did not start\n",
        ),
        "torn": suite(
            "Torn down\n    [Tags]    DUP-2\n    Show A Clean History    pairs=500    swallowed=0\n",
            settings="Suite Teardown    Fail    a session was left\n",
        ),
        "poor": suite(
            "Without traffic\n    [Tags]    ORD-2\n    Show A Clean History    messages=0\n",
            "Unchecked\n    [Tags]    DEL-2\n    No Operation\n",
            "Skipped\n    [Tags]    ACK-4\n    Skip    not today\n",
        ),
    }
    world = build(tmp_path_factory.mktemp("eventful"), suites, TARGET + WAIVED)
    process = waybill(world, "run", "suites", "--target", "nobody.toml", "--seed", "42", "--processes", "2")
    return Done(process, world, (world / "results" / "latest").resolve())


@pytest.fixture(scope="session")
def side_by_side(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """Two suites against two targets: nobody passes, somebody loses messages and does not promise DUP-1."""
    suites = {"one": suite(BY_TARGET), "two": suite("Waived\n    [Tags]    dup-1\n    Fail    no key\n")}
    world = build(tmp_path_factory.mktemp("side_by_side"), suites)
    (world / "somebody.toml").write_text(SOMEBODY + WAIVED, encoding="utf-8")
    targets = ("--target", "nobody.toml", "--target", "somebody.toml")
    process = waybill(world, "run", "suites", *targets, "--seed", "42", "--processes", "2")
    return Done(process, world, (world / "results" / "latest").resolve())
