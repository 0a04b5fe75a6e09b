"""A server must choose the highest common version, say which, and refuse what it does not speak."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from waybill.drivers.base import Outcome, Welcome
from waybill.history.events import Completion
from waybill.versions.negotiation import REFUSED, UNKNOWN, choices

Answer = Callable[[Sequence[int]], int | str]


class Guest:
    """A device whose server answers an offer with a version or with the code of a refusal."""

    def __init__(self, answer: Answer) -> None:
        self.driver = SimpleNamespace(versions=(2, 3))
        self.welcome: Welcome | None = None
        self._answer = answer

    def try_connect(self, *, offers: tuple[int, ...]) -> Outcome:
        answer = self._answer(offers)
        if isinstance(answer, str):
            return Outcome(Completion.FAIL, answer, "no")
        self.welcome = Welcome(answer)
        return Outcome(Completion.OK)

    def close(self) -> None:
        pass


def guest(answer: Answer) -> Any:
    return Guest(answer)


def speaking(*spoken: int) -> Answer:
    return lambda offers: max(set(offers) & set(spoken), default=0) or REFUSED


def test_the_highest_common_version_is_chosen_of_every_offer() -> None:
    assert choices(guest(speaking(2, 3))) == {
        (2,): 2, (3,): 3, (UNKNOWN,): None, (2, 3): 3, (2, UNKNOWN): 2, (3, UNKNOWN): 3, (2, 3, UNKNOWN): 3,
    }  # fmt: skip
    assert choices(guest(speaking(2)))[2, 3] == 2
    assert choices(guest(speaking(2)))[3,] is None


def lowest(offers: Sequence[int]) -> int | str:
    return min({*offers} & {2, 3}, default=0) or REFUSED


def refuses_the_unknown(offers: Sequence[int]) -> int | str:
    return REFUSED if UNKNOWN in offers else max(offers)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (lowest, "offers 2 and 3 to a server that speaks 2 and 3 is given version 3; it was given 2"),
        (
            lambda _: 3,
            "offers 2 to a server that speaks 2 and 3 is given version 2; it was given 3",
        ),
        (refuses_the_unknown, f"offers 2 and {UNKNOWN} .* is given version 2; it was given None"),
        (lambda _: "malformed", "refused as unsupported-version; it ended with malformed: no"),
    ],
)
def test_another_choice_is_named(answer: Answer, problem: str) -> None:
    with pytest.raises(AssertionError, match=problem):
        choices(guest(answer))
