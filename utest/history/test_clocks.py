"""Wrong clocks are counted, and who was turned away because of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from waybill.history import check
from waybill.history.planted.stories import Story

WRONG = "fault clock-step\n{}\nfault observed\nfault ends\n"


def figures(tmp_path: Path, text: str) -> dict[str, int]:
    return check(Story().tell(text).write(tmp_path / "history.jsonl")).to_dict()["figures"]


def early(tmp_path: Path, happened: str) -> int:
    """How many were turned away early while a clock was wrong."""
    return figures(tmp_path, f"alice/phone connects\n{WRONG.format(happened)}")["expired_early"]


def test_without_a_wrong_clock_nothing_is_counted(tmp_path: Path) -> None:
    found = figures(tmp_path, "alice/phone connects\nfault kill\nfault observed\nfault ends\n")
    assert "skews" not in found
    assert "expired_early" not in found


def test_a_wrong_clock_counts_when_somebody_was_told_of_it(tmp_path: Path) -> None:
    seen = WRONG.format("alice/phone sends m1\nalice/phone ok m1 id=1")
    unseen = "fault clock-rate\nfault ends\n"
    assert figures(tmp_path, seen + unseen + seen)["skews"] == 2


def test_a_good_credential_that_is_refused_was_turned_away(tmp_path: Path) -> None:
    assert early(tmp_path, "bob/laptop tries\nbob/laptop fail login code=unauthenticated") == 1


def test_a_session_that_the_server_ends_was_turned_away(tmp_path: Path) -> None:
    assert early(tmp_path, "alice/phone ends refused") == 1


@pytest.mark.parametrize("end", ["closed", "cut", "lost", "replaced"])
def test_a_session_that_ends_otherwise_was_not(tmp_path: Path, end: str) -> None:
    assert early(tmp_path, f"alice/phone ends {end}") == 0


def test_a_false_credential_may_be_refused(tmp_path: Path) -> None:
    assert (
        early(
            tmp_path,
            "bob/laptop tries credential=expired\nbob/laptop fail login code=unauthenticated",
        )
        == 0
    )


def test_a_token_that_was_put_down_as_expired_has_ended_in_time(tmp_path: Path) -> None:
    assert early(tmp_path, "alice/phone ends refused\nbob/laptop expires user=alice") == 0
