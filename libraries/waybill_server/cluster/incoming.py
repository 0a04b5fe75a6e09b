"""What comes from other nodes: who they are, their records, their calls."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from functools import partial
from typing import Protocol

import msgspec

from waybill_server.cluster.frames import (
    Call,
    ChangeBlock,
    ChangeGroup,
    ChangeRule,
    Confirmed,
    Greeting,
    Heartbeat,
    LinkBroken,
    LinkFrame,
    Records,
    Reply,
    SessionEnded,
    SessionOpened,
    SessionsOpen,
    Spread,
    Types,
    UseToken,
    Welcomed,
    from_sender,
    packed,
    read_frame,
)
from waybill_server.cluster.settings import Thresholds
from waybill_server.cluster.tls import PeerTls
from waybill_server.logs import log

OPEN_RECORDS = 8_192
"""Records of one peer that wait for the writer; past it nothing more is read from the peer."""


class Desk(Protocol):
    """What incoming links need of the node."""

    def applied(self, origin: str, store: str, then: Callable[[int], None]) -> None:
        """Tells the number of the last record of an origin that was applied, once all before is."""

    def apply(
        self,
        origin: str,
        store: str,
        number: int,
        record: bytes,
        committed: Callable[[bool], None],
        spread: Callable[[], None],
    ) -> None:
        """Applies a record; tells when it is committed, or failed, and when what came of it is everywhere."""

    def answer(self, origin: str, call: Call, reply: Callable[[Reply], None]) -> None:
        """Does what another node asks for."""

    def hear(self, origin: str, frame: SessionsOpen | SessionOpened | SessionEnded | Types) -> None:
        """Takes note of what another node says."""

    def lost(self, origin: str) -> None:
        """Nothing is heard of another node any more."""


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
        self._visits: dict[str, _Visit] = {}
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
        visit = _Visit(greeting, self._release, reader, writer, self._desk, self._thresholds)
        self._visits[origin] = visit
        try:
            await visit.stay()
        finally:
            visit.over = True
            if self._visits.get(origin) is visit:
                del self._visits[origin]
                self._desk.lost(origin)


class _Visit:
    """One connection of another node that may talk."""

    def __init__(
        self,
        greeting: Greeting,
        release: int,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        desk: Desk,
        thresholds: Thresholds,
    ) -> None:
        self.over = False
        self._origin = greeting.node
        self._store = greeting.store
        self._release = release
        self._reader = reader
        self._writer = writer
        self._desk = desk
        self._thresholds = thresholds
        self._open = 0
        self._room = asyncio.Event()
        self._room.set()
        self._confirmed = 0
        self._spread: list[int] = []
        self._telling = False

    def replaced(self) -> None:
        """The same node connected again."""
        self.over = True
        self._writer.transport.abort()

    async def stay(self) -> None:
        """Hears until the connection fails."""
        self._desk.applied(
            self._origin, self._store, lambda number: self._say(Welcomed(number, self._release))
        )
        beating = asyncio.ensure_future(self._beat())
        try:
            while not self.over:
                await self._room.wait()
                async with asyncio.timeout(self._thresholds.silence * 2):
                    data = await read_frame(self._reader)
                self._take(data)
        finally:
            beating.cancel()

    def _take(self, data: bytes) -> None:
        match from_sender.decode(data):
            case Records(first, records):
                for number, record in enumerate(records, first):
                    self._apply(number, record)
            case SessionsOpen() | SessionOpened() | SessionEnded() | Types() as said:
                self._desk.hear(self._origin, said)
            case ChangeGroup() | ChangeBlock() | ChangeRule() | UseToken() as call:
                self._desk.answer(self._origin, call, self._say)
            case Greeting():
                raise LinkBroken("a second hello")

    def _apply(self, number: int, record: bytes) -> None:
        self._open += 1
        if self._open >= OPEN_RECORDS:
            self._room.clear()
        self._desk.apply(
            self._origin,
            self._store,
            number,
            record,
            partial(self._is_committed, number),
            partial(self._is_spread, number),
        )

    def _is_committed(self, number: int, applied: bool) -> None:
        self._open -= 1
        if self._open < OPEN_RECORDS // 2:
            self._room.set()
        if self.over:
            return
        if applied:
            self._confirmed = number
            self._tell_soon()
        else:
            log("record-refused", peer=self._origin, number=number)
            self.replaced()

    def _is_spread(self, number: int) -> None:
        self._spread.append(number)
        self._tell_soon()

    def _tell_soon(self) -> None:
        if not self._telling:
            self._telling = True
            asyncio.get_running_loop().call_soon(self._tell)

    def _tell(self) -> None:
        self._telling = False
        self._say(Confirmed(self._confirmed))
        if self._spread:
            self._say(Spread(self._spread))
            self._spread = []

    def _say(self, frame: LinkFrame) -> None:
        if not self.over:
            self._writer.write(packed(frame))

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._thresholds.heartbeat)
            self._say(Heartbeat())
