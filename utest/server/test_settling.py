"""Who waits for other nodes, how long, and what they are told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from waybill_server.cluster.outbox import Row
from waybill_server.cluster.settings import Thresholds
from waybill_server.cluster.settling import Settling


class ScriptedLink:
    """A link that spreads when a test says so."""

    def __init__(self, *, awaited: bool = True) -> None:
        self.awaited = awaited
        self.waiting: list[Callable[[bool], None]] = []

    def when_spread(self, number: int, then: Callable[[bool], None]) -> None:
        self.waiting.append(then)

    def spread(self, there: bool) -> None:
        """Everything is there, or nobody should wait any more."""
        waiting, self.waiting = self.waiting, []
        for then in waiting:
            then(there)


ROWS = [Row("south", 1), Row("west", 1), Row("west", 2)]


@pytest.fixture
def links() -> dict[str, ScriptedLink]:
    return {"south": ScriptedLink(), "west": ScriptedLink()}


async def confirmed(
    links: dict[str, ScriptedLink], script: Callable[[], None], seconds: float = 60
) -> tuple[str, ...]:
    """Which nodes a confirmation says are not known to have it; what is awaited ends with the script or the time."""
    settling = Settling(links, Thresholds(patience=0.001, rights=0.001, confirmation=seconds))
    told: asyncio.Future[tuple[str, ...]] = asyncio.get_running_loop().create_future()
    settling.confirm(ROWS, told.set_result)
    script()
    missing = await told
    await settling.quiet()
    return missing


def test_a_confirmation_waits_until_all_are_told(links: dict[str, ScriptedLink]) -> None:
    def script() -> None:
        for link in links.values():
            link.spread(True)

    assert asyncio.run(confirmed(links, script)) == ()


def test_a_confirmation_waits_for_a_link_that_nobody_else_waits_for(links: dict[str, ScriptedLink]) -> None:
    links["south"].awaited = False

    def script() -> None:
        links["west"].spread(False)
        links["west"].spread(True)
        links["south"].spread(False)
        links["south"].spread(False)
        links["south"].spread(True)

    assert asyncio.run(confirmed(links, script)) == ()


def test_who_is_not_told_in_time_is_named(links: dict[str, ScriptedLink]) -> None:
    assert asyncio.run(confirmed(links, lambda: links["south"].spread(True), seconds=0.01)) == ("west",)
    links["west"].spread(False)
    assert not links["west"].waiting
    assert asyncio.run(confirmed(links, lambda: None, seconds=0.01)) == ("south", "west")


def test_an_answer_waits_for_those_alone_that_can_be_reached(links: dict[str, ScriptedLink]) -> None:
    async def story(script: Callable[[], None]) -> None:
        settling = Settling(links, Thresholds(patience=60))
        answered = asyncio.Event()
        settling.wait(ROWS, answered.set)
        script()
        await answered.wait()
        await settling.quiet()

    def give_up() -> None:
        links["west"].spread(False)

    links["south"].awaited = False
    asyncio.run(story(give_up))
    assert not links["south"].waiting
    links["west"].awaited = False
    asyncio.run(story(lambda: None))


def test_what_is_about_rights_is_given_more_time(links: dict[str, ScriptedLink]) -> None:
    async def story() -> list[str]:
        settling = Settling(links, Thresholds(patience=0.01, rights=60))
        order: list[str] = []
        settling.wait(ROWS, lambda: order.append("blocked"), rights=True)
        for link in links.values():
            link.spread(False)
        answered = asyncio.Event()

        def answer() -> None:
            order.append("answered")
            answered.set()

        settling.wait(ROWS, answer)
        await answered.wait()
        return order

    assert asyncio.run(story()) == ["answered"]
