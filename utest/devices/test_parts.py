"""The small parts: bodies, sends, conversations, waits, names."""

from __future__ import annotations

import threading
import time

import pytest

from waybill.devices.conversation import Conversation
from waybill.devices.names import Names
from waybill.devices.sending import Bodies, Sending
from waybill.devices.waiting import Deadline, Signal, look_until, some
from waybill.devices.waits import Unanswered
from waybill.drivers.base import Outcome
from waybill.history.events import Completion

OK, FAIL, INFO = (Outcome(completion, completion.name.lower()) for completion in Completion)


def sending(order: int = 0, device: str = "alice/phone") -> Sending:
    return Sending(f"{device}#{order}", device, Conversation("alice+bob"), f"k{order}", b"x", order)


def test_bodies_follow_from_the_seed_name_their_message_and_have_the_asked_size() -> None:
    one, same, other = Bodies(1), Bodies(1), Bodies(2)
    assert one.make("alice/phone#1", 300) == same.make("alice/phone#1", 300)
    assert one.make("alice/phone#1", 300) != other.make("alice/phone#1", 300)
    assert one.make("alice/phone#1", 300) != one.make("alice/phone#2", 300)
    for size in (0, 10, 64, 300, 70_000, 200_000):
        body = one.make("alice/phone#42", size)
        assert body.startswith(b"alice/phone#42 ")
        assert len(body) == size or len(body) < 30
        body.decode("ascii")


def test_an_acknowledgement_beats_an_unknown_outcome_which_beats_a_refusal() -> None:
    one = sending()
    for number, (outcome, state) in enumerate(
        [
            (FAIL, "refused"),
            (INFO, "unknown"),
            (FAIL, "unknown"),
            (OK, "acknowledged"),
            (INFO, "acknowledged"),
        ]
    ):
        one.began(number, "alice/phone")
        assert not one.answered
        one.ended(number, outcome)
        assert [name for name in ("refused", "unknown", "acknowledged") if getattr(one, name)] == [state]
        assert one.answered
    assert one.attempts == 5
    assert one.last is INFO


def test_a_send_with_an_open_retry_is_not_answered() -> None:
    one = sending()
    one.began(1, "alice/phone")
    one.began(2, "alice/tablet")
    one.ended(1, INFO)
    assert not one.answered
    assert not one.unknown
    one.ended(2, OK)
    assert one.acknowledged
    assert one.tried_by == {"alice/phone", "alice/tablet"}


def test_membership_holds_between_joining_and_leaving() -> None:
    group = Conversation("crew", group=True)
    group.joined("alice", 0)
    group.joined("bob", 5)
    group.left("bob", 8)
    group.joined("bob", 12)
    assert [order for order in range(15) if group.had("bob", order)] == [5, 6, 7, 12, 13, 14]
    assert group.members == ["alice", "bob"]
    assert not group.had("carol", 3)


def test_the_high_water_mark_is_the_newest_send_whatever_the_order_of_acknowledgements() -> None:
    thread = Conversation("alice+bob")
    sends = [sending(order) for order in range(5)]
    for index in (0, 3, 1, 4, 2, 3):
        thread.note_taken(sends[index])
    assert [one.order for one in thread.taken["alice/phone"]] == [0, 1, 2, 3, 4]


def test_what_nobody_announces_is_looked_at_until_it_is_there_or_the_deadline_passed() -> None:
    looks = iter([False, False, True])
    assert look_until(lambda: next(looks), Deadline(10))
    assert list(looks) == []
    assert look_until(lambda: True, Deadline(0))
    assert not look_until(lambda: False, Deadline(0.02))


def test_a_wait_ends_with_the_change_and_not_with_the_deadline() -> None:
    signal, ready = Signal(), []
    begun = time.monotonic()

    def change() -> None:
        ready.append(1)
        signal.changed()

    threading.Timer(0.05, change).start()
    assert signal.wait_until(lambda: bool(ready), Deadline(10))
    assert time.monotonic() - begun < 5


def test_a_send_that_is_never_answered_does_not_hide_that_later_ones_are() -> None:
    sendings = [sending(number) for number in range(5)]
    for number, one in enumerate(sendings):
        one.began(number, "alice/phone")
    left = Unanswered(sendings)
    for number in (1, 2, 3):
        sendings[number].ended(number, OK)

    assert left.is_down_to(2)()
    assert not left.is_down_to(1)()
    assert left.left() == [sendings[0], sendings[4]]


def test_a_wait_ends_at_its_deadline() -> None:
    assert not Signal().wait_until(lambda: False, Deadline(0.02))
    assert not Signal().wait_until(lambda: False, Deadline(0))
    assert Signal().wait_until(lambda: True, Deadline(0))


@pytest.mark.parametrize(("count", "text"), [(0, ""), (2, "m0, m1"), (7, "m0, m1, m2, m3, m4 and 2 more")])
def test_only_the_first_few_are_named(count: int, text: str) -> None:
    assert some(f"m{number}" for number in range(count)) == text


def test_a_name_that_nobody_gave_out_stays_as_it_is() -> None:
    names = Names()
    names.add_user("account-1", "alice")
    names.add_conversation("d:account-1:account-2", "alice+bob")
    assert names.user("account-1") == "alice"
    assert names.account("alice") == "account-1"
    assert names.conversation("d:account-1:account-2") == "alice+bob"
    assert names.user("stranger") == "stranger"
    assert names.conversation("g:1") == "g:1"
