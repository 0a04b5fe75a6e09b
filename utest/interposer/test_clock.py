"""The wall clock of a process can be set; its monotonic clock cannot."""

from __future__ import annotations

import time

from children import run

from waybill.interposer.table import Table

LOOKER = """
import datetime, time
begin = time.monotonic()
time.sleep(0.02)
print(time.time(), datetime.datetime.now().timestamp(), time.monotonic() - begin)
"""


def look(table: Table) -> tuple[float, float, float]:
    wall, date, slept = map(float, run(table, LOOKER).stdout.split())
    return wall - time.time(), date - wall, slept


def test_an_unchanged_clock_is_the_real_one(table: Table) -> None:
    assert abs(look(table)[0]) < 5
    assert table.clock_reads == 0


def test_a_set_clock_is_off_by_what_was_set(table: Table) -> None:
    for offset in (30.0, -30.0, 86_400.0, -86_400.0):
        table.set_clock(offset=offset)
        off, between, slept = look(table)
        assert abs(off - offset) < 5
        assert abs(between) < 1
        assert slept < 5, "time-outs are not scaled"
    assert table.clock_reads > 0


def test_a_clock_that_is_set_back_is_the_real_one_again(table: Table) -> None:
    table.set_clock(offset=500)
    table.set_clock()
    assert abs(look(table)[0]) < 5


def test_a_clock_runs_faster_from_the_moment_it_is_set(table: Table) -> None:
    program = """
import time
for _ in range(2):
    real, wall = time.monotonic(), time.time()
    time.sleep(0.1)
    print((time.time() - wall) / (time.monotonic() - real))
"""
    table.set_clock(rate=100.0)
    for pace in map(float, run(table, program).stdout.split()):
        assert 50 < pace < 200
