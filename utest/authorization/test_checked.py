"""What is made of the cases that were tried."""

from __future__ import annotations

import pytest

from waybill.authorization.checked import Trial
from waybill.authorization.table import Case
from waybill.drivers.base import Outcome
from waybill.history.events import Completion

ALLOWED = Case("p", "group", "send", "member", allowed=True)
REFUSED = Case("p", "group", "send", "stranger", allowed=False)


def test_what_ends_as_the_table_says_is_right() -> None:
    trial = Trial()
    trial.answered(ALLOWED, Outcome(Completion.OK))
    trial.answered(REFUSED, Outcome(Completion.FAIL, "not-a-member", "no"))
    trial.require()
    assert trial.figures() == {
        "checks": 2, "allowed_wrongly": 0, "denied_wrongly": 0, "traces": 0, "undecided": 0, "not_tried": 0,
    }  # fmt: skip
    assert [one.verdict for one in trial.checked] == ["as it must", "as it must"]
    assert trial.checked[1].words == "group/send/stranger (not-a-member: no)"


def test_what_nobody_can_tell_is_no_check() -> None:
    trial = Trial()
    trial.answered(REFUSED, Outcome(Completion.INFO, "deadline"))
    trial.skipped(ALLOWED, "no groups")
    trial.require()
    assert (trial.figures()["checks"], trial.figures()["undecided"], trial.figures()["not_tried"]) == (
        0,
        1,
        1,
    )
    assert trial.checked[0].verdict == "nobody can tell"


def test_every_way_to_be_wrong_is_told() -> None:
    trial = Trial()
    trial.answered(REFUSED, Outcome(Completion.OK))
    trial.answered(ALLOWED, Outcome(Completion.FAIL, "not-permitted"))
    trial.traces.append("bob/phone was told of typing of mallory in alice+bob")
    with pytest.raises(AssertionError) as wrong:
        trial.require()
    for said in (
        "1 must be refused and took effect: group/send/stranger (done)",
        "1 must take effect and was refused: group/send/member (not-permitted)",
        "1 was refused, and left a trace: bob/phone was told of typing of mallory",
    ):
        assert said in str(wrong.value)


def test_a_trace_alone_is_wrong() -> None:
    trial = Trial()
    trial.answered(REFUSED, Outcome(Completion.FAIL, "no"))
    trial.traces.append("bob/phone was given a message of mallory in alice+bob")
    with pytest.raises(AssertionError, match="was refused, and left a trace"):
        trial.require()


def test_nothing_tried_shows_nothing() -> None:
    with pytest.raises(AssertionError, match="Nothing was tried"):
        Trial().require()
