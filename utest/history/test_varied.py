"""What is said about every story with something changed at random is what stands in `varied.txt`.

A line of that file has a story, the number of the variation, what is found, and a few digits of a hash over every
word and event of it. After a change that is meant, write the file again, look at what changed, and at the stories
where it did: `python utest/history/test_varied.py` writes it, `python utest/history/test_varied.py gap` tells all that is said
about the stories of `gap`.
"""

from __future__ import annotations

import hashlib
import sys
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from variations import variations

from waybill.history import HistoryUnreadable, Report, check
from waybill.history.report import SEVERITY

FILE = Path(__file__).with_name("varied.txt")
EACH = 6
"""Variations of each story."""


def told(report: Report) -> tuple[str, str]:
    """A report in one line, and every word of it."""
    brief = []
    for anomaly in report.anomalies:
        kinds = ",".join(f"{kind}={count}" for kind, count in sorted(anomaly.sub_kinds.items()))
        brief.append(f"{anomaly.name}={anomaly.count}" + (f"({kinds})" if kinds else ""))
    words = "\n".join(
        [
            *(
                f"{anomaly.name}: {one.sentence} {list(one.events)}"
                for anomaly in report.anomalies
                for one in anomaly.examples
            ),
            *report.unknown_reasons,
        ]
    )
    return " ".join(brief) or report.verdict, words


def varied(anomaly: str, *, whole: bool = False) -> list[str]:
    """The variations of the stories of one anomaly with what is said about them, those left out that cannot be read."""
    lines = []
    with TemporaryDirectory() as folder:
        for labelled, number, story in variations(anomaly, EACH):
            with suppress(HistoryUnreadable):
                brief, words = told(check(story.write(Path(folder) / "history.jsonl")))
                digits = hashlib.sha256(words.encode()).hexdigest()[:6]
                lines.append(f"{labelled.name} / {number}: {brief} {digits}")
                lines += [f"    {line}" for line in words.splitlines() if whole]
    return lines


@pytest.mark.parametrize("anomaly", SEVERITY)
def test_the_same_is_said_about_every_variation(anomaly: str) -> None:
    expected = FILE.read_text(encoding="utf-8").splitlines()

    assert varied(anomaly) == [line for line in expected if line.startswith(f"{anomaly}: ")]


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(*varied(sys.argv[1], whole=True), sep="\n")
    else:
        FILE.write_text("".join(f"{line}\n" for one in SEVERITY for line in varied(one)), encoding="utf-8")
