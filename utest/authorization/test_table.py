"""The role table: what its page shows, what every scenario tries of it, and what is wrong with a faulty one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from waybill.authorization import another_name, contact, conversation, false_roles, table
from waybill.authorization.table import TableFaulty

PAGE = Path(__file__).parent.parent.parent / "docs" / "authorization.md"
TRIED = {
    "conversation": set(conversation._TRY),
    "name": {*another_name._TRY, "write"},
    "contact": set(contact._TRY),
    "administration": {
        *("revoke_token", "revoke_device", "revoke_user", "list_sessions", "end_session"),
        *("forbid", "allow", "list_revocations", "rotate_key"),
    },
    "false-role": {
        "revoke_device",
        "revoke_user",
        "list_sessions",
        "end_session",
        "forbid",
        "list_revocations",
    },
}


def test_the_page_shows_the_table() -> None:
    _, _, shown = PAGE.read_text(encoding="utf-8").partition("-->\n\n")
    assert shown == table.markdown()


@pytest.mark.parametrize("part", list(TRIED))
def test_a_scenario_knows_how_to_try_every_case_of_its_part(part: str) -> None:
    cases = table.part(part).cases()
    assert {case.operation for case in cases} == TRIED[part]
    assert len({case.id for case in cases}) == len(cases) >= 60


@pytest.mark.parametrize("part", list(TRIED))
def test_every_part_has_both_what_is_allowed_and_what_is_refused(part: str) -> None:
    assert {case.allowed for case in table.part(part).cases()} == {True, False}


def test_every_false_role_has_a_token() -> None:
    assert set(false_roles._TOKENS) == set(table.part("false-role").people)


def test_a_role_gives_no_right_in_the_conversations_of_others_but_to_remove() -> None:
    allowed = {one.id for one in table.part("conversation").cases() if one.allowed and one.target != "log"}
    assert {one for one in allowed if not one.endswith("/member")} == {
        "group/remove/moderator",
        "group/remove/admin",
    }


def test_a_part_that_is_not_there_is_told_by_those_that_are() -> None:
    with pytest.raises(
        ValueError, match="no part 'x'; it has conversation, name, contact, administration, false-role"
    ):
        table.part("x")


@pytest.mark.parametrize(
    "target",
    [
        {"title": "t", "send": {"what": "w", "may": ["stranger"]}},
        {"title": "t", "people": ["bob"], "send": {"what": "w", "may": ["alice"]}},
        {"title": "t", "people": ["carol"], "send": {"what": "w", "may": []}},
        {"title": "t"},
    ],
)
def test_a_target_that_cannot_be_tried_is_refused(target: dict[str, Any]) -> None:
    people = {"alice": "a", "bob": "b"}
    with pytest.raises(
        TableFaulty, match="part 'p', target 'x': expected operations whose 'may' names people"
    ):
        table._target("x", target, people, "p")
