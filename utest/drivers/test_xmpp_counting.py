"""The counts of XEP-0198, taken by a reader while others write."""

from __future__ import annotations

import threading

import pytest

from waybill.drivers.xmpp_counting import Outgoing

SENDS = 150_000


@pytest.mark.usefixtures("eager_threads")
def test_answers_are_taken_while_others_send() -> None:
    outgoing = Outgoing(managed=True)

    def send() -> None:
        for number in range(SENDS):
            outgoing.add(number, f"m{number}", forged=False)

    writer = threading.Thread(target=send)
    writer.start()
    done: list[int] = []
    while len(done) < SENDS:
        outgoing.ask(0)
        for _ in range(2):
            taken, _ = outgoing.answered(outgoing.count)
            done += [one.operation for one in taken]
    writer.join()

    assert done == list(range(SENDS))
    assert not outgoing.open


def test_a_message_is_done_with_the_answer_to_a_question_asked_after_it_was_covered() -> None:
    outgoing = Outgoing(managed=True)
    outgoing.add(7, "m7", forged=False)
    outgoing.ask(0)

    assert outgoing.answered(1) == ([], 0)
    outgoing.ask(3)
    done, acknowledged = outgoing.answered(1)

    assert [one.operation for one in done] == [7]
    assert acknowledged == 3


def test_a_refused_message_is_not_done_again() -> None:
    outgoing = Outgoing(managed=True)
    outgoing.add(7, "m7", forged=False)
    refused = outgoing.refused("m7")

    assert refused is not None
    assert refused.operation == 7
    assert outgoing.refused("m7") is None
    outgoing.ask(0)
    outgoing.ask(0)
    assert outgoing.answered(1) == ([], 0)
    assert outgoing.answered(1) == ([], 0)
