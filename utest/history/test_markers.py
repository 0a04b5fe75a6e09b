"""Read and delivery markers that go back, or differ between a user's devices at rest."""

from __future__ import annotations

from pathlib import Path

from waybill.history import Report, check
from waybill.history.planted.stories import Story

BOTH = """
    users alice: phone; bob: laptop, pad
    alice/phone sends m1
    alice/phone ok m1 id=im1 seq=1
    alice/phone sends m2
    alice/phone ok m2 id=im2 seq=2
    bob/laptop gets m1 id=im1 seq=1
    bob/laptop gets m2 id=im2 seq=2
    bob/pad gets m1 id=im1 seq=1
    bob/pad gets m2 id=im2 seq=2
"""
END = """
    alice/phone final
    bob/laptop final
    bob/pad final
"""


class Talk(Story):
    """A story with questions for markers, whose answers come when they are told."""

    def ask(self, device: str) -> str:
        """Begins a question; returns its label."""
        label = f"question.{len(self.lines)}"
        self.event("markers", device=device, conversation="ab", operation=label)
        return label

    def answer(self, device: str, label: str, **marks: int) -> Talk:
        """Ends it with bob's markers."""
        self.event("receipt", device=device, conversation="ab", user="bob", operation=label, **marks)
        self.event("ok", device=device, operation=label)
        return self

    def told(self, device: str, **marks: int) -> Talk:
        """A question and its answer at once."""
        return self.answer(device, self.ask(device), **marks)


def begun() -> Talk:
    talk = Talk()
    talk.tell(BOTH)
    return talk


def report_on(talk: Talk, tmp_path: Path) -> Report:
    return check(talk.tell(END).write(tmp_path / "history.jsonl"))


def found(report: Report) -> dict[str, dict[str, int]]:
    return {anomaly.name: anomaly.sub_kinds for anomaly in report.anomalies}


def test_finds_a_pushed_marker_that_goes_back(tmp_path: Path) -> None:
    talk = begun()
    talk.tell("alice/phone sees bob delivered=2 read=2\nalice/phone sees bob delivered=2 read=1")

    report = report_on(talk, tmp_path)

    assert found(report) == {"cursor-regression": {"read-marker": 1}}
    sentence = report.anomalies[0].examples[0].sentence
    assert sentence == "the read marker of bob in ab went back: alice/phone was told 1, after 2"


def test_finds_an_answer_below_what_the_device_was_told_before(tmp_path: Path) -> None:
    talk = begun().told("alice/phone", delivered=2).told("alice/phone", delivered=1)

    assert found(report_on(talk, tmp_path)) == {"cursor-regression": {"delivered-marker": 1}}


def test_finds_an_answer_below_what_was_confirmed_to_its_user(tmp_path: Path) -> None:
    talk = begun()
    talk.tell("bob/laptop marks value=2 ok.sequence=2")
    talk.told("alice/phone", read=1)

    assert found(report_on(talk, tmp_path)) == {"cursor-regression": {"read-marker": 1}}


def test_finds_one_regression_for_each_answer_that_is_too_low(tmp_path: Path) -> None:
    talk = begun()
    for read in (2, 1, 2, 0):
        talk.told("alice/phone", read=read)

    assert found(report_on(talk, tmp_path)) == {"cursor-regression": {"read-marker": 2}}


def test_accepts_a_push_that_overtakes_the_answer(tmp_path: Path) -> None:
    talk = begun()
    question = talk.ask("alice/phone")
    talk.tell("alice/phone sees bob read=2")
    talk.answer("alice/phone", question, read=1)

    assert report_on(talk, tmp_path).verdict == "clean"


def test_accepts_an_older_push_to_a_new_session(tmp_path: Path) -> None:
    talk = begun()
    talk.tell(
        "alice/phone sees bob read=2\nalice/phone ends\nalice/phone connects\nalice/phone sees bob read=1"
    )

    assert report_on(talk, tmp_path).verdict == "clean"


def test_accepts_an_old_answer_while_the_marker_is_being_set(tmp_path: Path) -> None:
    talk = begun()
    question = talk.ask("alice/phone")
    talk.tell("bob/laptop marks value=2 ok.sequence=2")
    talk.answer("alice/phone", question, read=0)

    assert report_on(talk, tmp_path).verdict == "clean"


def test_tells_users_and_conversations_apart(tmp_path: Path) -> None:
    talk = begun()
    talk.tell("alice/phone sees bob read=2\nalice/phone sees alice read=1")

    assert report_on(talk, tmp_path).verdict == "clean"


def test_finds_devices_that_differ_in_the_read_marker_at_rest(tmp_path: Path) -> None:
    talk = begun()
    talk.tell("bob/laptop marks value=1 ok.sequence=1")
    talk.told("bob/laptop", read=1).told("bob/pad", read=2)

    report = report_on(talk, tmp_path)

    assert found(report) == {"device-divergence": {"marker": 1}}
    assert (
        "bob/laptop is told read marker 1 of bob in ab, bob/pad is told 2"
        in report.anomalies[0].examples[0].sentence
    )


def test_finds_devices_that_differ_in_the_number_of_unread_messages(tmp_path: Path) -> None:
    talk = begun().told("bob/laptop", read=1, unread=1).told("bob/pad", read=1, unread=2)

    assert found(report_on(talk, tmp_path)) == {"device-divergence": {"unread": 1}}


def test_accepts_a_difference_while_the_marker_moves(tmp_path: Path) -> None:
    talk = begun().told("bob/laptop", read=0)
    talk.tell("bob/pad marks value=2 ok.sequence=2")
    talk.told("bob/pad", read=2)

    assert report_on(talk, tmp_path).verdict == "clean"


def test_accepts_a_difference_if_a_move_has_no_known_outcome(tmp_path: Path) -> None:
    talk = begun()
    talk.tell("bob/pad marks? value=2")
    talk.told("bob/laptop", read=0).told("bob/pad", read=2)

    assert report_on(talk, tmp_path).verdict == "clean"


def test_an_answer_about_one_message_says_nothing_of_how_far_a_device_has_read(tmp_path: Path) -> None:
    talk = begun().told("bob/laptop", read=2).told("bob/pad", read=2)
    question = talk.ask("bob/laptop")
    talk.event(
        "receipt", device="bob/laptop", conversation="ab", user="bob", operation=question, id="im1", read=1
    )
    talk.event("ok", device="bob/laptop", operation=question)

    assert report_on(talk, tmp_path).verdict == "clean"


def test_what_was_confirmed_to_a_user_without_a_conversation_is_no_marker(tmp_path: Path) -> None:
    talk = begun()
    talk.event("typing", device="bob/laptop", operation="idle", value=2)
    talk.event("ok", device="bob/laptop", operation="idle")
    question = talk.ask("alice/phone")
    talk.event("receipt", device="alice/phone", user="bob", operation=question, read=1)
    talk.event("ok", device="alice/phone", operation=question)

    assert report_on(talk, tmp_path).verdict == "clean"
