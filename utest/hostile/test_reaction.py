"""What becomes of an input: answers, refusals, ends and silence, and which of them is wrong."""

from __future__ import annotations

import itertools

import pytest

from waybill.drivers.byte_stream import Broken
from waybill.drivers.frame_table import Expected, Heard, RawConnection, Saying
from waybill.hostile.reaction import Became, Reaction, react
from waybill.hostile.sorts import Input, Sort

SENTINEL = Heard(Saying.SENTINEL)
ENDED = Broken("the server closed the connection")
SILENCE = Broken("no answer in time", code="timeout")


class Stream:
    patience = 1.0

    def expect(self, seconds: float) -> None:
        self.patience = seconds


class Scripted(RawConnection):
    """A connection on which the server says what the test wants."""

    def __init__(self, *script: Heard | Broken) -> None:
        self.stream = Stream()  # type: ignore[assignment]
        self._script = iter(script)
        self.said: list[bytes] = []

    def log_in(self) -> None:
        """Not needed."""

    def write(self, *pieces: bytes) -> None:
        self.said += pieces

    def finish(self) -> None:
        self.said.append(b"<end>")

    def sentinel(self) -> bytes:
        return b"<sentinel>"

    def hear(self) -> Heard:
        found = next(self._script, SILENCE)
        if isinstance(found, Broken):
            raise found
        return found


def an_input(expected: Expected = Expected.REJECTED, **more: object) -> Input:
    values: dict[str, object] = {"logged_in": True, **more}
    return Input(Sort.TYPED, "send", "x", (b"in", b"put"), expected, **values)  # type: ignore[arg-type]


def became(one: Input, *script: Heard | Broken) -> Reaction:
    return react(Scripted(*script), one, 1.0)


@pytest.mark.parametrize(
    ("script", "fate", "code"),
    [
        ([Heard(Saying.REFUSAL, "malformed"), SENTINEL], Became.REFUSED, "malformed"),
        ([Heard(Saying.FAREWELL, "malformed"), ENDED], Became.ENDED, "malformed"),
        ([ENDED], Became.ENDED, ""),
        ([SENTINEL], Became.TAKEN, ""),
        ([], Became.SILENT, ""),
        ([Heard(Saying.FAREWELL, "malformed")], Became.SILENT, "malformed"),
        ([Heard(Saying.OTHER, "deliver", body=b"x"), ENDED], Became.ENDED, ""),
    ],
)
def test_the_fate_of_an_input(script: list[Heard | Broken], fate: Became, code: str) -> None:
    reaction = became(an_input(), *script)
    assert (reaction.became, reaction.code) == (fate, code)


def test_an_answer_that_the_sentinel_overtook_is_waited_for() -> None:
    late = Heard(Saying.REFUSAL, "too-many-members", reference=7)
    reaction = became(an_input(reference=7, answered=True), SENTINEL, late)
    assert reaction.became is Became.REFUSED


def test_an_answer_to_something_else_is_none() -> None:
    other = Heard(Saying.ANSWER, "accepted", reference=6)
    reaction = became(an_input(reference=7, answered=True), other, SENTINEL)
    assert reaction.became is Became.SILENT


def test_an_operation_without_an_answer_is_silent_though_the_server_is_past_it() -> None:
    assert (
        became(an_input(Expected.TAKEN, reference=7, answered=True), SENTINEL).wrong(frozenset()) == "silent"
    )


def test_what_is_said() -> None:
    plain, finishing, holding = Scripted(ENDED), Scripted(ENDED), Scripted(ENDED)
    react(plain, an_input(), 1.0)
    react(finishing, an_input(finish=True), 1.0)
    react(holding, an_input(hold=True), 1.0)
    assert plain.said == [b"in", b"put", b"<sentinel>"]
    assert finishing.said == [b"in", b"put", b"<end>"]
    assert holding.said == [b"in", b"put"]


ALLOWED = {
    Expected.TAKEN: {Became.TAKEN},
    Expected.REJECTED: {Became.REFUSED, Became.ENDED},
    Expected.EITHER: {Became.TAKEN, Became.REFUSED, Became.ENDED},
}


@pytest.mark.parametrize(("expected", "fate"), list(itertools.product(Expected, Became)))
def test_what_is_wrong(expected: Expected, fate: Became) -> None:
    reaction = Reaction(an_input(expected), fate)
    assert bool(reaction.wrong(frozenset())) == (fate not in ALLOWED[expected])


def test_an_answer_before_the_end_counts_as_taken() -> None:
    one = an_input(reference=7)
    assert became(one, Heard(Saying.ANSWER, reference=7), ENDED).wrong(frozenset()) == "taken"


def test_a_fault_of_the_server_is_wrong_whatever_was_expected() -> None:
    reaction = Reaction(an_input(Expected.EITHER), Became.REFUSED, code="storage")
    assert reaction.wrong(frozenset({"storage"})) == "server's fault"
    assert reaction.wrong(frozenset()) == ""
