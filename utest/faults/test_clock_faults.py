"""A clock is wrong until it is put right; one that nobody looked at proves nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from spoken import Spoken

from waybill.faults.clock import ClockFaults, Skew
from waybill.faults.effects import FaultWithoutEffect
from waybill.interposer.table import Table

LOOKER = "import time; print(time.time())"


class Clocks:
    """Two processes, each with a table; they are whatever the test runs."""

    def __init__(self, folder: Path) -> None:
        self.tables = {name: Table(folder / f"{name}.table", folder) for name in ("node", "issuer")}
        self.forgotten = 0

    def clocks(self, process: str | None) -> Mapping[str, Table]:
        return {process: self.tables[process]} if process else self.tables

    def forget_tokens(self) -> None:
        self.forgotten += 1

    def off(self, process: str) -> float:
        """By how many seconds the clock is off that a program sees."""
        environment = os.environ | dict(self.tables[process].environment)
        done = subprocess.run(
            [sys.executable, "-S", "-c", LOOKER], env=environment, capture_output=True, check=True
        )
        return float(done.stdout) - time.time()


@pytest.fixture
def clocks(tmp_path: Path) -> Iterator[Clocks]:
    made = Clocks(tmp_path)
    yield made
    for table in made.tables.values():
        table.close()


def faults(clocks: Clocks, recorder: Spoken) -> ClockFaults:
    return ClockFaults(clocks, lambda: recorder)  # type: ignore[arg-type, return-value]


@pytest.mark.parametrize("offset", [30.0, -86_400.0])
def test_all_clocks_are_wrong_alike_until_they_are_put_right(clocks: Clocks, offset: float) -> None:
    recorder = Spoken()
    clock = faults(clocks, recorder)
    clock.begin(Skew(offset))
    assert clocks.off("node") == pytest.approx(offset, abs=10)
    assert clocks.off("issuer") == pytest.approx(offset, abs=10)

    assert clock.end() >= 2

    assert clocks.off("node") == pytest.approx(0, abs=10)
    start, observed, end = recorder.said
    assert (start, end) == ("start clock-step machine", "end 7")
    assert f"was told a time {offset:+.3f} s off" in observed
    assert clocks.forgotten == 2, "what is good is decided by another clock after each step"


def test_one_process_has_a_clock_of_its_own(clocks: Clocks) -> None:
    clock = faults(clocks, Spoken())
    clock.begin(Skew(3600), "issuer")
    assert clocks.off("issuer") == pytest.approx(3600, abs=10)
    assert clocks.off("node") == pytest.approx(0, abs=10)
    clock.end("issuer")


def test_a_wrong_clock_steps_within_its_fault(clocks: Clocks) -> None:
    recorder = Spoken()
    clock = faults(clocks, recorder)
    clock.begin(Skew(3600))
    clock.step(Skew(-3600))
    assert clocks.off("node") == pytest.approx(-3600, abs=10)
    clock.end()
    assert [said.partition(" ")[0] for said in recorder.said] == ["start", "observed", "end"]


def test_a_pace_is_a_fault_of_its_own_kind(clocks: Clocks) -> None:
    recorder = Spoken()
    clock = faults(clocks, recorder)
    clock.begin(Skew(rate=100.0))
    clocks.off("node")
    clock.end()
    assert recorder.said[0] == "start clock-rate machine"


def test_a_clock_that_nobody_looked_at_proves_nothing(clocks: Clocks) -> None:
    recorder = Spoken()
    clock = faults(clocks, recorder)
    clock.begin(Skew(30))
    with pytest.raises(FaultWithoutEffect, match="looked at its wall clock while it was 30 s ahead"):
        clock.end()
    assert recorder.said == ["start clock-step machine", "end 7"]


def test_a_clock_is_wrong_in_one_way_at_a_time(clocks: Clocks) -> None:
    clock = faults(clocks, Spoken())
    clock.begin(Skew(30))
    with pytest.raises(ValueError, match="is 30 s ahead already; put it right first"):
        clock.begin(Skew(rate=2))
    clock.give_up()
    assert clocks.off("node") == pytest.approx(0, abs=10)
    with pytest.raises(ValueError, match="is not wrong"):
        clock.end()


@pytest.mark.parametrize(
    ("skew", "words"),
    [
        (Skew(), "0 s ahead"),
        (Skew(-60), "60 s behind"),
        (Skew(rate=2), "2 times as fast"),
        (Skew(5, 0.5), "5 s ahead, 0.5 times as fast"),
    ],
)
def test_a_skew_in_words(skew: Skew, words: str) -> None:
    assert str(skew) == words
