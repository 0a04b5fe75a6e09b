"""A directed link: a listener in front of a node, through which everything that dials it goes."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
from collections.abc import Callable
from typing import Protocol

from waybill.network.flow import ConnectionCut, Ending, Flow

LARGEST_PART = 65_536
GOODBYE_SECONDS = 0.5
"""How long the other side of a half that ends in order may take to end it too."""

_RESET = struct.pack("ii", 1, 0)


class Wire(Protocol):
    """A way of packets, on which they can be lost without a word."""

    losing: frozenset[str]
    """The directions in which they are lost."""
    lost: Callable[[], None]
    """Called, in a thread of its own, when the first packet of a direction is lost."""

    def new_socket(self) -> socket.socket:
        """A TCP socket whose packets go this way; it is not connected."""

    def lose(self, *ways: str) -> None:
        """Loses every packet in these directions from now on, and in no other."""

    def count(self, way: str) -> int:
        """How many packets were lost in a direction since `lose` named it."""


class Link:
    """A link from whoever dials it to one address; TLS passes through untouched.

    Attributes:
        name: Its name, for messages.
        port: Where it listens.
        up: The way from the dialling side.
        down: The way back.
        accepted: Connections that were made through it so far.
        refused: Connections that were refused, or swallowed, so far.
        wire: The way of its packets, where they can be lost; None where its connections are ordinary ones.
        swallowed: Set whenever a connection was swallowed.
    """

    def __init__(
        self,
        name: str,
        host: str,
        to: tuple[str, int],
        random_: random.Random,
        *,
        port: int = 0,
        wire: Wire | None = None,
    ) -> None:
        self.name = name
        self.host = host
        self.to = to
        self.port = port
        self.wire = wire
        self.up = Flow(random_)
        self.down = Flow(random_)
        self.accepted = 0
        self.refused = 0
        self.swallowed = asyncio.Event()
        self._swallowing = False
        self._listener: socket.socket | None = None
        self._making: dict[socket.socket, asyncio.Task[_Pair]] = {}
        self._pairs: set[_Pair] = set()
        self._swallowed: set[socket.socket] = set()

    def open(self) -> None:
        """Listens; called on the event loop."""
        self._listener = socket.create_server((self.host, self.port), backlog=128)
        self._listener.setblocking(False)
        self.port = self._listener.getsockname()[1]
        asyncio.get_running_loop().add_reader(self._listener, self._accept, self._listener)

    def close(self) -> None:
        """Ends all connections and stops listening."""
        self.stop_listening()
        self.end(Ending.RESET)
        self.swallow(False)

    def stop_listening(self) -> None:
        """New connections are refused by the kernel from now on; the open ones stay."""
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            self._listener = None

    def swallow(self, on: bool) -> None:
        """New connections are taken and never get an answer, or are handed on again."""
        self._swallowing = on
        if not on:
            for near in self._swallowed:
                _reset(near)
                near.close()
            self._swallowed.clear()

    def end(self, ending: Ending) -> int:
        """Ends all connections, those that are still being made as well; returns how many there were."""
        pairs, making = list(self._pairs), list(self._making.items())
        for pair in pairs:
            pair.end(ending)
        for near, task in making:
            if ending is Ending.RESET:
                _reset(near)
            task.cancel()
        return len(pairs) + len(making)

    @property
    def connections(self) -> int:
        """Connections that are open now."""
        return len(self._pairs)

    @property
    def undisturbed(self) -> bool:
        """It listens, and everything passes as it is, both ways."""
        listens = self._listener is not None and not self._swallowing
        loses = self.wire is not None and bool(self.wire.losing)
        return listens and self.up.undisturbed and self.down.undisturbed and not loses

    def heal(self) -> None:
        """Everything passes again, both ways; the caller listens again where it had stopped.

        Connections of which bytes vanished are reset: TCP would have sent these bytes again, the link cannot.
        """
        if self.up.gap or self.down.gap:
            self.end(Ending.RESET)
        self.up.heal()
        self.down.heal()
        self.swallow(False)
        if self.wire is not None and self.wire.losing:
            self.wire.lose()
            self.wire.lost = lambda: None

    def _accept(self, listener: socket.socket) -> None:
        """Takes a connection over in one step, so that there is none that nobody knows of."""
        try:
            near, _ = listener.accept()
        except OSError:
            return
        near.setblocking(False)
        if self._swallowing:
            self.refused += 1
            self._swallowed.add(near)
            self.swallowed.set()
            return
        task = asyncio.get_running_loop().create_task(self._make(near))
        self._making[near] = task
        task.add_done_callback(lambda _: self._made(near, task))

    async def _make(self, near: socket.socket) -> _Pair:
        beyond = await self._dial()
        try:
            return _Pair(await asyncio.open_connection(sock=near, limit=LARGEST_PART), beyond)
        except BaseException:
            _abort(beyond[1])
            raise

    async def _dial(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self.wire is None:
            return await asyncio.open_connection(*self.to, limit=LARGEST_PART)
        dialling = self.wire.new_socket()
        try:
            dialling.setblocking(False)
            await asyncio.get_running_loop().sock_connect(dialling, self.to)
            return await asyncio.open_connection(sock=dialling, limit=LARGEST_PART)
        except BaseException:
            dialling.close()
            raise

    def _made(self, near: socket.socket, task: asyncio.Task[_Pair]) -> None:
        del self._making[near]
        if task.cancelled():
            near.close()
        elif task.exception() is not None:
            self.refused += 1
            _reset(near)
            near.close()
        else:
            self.accepted += 1
            pair = task.result()
            self._pairs.add(pair)
            served = asyncio.get_running_loop().create_task(pair.run(self.up, self.down))
            served.add_done_callback(lambda _: self._pairs.discard(pair))


class _Pair:
    """One connection through a link: its two halves."""

    def __init__(
        self,
        near: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        far: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        self._near, self._far = near, far
        self._pumps: list[asyncio.Task[None]] = []
        self._ending = Ending.RESET
        for _, writer in (near, far):
            # `drain` then means that the kernel has everything.
            writer.transport.set_write_buffer_limits(0)

    async def run(self, up: Flow, down: Flow) -> None:
        """Passes bytes both ways until the connection ends."""
        self._pumps = [
            asyncio.ensure_future(_pump(self._near[0], self._far[1], up)),
            asyncio.ensure_future(_pump(self._far[0], self._near[1], down)),
        ]
        try:
            await asyncio.gather(*self._pumps)
        except ConnectionCut as cut:
            await self._finish(cut.ending)
        except (OSError, asyncio.CancelledError):
            await self._finish(self._ending)
        finally:
            for pump in self._pumps:
                pump.cancel()
            for _, writer in (self._near, self._far):
                writer.close()

    def end(self, ending: Ending) -> None:
        """Ends both halves."""
        self._ending = ending
        for pump in self._pumps:
            pump.cancel()
        if ending is Ending.RESET:
            for _, writer in (self._near, self._far):
                _abort(writer)

    async def _finish(self, ending: Ending) -> None:
        for pump in self._pumps:
            pump.cancel()
        if ending is Ending.FIN:
            await asyncio.gather(_say_goodbye(*self._near), _say_goodbye(*self._far))
        else:
            for _, writer in (self._near, self._far):
                _abort(writer)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, flow: Flow) -> None:
    """Passes bytes of one direction on until their end."""
    while True:
        part = await reader.read(LARGEST_PART)
        if not part:
            break
        # During a stall one part is read and held: so it is known that something waits.
        await flow.hold(part)
        try:
            await flow.passing(part, writer.write)
        finally:
            await writer.drain()
    if not flow.dropping:
        with contextlib.suppress(OSError, RuntimeError):
            writer.write_eof()


async def _say_goodbye(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Ends one half in order. What still arrives is read: closing over unread bytes would be a reset."""
    with contextlib.suppress(OSError, TimeoutError):
        writer.write_eof()
        async with asyncio.timeout(GOODBYE_SECONDS):
            while await reader.read(LARGEST_PART):
                pass


def _abort(writer: asyncio.StreamWriter) -> None:
    """Resets one half; the kernel must not be left to say goodbye."""
    _reset(writer.get_extra_info("socket"))
    writer.transport.abort()


def _reset(connection: socket.socket) -> None:
    """Closing this connection will reset it."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
