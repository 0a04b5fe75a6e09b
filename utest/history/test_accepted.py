"""What a server accepted without a word is counted apart from what it acknowledged."""

from __future__ import annotations

from pathlib import Path

import pytest

from waybill.history import check
from waybill.history.planted.stories import Story

ACCEPTED = """
alice/phone sends m1
alice/phone info m1 code=accepted
alice/phone sends m2
alice/phone info m2 code=accepted
alice/phone sends m3
alice/phone info m3 code=accepted
"""
READ = """
alice/phone final
bob/laptop final
"""


def figures(tmp_path: Path, text: str) -> dict[str, int]:
    return check(Story().tell(text).write(tmp_path / "history.jsonl")).to_dict()["figures"]


def test_what_was_accepted_and_reached_nobody_is_counted(tmp_path: Path) -> None:
    found = figures(tmp_path, f"{ACCEPTED}bob/laptop gets m1\nbob/laptop gets m3\n{READ}")
    assert (found["acknowledged"], found["accepted_sends"], found["accepted_sends_lost"]) == (0, 3, 1)
    assert found["delivered"] == 2


def test_what_was_accepted_and_arrived_is_not_lost(tmp_path: Path) -> None:
    found = figures(tmp_path, f"{ACCEPTED}bob/laptop gets m1\nbob/laptop gets m2\nbob/laptop gets m3\n{READ}")
    assert (found["accepted_sends"], found["accepted_sends_lost"], found["delivered"]) == (3, 0, 3)


def test_without_a_complete_final_read_nobody_knows_what_was_lost(tmp_path: Path) -> None:
    found = figures(tmp_path, f"{ACCEPTED}bob/laptop gets m1\nalice/phone final\n")
    assert found["accepted_sends"] == 3
    assert "accepted_sends_lost" not in found


def test_another_unknown_outcome_is_not_accepted(tmp_path: Path) -> None:
    found = figures(
        tmp_path,
        f"alice/phone sends m1\nalice/phone info m1 code=connection-lost\nbob/laptop gets m1\n{READ}",
    )
    assert "accepted_sends" not in found


def test_a_later_acknowledgement_counts_instead(tmp_path: Path) -> None:
    story = f"""
    alice/phone sends m1
    alice/phone info m1 code=accepted
    alice/phone sends m1
    alice/phone ok m1 id=1 seq=1
    bob/laptop gets m1 id=1 seq=1
    {READ}"""
    found = figures(tmp_path, story)
    assert found["acknowledged"] == 1
    assert "accepted_sends" not in found


@pytest.mark.parametrize(("arrived", "lost"), [(3, 0), (2, 1), (0, 3)])
def test_equal_bodies_without_keys_are_counted_by_their_number(
    tmp_path: Path, arrived: int, lost: int
) -> None:
    sends = "".join(
        f"alice/phone sends m{number} body=twin\nalice/phone info m{number} code=accepted\n"
        for number in (1, 2, 3)
    )
    gets = "".join(f"bob/laptop gets m{number} body=twin key= id=\n" for number in range(1, arrived + 1))
    found = figures(tmp_path, f"{sends}{gets}{READ}")
    assert (found["accepted_sends"], found["accepted_sends_lost"]) == (3, lost)


@pytest.mark.parametrize(
    ("before", "owed"),
    [
        ("alice/phone connects\nbob/laptop connects\nbob/laptop expires user=alice id=phone\n", 0),
        ("alice/phone connects\nbob/laptop connects\nbob/laptop revokes user=alice\n", 0),
        ("alice/phone connects\nbob/laptop connects\nadministration revoke_user user=alice\n", 0),
        ("alice/phone connects\nbob/laptop connects\nadministration revoke_user user=bob\n", 3),
        ("alice/phone connects credential=forged\nbob/laptop connects\n", 0),
        ("alice/phone connects\nbob/laptop connects\nbob/laptop expires user=bob id=laptop\n", 3),
    ],
)
def test_what_is_accepted_where_nothing_may_work_is_owed_to_nobody(
    tmp_path: Path, before: str, owed: int
) -> None:
    found = figures(tmp_path, f"{before}{ACCEPTED}{READ}")
    assert found.get("accepted_sends_lost", 0) == found.get("accepted_sends", 0) == owed
