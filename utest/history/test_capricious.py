"""What is said about the histories of a server that does as it likes is what stands in `capricious.txt`.

After a change that is meant, write the file again and look at what changed: `python utest/history/test_capricious.py`
writes it, `python utest/history/test_capricious.py 17` tells all that is said about the history of seed 17.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from capricious import capricious
from in_brief import in_brief, words

from waybill.history import Report, check

FILE = Path(__file__).with_name("capricious.txt")
SEEDS = 240
TOGETHER = 20
"""Histories in one test."""


def report_on(seed: int) -> Report:
    """The report on the history of a seed."""
    with TemporaryDirectory() as folder:
        return check(capricious(seed).write(Path(folder) / "history.jsonl"))


def line(seed: int) -> str:
    return f"{seed}: {in_brief(report_on(seed))}"


@pytest.mark.parametrize("first", range(0, SEEDS, TOGETHER))
def test_the_same_is_said_about_every_history(first: int) -> None:
    expected = FILE.read_text(encoding="utf-8").splitlines()

    assert [line(seed) for seed in range(first, first + TOGETHER)] == expected[first : first + TOGETHER]


def test_no_check_breaks_on_any_of_them() -> None:
    broken = [
        reason
        for seed in range(0, SEEDS, 8)
        for reason in report_on(seed).unknown_reasons
        if "broke:" in reason
    ]

    assert not broken


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.stdout.write(f"{words(report_on(int(sys.argv[1])))}\n")
    else:
        FILE.write_text("".join(f"{line(seed)}\n" for seed in range(SEEDS)), encoding="utf-8")
