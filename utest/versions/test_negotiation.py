"""A server must choose the highest common version, say which, and refuse what it does not speak."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from waybill.devices.waiting import OperationFailed
from waybill.drivers.base import Outcome, Welcome
from waybill.history.events import Completion, Operation
from waybill.versions.negotiation import REFUSED, UNKNOWN, choices, require_no_silent_downgrade

Answer = Callable[[Sequence[int]], int | str]


class Guest:
    """A device whose server answers an offer with a version or with the code of a refusal.

    Args:
        answer: The answer to an offer.
        served: The version that a session really has, by the one that was chosen; `"lost"` for an answer that got lost.
    """

    def __init__(self, answer: Answer, served: Callable[[int], int | str] = lambda version: version) -> None:
        self.driver = SimpleNamespace(versions=(2, 3), additions={3: frozenset({Operation.BLOCK})})
        self.name = "guest/phone"
        self.welcome: Welcome | None = None
        self.blocked: list[str] = []
        self.said: list[tuple[int, str]] = []
        self._answer = answer
        self._served = served

    def try_connect(self, *, offers: tuple[int, ...]) -> Outcome:
        answer = self._answer(offers)
        if isinstance(answer, str):
            return Outcome(Completion.FAIL, answer, "no")
        self.welcome = Welcome(answer)
        return Outcome(Completion.OK)

    def connect(self, *, offers: tuple[int, ...]) -> None:
        assert self.try_connect(offers=offers).completion is Completion.OK

    def block(self, user: str) -> None:
        assert self.welcome is not None
        self.said.append((self.welcome.version, "block"))
        served = self._served(self.welcome.version)
        if served == "lost":
            raise OperationFailed(self.name, "block", Outcome(Completion.INFO, "connection-lost"))
        if served == 2:
            raise OperationFailed(self.name, "block", Outcome(Completion.FAIL, "malformed", "no such frame"))
        self.blocked.append(user)

    def unblock(self, user: str) -> None:
        self.blocked.remove(user)

    def close(self) -> None:
        pass


def guest(answer: Answer) -> Any:
    return Guest(answer)


def downgraded(served: Callable[[int], int | str]) -> Any:
    return Guest(speaking(2, 3), served)


ALICE: Any = SimpleNamespace(user="alice")


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


def test_every_version_that_was_chosen_is_held_to_what_it_has() -> None:
    one = guest(speaking(2, 3))
    require_no_silent_downgrade(one, ALICE, choices(one))
    assert [version for version, _ in one.said] == [2, 3, 3, 2, 3, 3]
    assert one.blocked == []
    old = guest(speaking(2))
    require_no_silent_downgrade(old, ALICE, choices(old))
    assert {version for version, _ in old.said} == {2}


@pytest.mark.parametrize(
    ("served", "problem"),
    [
        (lambda _: 2, "chose version 3 to take what that version has; block ended with malformed: no such"),
        (lambda _: 3, "chose version 2 to refuse what that version has not; block was taken"),
        (lambda _: "lost", "block of guest/phone has an unknown outcome"),
    ],
)
def test_a_server_that_serves_another_version_than_it_says_is_named(
    served: Callable[[int], int | str], problem: str
) -> None:
    one = downgraded(served)
    with pytest.raises(AssertionError, match=problem):
        require_no_silent_downgrade(one, ALICE, choices(one))


def test_a_protocol_whose_versions_differ_in_no_block_list_has_nothing_to_say() -> None:
    one = guest(speaking(2, 3))
    one.driver.additions = {}
    require_no_silent_downgrade(one, ALICE, choices(one))
    assert one.said == []
