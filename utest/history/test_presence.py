"""Presence that contradicts the sessions: answers, notices, and notices that never come."""

from __future__ import annotations

from pathlib import Path

import pytest

from waybill.history import Report, check
from waybill.history.planted.stories import story

BEGIN = "promise presence_bound=3s\nbob/laptop connects\n"
END = "alice/phone final\nbob/laptop final\n"

WRONG = {
    "sticks online after a goodbye": """
        alice/phone connects
        alice/phone ends
        +3100
        bob/laptop asks alice ok.value=1
    """,
    "sticks online after a cut": """
        alice/phone connects
        alice/phone ends cut
        +9000
        bob/laptop asks alice ok.value=1
    """,
    "is offline while a session lasts": """
        alice/phone connects
        +3100
        bob/laptop asks alice ok.value=0
        +9000
        alice/phone ends
    """,
    "was never there": """
        +3100
        bob/laptop asks alice ok.value=1
    """,
    "a notice says offline while another session lasts": """
        alice/phone connects
        +3100
        bob/laptop finds alice offline
        +9000
        alice/phone ends
    """,
    "a watcher is told nothing of an end": """
        alice/phone connects
        bob/laptop watches user=alice
        bob/laptop finds alice online
        alice/phone ends
        +3100
        bob/laptop syncs p
        bob/laptop ok p complete
    """,
    "a watcher is told nothing at all": """
        bob/laptop watches user=alice
        alice/phone connects
        +4000
        bob/laptop syncs p
        bob/laptop ok p complete
    """,
}

RIGHT = {
    "within the bound": """
        alice/phone connects
        alice/phone ends
        +2900
        bob/laptop asks alice ok.value=1
    """,
    "true": """
        alice/phone connects
        bob/laptop asks alice ok.value=1
        alice/phone ends
        +3100
        bob/laptop asks alice ok.value=0
    """,
    "the login has no known outcome": """
        alice/phone tries
        alice/phone info login
        +3100
        bob/laptop asks alice ok.value=1
        bob/laptop asks alice ok.value=0
    """,
    "another device is still there": """
        users alice: phone, pad; bob: laptop
        alice/phone connects
        alice/pad connects
        alice/phone ends
        +3100
        bob/laptop asks alice ok.value=1
        alice/pad final
    """,
    "the end is noted after the notice": """
        alice/phone connects
        +3100
        bob/laptop finds alice offline
        alice/phone ends
    """,
    "a fault is in force": """
        alice/phone connects
        fault partition
        fault observed
        +3100
        bob/laptop asks alice ok.value=0
        fault ends
        +3100
        alice/phone ends
    """,
    "a login is under way when the answer comes": """
        alice/phone connects
        alice/phone ends
        +3100
        bob/laptop asks... alice
        alice/phone tries
        bob/laptop ok presence value=1
        alice/phone ok login
    """,
    "a watcher is told in time": """
        bob/laptop watches user=alice
        alice/phone connects
        +2000
        bob/laptop finds alice online
        +4000
        alice/phone ends
        +2000
        bob/laptop finds alice offline
        +4000
        bob/laptop syncs p
        bob/laptop ok p complete
    """,
    "it comes and goes too fast for the bound": """
        bob/laptop watches user=alice
        alice/phone connects
        +1000
        alice/phone ends
        +4000
        bob/laptop finds alice offline
        bob/laptop syncs p
        bob/laptop ok p complete
    """,
    "it comes at the very time of the answer to another watch": """
        alice/phone tries
        bob/laptop finds alice offline
        bob/laptop watches user=alice
        +-1
        alice/phone ok login
        +4000
        bob/laptop syncs p
        bob/laptop ok p complete
    """,
    "the watcher is gone before the bound": """
        bob/laptop watches user=alice
        alice/phone connects
        bob/laptop ends cut
        +4000
    """,
}


def told(text: str, tmp_path: Path) -> Report:
    return check(story(f"{BEGIN}{text}\n{END}", tmp_path / "history.jsonl"))


@pytest.mark.parametrize("name", WRONG)
def test_finds_presence_that_is_wrong(name: str, tmp_path: Path) -> None:
    report = told(WRONG[name], tmp_path)

    assert [(one.name, one.sub_kinds) for one in report.anomalies] == [("stale-read", {"presence": 1})]
    example = report.anomalies[0].examples[0]
    assert "alice" in example.sentence
    assert "3 s" in example.sentence
    assert all(0 < event <= report.events for event in example.events)


@pytest.mark.parametrize("name", RIGHT)
def test_stays_clean_where_presence_may_be_so(name: str, tmp_path: Path) -> None:
    report = told(RIGHT[name], tmp_path)

    assert report.verdict == "clean", report.to_text()


def test_judges_nothing_that_is_not_promised(tmp_path: Path) -> None:
    text = f"bob/laptop connects\n{WRONG['was never there']}\n{END}"

    assert check(story(text, tmp_path / "history.jsonl")).verdict == "clean"
