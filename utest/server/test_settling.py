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
        self.waiting: dict[int, Callable[[bool], None]] = {}

    def when_spread(self, number: int, then: Callable[[bool], None]) -> None:
        self.waiting[number] = then


ROWS = [Row("south", 1), Row("west", 1), Row("west", 2)]


@pytest.fixture
def links() -> dict[str, ScriptedLink]:
    return {"south": ScriptedLink(), "west": ScriptedLink()}


async def confirmed(
    links: dict[str, ScriptedLink], script: Callable[[], None], seconds: float = 60
) -> tuple[str, ...]:
    """Which nodes a confirmation says are not known to have it; what is awaited ends with the script or the time."""
    settling = Settling(links, Thresholds(patience=0.001, confirmation=seconds))
    told: asyncio.Future[tuple[str, ...]] = asyncio.get_running_loop().create_future()
    settling.confirm(ROWS, told.set_result)
    script()
    missing = await told
    await settling.quiet()
    return missing


def test_a_confirmation_waits_until_all_are_told(links: dict[str, ScriptedLink]) -> None:
    def script() -> None:
        for link in links.values():
            for then in link.waiting.values():
                then(True)

    assert asyncio.run(confirmed(links, script)) == ()


def test_a_node_that_is_given_up_is_named(links: dict[str, ScriptedLink]) -> None:
    def script() -> None:
        links["south"].waiting[1](True)
        links["west"].waiting[1](True)
        links["west"].waiting[2](False)

    assert asyncio.run(confirmed(links, script)) == ("west",)


def test_a_node_whose_link_nobody_waits_for_is_named(links: dict[str, ScriptedLink]) -> None:
    links["south"].awaited = False

    def script() -> None:
        for then in links["west"].waiting.values():
            then(True)

    assert asyncio.run(confirmed(links, script)) == ("south",)
    links["west"].awaited = False
    assert asyncio.run(confirmed(links, lambda: None)) == ("south", "west")


def test_nobody_waits_longer_than_the_bound(links: dict[str, ScriptedLink]) -> None:
    def script() -> None:
        links["south"].waiting[1](True)

    assert asyncio.run(confirmed(links, script, seconds=0.01)) == ("west",)
    links["west"].waiting[1](True)


def test_an_answer_to_a_client_is_given_sooner_than_a_confirmation(links: dict[str, ScriptedLink]) -> None:
    async def story() -> list[str]:
        settling = Settling(links, Thresholds(patience=0.01, confirmation=60))
        order: list[str] = []
        settling.confirm(ROWS, lambda missing: order.append("confirmed"))
        answered = asyncio.Event()
        settling.wait(ROWS, lambda: (order.append("answered"), answered.set()))
        await answered.wait()
        return order

    assert asyncio.run(story()) == ["answered"]
