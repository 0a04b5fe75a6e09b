"""What is said about every story with something changed at random is what stands in `varied.txt`.

A line of that file has a story, the number of the variation, and what is found, in brief. After a change that is
meant, write the file again, look at what changed, and at the stories where it did: `python
utest/history/test_varied.py` writes it, and with `gap` behind it tells all that is said about the stories of `gap`.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from in_brief import in_brief, words
from variations import variations

from waybill.history import HistoryUnreadable, check
from waybill.history.report import SEVERITY

FILE = Path(__file__).with_name("varied.txt")
EACH = 3
"""Variations of each story."""


def varied(anomaly: str, *, whole: bool = False) -> list[str]:
    """The variations of the stories of one anomaly with what is said about them, those left out that cannot be read."""
    lines = []
    with TemporaryDirectory() as folder:
        for labelled, number, story in variations(anomaly, EACH):
            with suppress(HistoryUnreadable):
                report = check(story.write(Path(folder) / "history.jsonl"))
                lines.append(f"{labelled.name} / {number}: {in_brief(report)}")
                lines += [f"    {line}" for line in words(report).splitlines() if whole]
    return lines


@pytest.mark.parametrize("anomaly", SEVERITY)
def test_the_same_is_said_about_every_variation(anomaly: str) -> None:
    expected = FILE.read_text(encoding="utf-8").splitlines()

    assert varied(anomaly) == [line for line in expected if line.startswith(f"{anomaly}: ")]


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.stdout.writelines(f"{line}\n" for line in varied(sys.argv[1], whole=True))
    else:
        FILE.write_text("".join(f"{line}\n" for one in SEVERITY for line in varied(one)), encoding="utf-8")
