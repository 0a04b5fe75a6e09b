"""A node that comes back is dialled at once, and takes clients when it has what waited for it."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Sequence

import pytest
from cluster_harness import ClusterWorld, free_port
from server_harness import direct

from waybill_server.cluster.breaker import Breaker
from waybill_server.cluster.catching_up import CatchingUp
from waybill_server.cluster.frames import Greeting, SessionsOpen
from waybill_server.cluster.link import Link
from waybill_server.cluster.settings import Thresholds

LATE = 3600.0
"""Seconds until an attempt that nothing hastens: no test lasts so long."""


def is_done(catching_up: CatchingUp) -> bool:
    """Whether nobody is waited for."""
    return not catching_up.missing


def test_what_every_peer_owes_is_waited_for() -> None:
    catching_up = CatchingUp(["south", "west"])
    catching_up.applied("south", 3)
    catching_up.owes("south", 4)
    catching_up.owes("west", 0)
    assert catching_up.missing == ["south"]
    catching_up.applied("south", 4)
    assert is_done(catching_up)


def test_what_came_later_does_not_begin_it_anew() -> None:
    catching_up = CatchingUp(["south"])
    catching_up.owes("south", 0)
    catching_up.owes("south", 7)
    assert is_done(catching_up)


def test_nobody_waits_for_who_is_out_of_reach_and_done_returns() -> None:
    async def look() -> None:
        catching_up = CatchingUp(["south", "west"])
        waiting = asyncio.ensure_future(catching_up.done())
        catching_up.is_out_of_reach("south")
        await asyncio.sleep(0)
        assert not waiting.done()
        assert catching_up.missing == ["west"]
        catching_up.owes("west", 1)
        catching_up.applied("west", 1)
        await waiting
        await CatchingUp([]).done()

    asyncio.run(look())


class Nothing:
    """An outbox with nothing in it."""

    def outgoing(self, destination: str, after: int, limit: int) -> Sequence[tuple[int, bytes]]:
        return ()

    def last(self, destination: str) -> int:
        return 0

    def confirm(self, destination: str, number: int) -> None:
        """Nothing is confirmed."""


class Counting(Breaker):
    """A breaker that tells of each failure."""

    def __init__(self, peer: str, thresholds: Thresholds) -> None:
        super().__init__(peer, thresholds)
        self.failed_once = asyncio.Event()

    def failed(self, cause: str, *, silent: bool) -> None:
        super().failed(cause, silent=silent)
        self.failed_once.set()


@pytest.mark.parametrize("failures", [1, 10], ids=["open", "closed"])
def test_a_peer_that_says_hello_is_dialled_at_once(failures: int) -> None:
    async def look() -> None:
        breaker = Counting("south", Thresholds(failures=failures, pause=LATE, probe=LATE))
        link = Link(
            Greeting("north", "south", "x"), ("127.0.0.1", free_port()),
            ssl.create_default_context(), Nothing(), breaker, lambda: SessionsOpen([]),
        )  # fmt: skip
        running = asyncio.ensure_future(link.run())
        for attempt in range(1, 4):
            async with asyncio.timeout(60):
                await breaker.failed_once.wait()
            assert breaker.failures == attempt
            assert link.tried.is_set()
            breaker.failed_once.clear()
            link.is_there()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(look())


def test_a_cursor_is_known_to_a_node_that_has_just_come_back(cluster: ClusterWorld) -> None:
    alice, bob = cluster.user("south"), cluster.user("south")
    sender, phone = cluster.log_in("south", alice), cluster.log_in("south", bob)
    cluster.kill("north")
    cluster.until_breaker("south", "north", "open")
    for number in range(50):
        sender.send(direct(alice, bob), f"k{number}")
    phone.delivered(50)
    assert phone.ask("ack", cursor=50)["cursor"] == 50
    cluster.start("north")
    cluster.kill("south")
    moved = cluster.log_in("north", bob)
    assert (moved.heard[0]["cursor"], moved.heard[0]["head"]) == (50, 50)


def test_a_node_is_ready_although_nobody_comes_to_hand_over_what_waits(cluster: ClusterWorld) -> None:
    cluster.kill("north")
    for name in ("south", "west"):
        cluster.relays[name, "north"].hold()
    cluster.start("north")
    told = [line for line in cluster.log("north") if line["event"] == "not-caught-up"]
    assert [line["peers"] for line in told] == [["south", "west"]], json.dumps(cluster.log("north"))
