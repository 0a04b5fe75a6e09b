"""The way to one other node: dialled again and again, fed from the outbox, watched by a breaker."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import ssl
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from waybill_server.cluster.breaker import Breaker
from waybill_server.cluster.frames import (
    Call,
    Confirmed,
    FromReceiver,
    Greeting,
    Heartbeat,
    LinkBroken,
    LinkFrame,
    Records,
    Reply,
    SessionsOpen,
    Spread,
    Welcomed,
    from_receiver,
    packed,
    read_frame,
)
from waybill_server.logs import log

BATCH = 256
"""Records in one frame."""

WINDOW = 4_096
"""Records on their way that are not confirmed; the rest waits in the outbox."""


class Stock(Protocol):
    """The outbox, as a link sees it."""

    def outgoing(self, destination: str, after: int, limit: int) -> Sequence[tuple[int, bytes]]:
        """The next records for a destination."""

    def last(self, destination: str) -> int:
        """The number of the last record for a destination; 0 for none.

        Raises:
            LinkBroken: The outbox cannot be read.
        """

    def confirm(self, destination: str, number: int) -> None:
        """The destination has applied everything up to this number."""


class CallFailed(Exception):
    """A call was not answered; `definite`: it was not made."""

    def __init__(self, text: str, *, definite: bool) -> None:
        super().__init__(text)
        self.definite = definite


class Link:
    """The link to one node.

    Args:
        greeting: What is said first; names the node at the other end.
        address: Where that listens.
        context: This side of TLS.
        stock: The outbox.
        breaker: Says when nobody waits for it.
        sessions: Tells what sessions this node has.

    Attributes:
        breaker: The breaker.
        release: The release of the node at the other end, as it said at its last welcome; 0 before the first.
        tried: Whether the first attempt is over.
    """

    def __init__(
        self,
        greeting: Greeting,
        address: tuple[str, int],
        context: ssl.SSLContext,
        stock: Stock,
        breaker: Breaker,
        sessions: Callable[[], SessionsOpen],
    ) -> None:
        self.peer = greeting.to
        self.breaker = breaker
        self.release = 0
        self._greeting = greeting
        self._address = address
        self._context = context
        self._stock = stock
        self._sessions = sessions
        self._writer: asyncio.StreamWriter | None = None
        self.tried = asyncio.Event()
        self._up = asyncio.Event()
        self._there = asyncio.Event()
        self._wake = asyncio.Event()
        self._sent = 0
        self._confirmed = 0
        self._waiting: dict[int, list[Callable[[bool], None]]] = {}
        self._calls: dict[int, asyncio.Future[Reply]] = {}
        self._numbers = itertools.count(1)

    @property
    def awaited(self) -> bool:
        """Whether anybody should wait for it."""
        return self.breaker.passes

    @property
    def connected(self) -> bool:
        """Whether the other node has welcomed this one."""
        return self._writer is not None

    @property
    def confirmed(self) -> int:
        """The number of the last record that the other node is known to have applied."""
        return self._confirmed

    def when_spread(self, number: int, then: Callable[[bool], None]) -> None:
        """Calls with True once what came of a record is everywhere, or with False once nobody should wait any more."""
        self._waiting.setdefault(number, []).append(then)

    def wake(self) -> None:
        """There is something new in the outbox."""
        self._wake.set()

    def is_there(self) -> None:
        """The other node has just been heard of: the next attempt is made at once."""
        if not self.connected:
            self._there.set()

    def say(self, frame: LinkFrame) -> None:
        """Says something that may be lost; nothing happens without a connection."""
        if self._writer is not None:
            self._writer.write(packed(frame))

    async def call(self, build: Callable[[int], Call]) -> Reply:
        """Asks the other node, which is given a moment to be there, and waits for its answer.

        Raises:
            CallFailed: There is none.
        """
        try:
            async with asyncio.timeout(self.breaker.thresholds.patience):
                await self._up.wait()
        except TimeoutError:
            raise CallFailed(f"node {self.peer} cannot be reached", definite=True) from None
        number = next(self._numbers)
        answered: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._calls[number] = answered
        self.say(build(number))
        try:
            return await answered
        finally:
            del self._calls[number]

    async def run(self) -> None:
        """Keeps the link up until it is cancelled."""
        while True:
            self.breaker.attempt()
            self._there.clear()
            cause, silent = await self._converse()
            self.tried.set()
            self._hang_up()
            self.breaker.failed(cause, silent=silent)
            if not self.breaker.passes:
                self._excuse()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.breaker.pause):
                    await self._there.wait()

    # One connection.

    async def _converse(self) -> tuple[str, bool]:
        """Connects and stays; gives why it ended, and whether for want of a sign of life."""
        writer = None
        try:
            async with asyncio.timeout(self.breaker.thresholds.attempt):
                reader, writer = await asyncio.open_connection(
                    *self._address, ssl=self._context, server_hostname=self.peer
                )
                writer.write(packed(self._greeting))
                self.welcomed(from_receiver.decode(await read_frame(reader)))
            self.breaker.succeeded()
            if not self.breaker.passes:
                return "the breaker stays open", False
            self._writer = writer
            self._up.set()
            self.tried.set()
            log("link-up", peer=self.peer, release=self.release)
            # From here on answers wait for the peer; what was answered without it is among the records up to the last.
            self.say(msgspec.structs.replace(self._sessions(), last=self._stock.last(self.peer)))
            return await self._stay(reader, writer)
        except TimeoutError:
            return "no welcome in time", False
        except (OSError, ssl.SSLError, LinkBroken, msgspec.DecodeError) as error:
            return f"{type(error).__name__}: {error}", False
        finally:
            if writer is not None:
                writer.transport.abort()

    def welcomed(self, frame: FromReceiver) -> None:
        """Takes the answer to the greeting: sends go on where the other node stands.

        Raises:
            LinkBroken: It is no welcome.
        """
        if not isinstance(frame, Welcomed):
            raise LinkBroken("the peer's first frame is no welcome")
        self.release = frame.release
        self._sent = frame.applied
        self._is_confirmed(frame.applied)
        self._are_spread([number for number in self._waiting if number <= frame.applied])

    async def _stay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[str, bool]:
        """Sends and hears until one of both fails."""
        tasks = [
            asyncio.ensure_future(each)
            for each in (self._hear(reader), self._feed(writer), self._beat(writer))
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        error = next(iter(done)).exception()
        return f"{type(error).__name__}: {error}", isinstance(error, TimeoutError)

    async def _hear(self, reader: asyncio.StreamReader) -> None:
        while True:
            async with asyncio.timeout(self.breaker.thresholds.silence):
                data = await read_frame(reader)
            self.heard(from_receiver.decode(data))

    def heard(self, frame: FromReceiver) -> None:
        """Takes what the other node says after its welcome."""
        match frame:
            case Confirmed(number):
                self._is_confirmed(number)
                self._wake.set()
            case Spread(numbers):
                self._are_spread(numbers)
            case Reply() as reply:
                if (answered := self._calls.get(reply.call)) is not None and not answered.done():
                    answered.set_result(reply)

    async def _feed(self, writer: asyncio.StreamWriter) -> None:
        while True:
            self._wake.clear()
            if (frame := self.next_frame()) is not None:
                writer.write(packed(frame))
                await writer.drain()
            else:
                await self._wake.wait()

    def next_frame(self) -> Records | None:
        """What goes next, and counts as sent; None if nothing waits, or too much is on its way."""
        room = min(BATCH, WINDOW - (self._sent - self._confirmed))
        rows = self.next_records(room) if room > 0 else ()
        if not rows:
            return None
        self._sent = rows[-1][0]
        return Records(rows[0][0], [record for _, record in rows])

    def next_records(self, limit: int) -> Sequence[tuple[int, bytes]]:
        """The records that go next."""
        return self._stock.outgoing(self.peer, self._sent, limit)

    async def _beat(self, writer: asyncio.StreamWriter) -> None:
        while True:
            await asyncio.sleep(self.breaker.thresholds.heartbeat)
            writer.write(packed(Heartbeat()))

    def _is_confirmed(self, number: int) -> None:
        if number > self._confirmed:
            self._confirmed = number
            self._stock.confirm(self.peer, number)

    def _are_spread(self, numbers: Sequence[int], *, there: bool = True) -> None:
        for number in numbers:
            for then in self._waiting.pop(number, ()):
                then(there)

    def _excuse(self) -> None:
        """Nobody waits any more."""
        self._are_spread(list(self._waiting), there=False)

    def _hang_up(self) -> None:
        if self._writer is not None:
            log("link-down", peer=self.peer)
        self._writer = None
        self._up.clear()
        for answered in self._calls.values():
            if not answered.done():
                answered.set_exception(
                    CallFailed(f"the link to node {self.peer} broke before it answered", definite=False)
                )
