"""All links of a scenario, driven from ordinary threads."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable, Coroutine, Sequence
from types import TracebackType
from typing import Any, TypeVar

from waybill.network.flow import Ending, Flow
from waybill.network.link import Link, Wire

Answer = TypeVar("Answer")
DEADLINE = 10.0


class Network:
    """Links and the thread that serves them.

    Args:
        host: The loopback address on which links listen.
        seed: Draws jitter.
    """

    def __init__(self, host: str = "127.0.0.1", seed: int = 0) -> None:
        self.host = host
        self.links: dict[str, Link] = {}
        self._random = random.Random(seed)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="waybill-network", daemon=True)
        self._thread.start()

    def link(self, name: str, to: tuple[str, int], *, port: int = 0, wire: Wire | None = None) -> Link:
        """Opens a link to an address; what is dialled is `host` and the link's `port`.

        Args:
            name: Its name.
            to: Where it leads.
            port: Where it listens; by default where nobody does.
            wire: The way of its packets, where they can be lost.

        Raises:
            ValueError: There is a link of this name already.
        """
        if name in self.links:
            raise ValueError(f"there is a link '{name}' already; it leads to {self.links[name].to}")

        link = Link(name, self.host, to, self._random, port=port, wire=wire)
        self.do(link.open)
        self.links[name] = link
        return link

    def do(self, action: Callable[[], Answer]) -> Answer:
        """Runs a function where links live, between two of their steps, and returns what it gives."""

        async def done() -> Answer:
            return action()

        return self.run(done())

    def refuse(self, link: Link) -> None:
        """New connections through a link are refused; the open ones are reset."""

        def refused() -> None:
            link.stop_listening()
            link.end(Ending.RESET)

        self.do(refused)

    def heal(self, link: Link) -> None:
        """A link passes everything again, and listens again on the same port."""

        def healed() -> None:
            link.heal()
            link.stop_listening()
            link.open()

        self.do(healed)

    def wait(self, event: asyncio.Event, seconds: float) -> bool:
        """Whether an event of a flow came within so many seconds."""

        async def waited() -> bool:
            try:
                await asyncio.wait_for(event.wait(), seconds)
            except TimeoutError:
                return False
            return True

        return self.run(waited(), seconds + DEADLINE)

    def wait_for_any(self, events: Sequence[asyncio.Event], seconds: float) -> bool:
        """Whether one of these events came within so many seconds."""

        async def waited() -> bool:
            waiting = [asyncio.ensure_future(event.wait()) for event in events]
            try:
                done, _ = await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for one in waiting:
                    one.cancel()
            return bool(done)

        return self.run(waited(), seconds + DEADLINE)

    def cut_off(self, link: Link, *, ways: Callable[[Link], tuple[Flow, ...]]) -> None:
        """Lets the bytes of some ways vanish."""

        def dropped() -> None:
            for flow in ways(link):
                flow.dropping = True

        self.do(dropped)

    def run(self, work: Coroutine[Any, Any, Answer], seconds: float = DEADLINE) -> Answer:
        """Runs a coroutine where links live, and returns what it gives."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(seconds)

    def close(self) -> None:
        """Ends all links. Idempotent."""
        if self._loop.is_closed():
            return

        async def ended() -> None:
            for link in self.links.values():
                link.close()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        self.run(ended())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(DEADLINE)
        self._loop.close()

    def __enter__(self) -> Network:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
