"""Who comes from other nodes: let in with the right name and certificate, and heard until the connection fails."""

from __future__ import annotations

import asyncio
import ssl

import msgspec

from waybill_server.cluster.frames import (
    Greeting,
    Heartbeat,
    LinkBroken,
    LinkFrame,
    from_sender,
    packed,
    read_frame,
)
from waybill_server.cluster.settings import Thresholds
from waybill_server.cluster.tls import PeerTls
from waybill_server.cluster.visit import Desk, Visit
from waybill_server.logs import log


class Incoming:
    """The links of all other nodes to this one.

    Args:
        own: The node's own name.
        peers: The names of the others.
        release: The number of its release.
        tls: Whose certificate it is.
        thresholds: The bounds.
        desk: The node.
    """

    def __init__(
        self,
        own: str,
        peers: tuple[str, ...],
        release: int,
        tls: PeerTls,
        thresholds: Thresholds,
        desk: Desk,
    ) -> None:
        self._own = own
        self._peers = peers
        self._release = release
        self._tls = tls
        self._thresholds = thresholds
        self._desk = desk
        self._visits: dict[str, Visit] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serves one connection to its end."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._serve(reader, writer)
        except (LinkBroken, OSError, ssl.SSLError, TimeoutError, msgspec.DecodeError) as error:
            peer = writer.get_extra_info("peername")
            log("peer-left", peer=str(peer), cause=f"{type(error).__name__}: {error}")
        except asyncio.CancelledError:
            pass
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def end(self) -> None:
        """Gives up every connection."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(self._thresholds.attempt):
            greeting = from_sender.decode(await read_frame(reader))
        if not isinstance(greeting, Greeting):
            raise LinkBroken("the first frame is no hello")
        origin = greeting.node
        secured = writer.get_extra_info("ssl_object")
        if origin not in self._peers or greeting.to != self._own:
            raise LinkBroken(f"{origin!r} is no peer, or asked for {greeting.to!r}")
        if not self._tls.vouches(secured, origin):
            raise LinkBroken(f"the certificate is not that of node {origin}")
        if (older := self._visits.get(origin)) is not None:
            older.replaced()

        def say(frame: LinkFrame) -> None:
            writer.write(packed(frame))

        soon = asyncio.get_running_loop().call_soon
        visit = Visit(greeting, self._release, self._desk, say, writer.transport.abort, soon)
        self._visits[origin] = visit
        self._desk.greeted(origin)
        try:
            await self._stay(visit, reader)
        finally:
            visit.over = True
            if self._visits.get(origin) is visit:
                del self._visits[origin]
                self._desk.lost(origin)

    async def _stay(self, visit: Visit, reader: asyncio.StreamReader) -> None:
        """Hears until the connection fails."""
        visit.begin()
        beating = asyncio.ensure_future(self._beat(visit))
        try:
            while not visit.over:
                await visit.room.wait()
                async with asyncio.timeout(self._thresholds.silence * 2):
                    data = await read_frame(reader)
                visit.take(from_sender.decode(data))
        finally:
            beating.cancel()

    async def _beat(self, visit: Visit) -> None:
        while True:
            await asyncio.sleep(self._thresholds.heartbeat)
            visit.say(Heartbeat())
