"""A directed link: a listener in front of a node, through which everything that dials it goes."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
from collections.abc import Callable

from waybill.network.flow import ConnectionCut, Ending, Flow

LARGEST_PART = 65_536
_RESET = struct.pack("ii", 1, 0)


class Link:
    """A link from whoever dials it to one address; TLS passes through untouched.

    Attributes:
        name: Its name, for messages.
        port: Where it listens.
        up: The way from the dialling side.
        down: The way back.
        accepted: Connections that were made through it so far.
        refused: Connections that were refused, or swallowed, so far.
    """

    def __init__(self, name: str, host: str, to: tuple[str, int], random_: random.Random) -> None:
        self.name = name
        self.host = host
        self.to = to
        self.port = 0
        self.up = Flow(random_)
        self.down = Flow(random_)
        self.accepted = 0
        self.refused = 0
        self.closed_to: str | None = None
        self._server: asyncio.Server | None = None
        self._pairs: set[_Pair] = set()
        self._dialling: set[asyncio.StreamWriter] = set()
        self._swallowed: set[asyncio.StreamWriter] = set()

    async def open(self) -> None:
        """Listens."""
        self._server = await asyncio.start_server(self._dialled, self.host, self.port, limit=LARGEST_PART)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Ends all connections and stops listening."""
        await self.stop_listening()
        self.end(Ending.RESET)
        for writer in self._swallowed:
            writer.transport.abort()
        self._swallowed.clear()

    async def stop_listening(self) -> None:
        """New connections are refused by the kernel from now on; the open ones stay."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def swallow(self, on: bool) -> None:
        """New connections are taken and never get an answer, or are handed on again."""
        self.closed_to = "swallow" if on else None
        if not on:
            for writer in self._swallowed:
                writer.transport.abort()
            self._swallowed.clear()

    def end(self, ending: Ending) -> int:
        """Ends all open connections; returns how many there were."""
        pairs, dialling = list(self._pairs), list(self._dialling)
        for pair in pairs:
            pair.end(ending)
        for writer in dialling:
            _end(writer, ending)
        return len(pairs) + len(dialling)

    @property
    def connections(self) -> int:
        """Connections that are open now."""
        return len(self._pairs)

    def heal(self) -> None:
        """Everything passes again, both ways; the caller listens again where it had stopped."""
        self.up.heal()
        self.down.heal()
        self.swallow(False)

    async def _dialled(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.closed_to == "swallow":
            self.refused += 1
            self._swallowed.add(writer)
            return
        self._dialling.add(writer)
        try:
            beyond = await asyncio.open_connection(*self.to, limit=LARGEST_PART)
        except OSError:
            self.refused += 1
            _end(writer, Ending.RESET)
            return
        finally:
            self._dialling.discard(writer)
        if writer.transport.is_closing():
            _end(beyond[1], Ending.RESET)
            return
        self.accepted += 1
        pair = _Pair((reader, writer), beyond)
        self._pairs.add(pair)
        try:
            await pair.run(self.up, self.down)
        finally:
            self._pairs.discard(pair)


class _Pair:
    """One connection through a link: its two halves."""

    def __init__(
        self,
        near: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        far: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        self._near, self._far = near, far
        self._tasks: list[asyncio.Task[None]] = []
        self._ending: Ending | None = None

    async def run(self, up: Flow, down: Flow) -> None:
        """Passes bytes both ways until the connection ends."""
        self._tasks = [
            asyncio.ensure_future(self._pump(self._near[0], self._far[1], up)),
            asyncio.ensure_future(self._pump(self._far[0], self._near[1], down)),
        ]
        try:
            await asyncio.gather(*self._tasks)
        except ConnectionCut as cut:
            self.end(cut.ending)
        except (OSError, asyncio.CancelledError):
            self.end(self._ending or Ending.RESET)
        finally:
            for task in self._tasks:
                task.cancel()
            for _, writer in (self._near, self._far):
                writer.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, flow: Flow) -> None:
        write: Callable[[bytes], object] = writer.write
        while True:
            await flow.ready()
            part = await reader.read(LARGEST_PART)
            if not part:
                break
            # What was read before a stall began waits as well.
            await flow.ready()
            await flow.passing(part, write)
            await writer.drain()
        if not flow.dropping:
            with contextlib.suppress(OSError, RuntimeError):
                writer.write_eof()

    def end(self, ending: Ending) -> None:
        """Ends both halves."""
        self._ending = ending
        for task in self._tasks:
            task.cancel()
        for _, writer in (self._near, self._far):
            _end(writer, ending)


def _end(writer: asyncio.StreamWriter, ending: Ending) -> None:
    """Ends one half; for a reset the kernel must not be left to say goodbye."""
    connection = writer.get_extra_info("socket")
    if ending is Ending.RESET and connection is not None:
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        writer.transport.abort()
    else:
        writer.close()
