"""One direction of a link: what is done to its bytes on their way.

A flow belongs to a link and holds for all of its connections, present and future; counting begins when it is changed.
Everything here runs on the event loop of the link.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum


class Ending(Enum):
    """How a connection is ended."""

    RESET = "reset"
    """A TCP reset: what was under way is gone, both sides see an error."""
    FIN = "fin"
    """An orderly end in the middle of whatever was said."""


@dataclass(slots=True)
class Cut:
    """The connection ends after so many further bytes.

    Attributes:
        after: Bytes that still pass; the next one does not.
        ending: How both sides see it.
        done: It happened.
    """

    after: int
    ending: Ending = Ending.RESET
    done: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True)
class Hook:
    """Something is called when a frame is about to pass.

    Attributes:
        frames: Given all bytes of one connection in this direction, part by part, says how many frames each part
            completes.
        number: On which completed frame it is called, counted from 1.
        call: What is called, in a thread of its own; the frame waits until it returns.
        withhold: The frame, and what came in the same part with it, never passes; the connection is reset.
    """

    frames: Callable[[bytes], int]
    number: int
    call: Callable[[], None]
    withhold: bool = False
    seen: int = 0
    done: asyncio.Event = field(default_factory=asyncio.Event)


class ConnectionCut(Exception):
    """The flow ended the connection."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending.value)
        self.ending = ending


class Flow:
    """One direction of a link.

    Attributes:
        delay: Seconds that every part of the bytes is late; order is kept.
        jitter: Further seconds, drawn evenly from 0 to this.
        rate: Bytes per second; 0 for no bound.
        piece: The most bytes that pass at once; 0 for no bound.
        dropping: Bytes vanish, and the sender learns nothing.
        passed: Bytes that passed so far.
        dropped: Bytes that vanished so far.
        late: Parts that were held up so far.
        flipped: Bytes that were turned over so far.
        held: Bytes that were read and had to wait for the end of a stall so far.
        gap: Bytes vanished since the last `heal`, so the connections that lack them are of no use any more.
        acted: Set whenever something was done to bytes.
    """

    def __init__(self, random_: random.Random) -> None:
        self._random = random_
        self._cut: Cut | None = None
        self._flip: int | None = None
        self._hook: Hook | None = None
        self._open = asyncio.Event()
        self._open.set()
        self.heal()
        self.passed = 0
        self.dropped = 0
        self.late = 0
        self.flipped = 0
        self.held = 0
        self.acted = asyncio.Event()

    def heal(self) -> None:
        """Lets everything pass as it is."""
        self.delay = 0.0
        self.jitter = 0.0
        self.rate = 0.0
        self.piece = 0
        self.dropping = False
        self.gap = False
        self._cut = None
        self._flip = None
        self._hook = None
        self._open.set()

    def stall(self) -> None:
        """Nothing passes, and no more than one part is read, until `resume`: the sender's TCP window fills."""
        self._open.clear()

    def resume(self) -> None:
        """Reads on."""
        self._open.set()

    @property
    def stalled(self) -> bool:
        """Nothing passes at present."""
        return not self._open.is_set()

    @property
    def undisturbed(self) -> bool:
        """Nothing is done to bytes, nor will be."""
        armed = self._cut or self._hook or self._flip is not None
        shaped = self.delay or self.jitter or self.rate or self.piece
        return not (armed or shaped or self.dropping or self.stalled)

    def cut(self, cut: Cut) -> None:
        """Ends the connection on which the byte passes that is one too many."""
        self._cut = cut

    def flip(self, after: int) -> None:
        """Turns over the lowest bit of the byte that comes after so many."""
        self._flip = after

    def hook(self, hook: Hook) -> None:
        """Calls something on a frame."""
        self._hook = hook

    async def hold(self, part: bytes) -> None:
        """Lets a part that was read wait for the end of a stall, if there is one."""
        if self.stalled:
            self.held += len(part)
            self.acted.set()
        await self._open.wait()

    async def passing(self, part: bytes, write: Callable[[bytes], object]) -> None:
        """Passes a part of the bytes on.

        Raises:
            ConnectionCut: The connection ends here; what may still pass was written.
        """
        if self.dropping:
            self.dropped += len(part)
            self.gap = True
            self.acted.set()
            return
        if self._hook is not None:
            await self._at_hook(self._hook, part)
        if self._flip is not None:
            part = self._turned(part, self._flip)
        wait = self.delay + (self._random.uniform(0, self.jitter) if self.jitter else 0.0)
        if wait:
            self._hold_up()
            await asyncio.sleep(wait)
        step = self.piece or len(part)
        for begin in range(0, len(part), step):
            await self._write(part[begin : begin + step], write)

    async def _write(self, piece: bytes, write: Callable[[bytes], object]) -> None:
        cut = self._cut
        if cut is not None and len(piece) > cut.after:
            if cut.after:
                self.passed += cut.after
                write(piece[: cut.after])
            self._cut = None
            cut.done.set()
            self.acted.set()
            raise ConnectionCut(cut.ending)
        if cut is not None:
            cut.after -= len(piece)
        if self.rate:
            self._hold_up()
            await asyncio.sleep(len(piece) / self.rate)
        self.passed += len(piece)
        write(piece)

    def _hold_up(self) -> None:
        self.late += 1
        self.acted.set()

    def _turned(self, part: bytes, after: int) -> bytes:
        if after >= len(part):
            self._flip = after - len(part)
            return part
        self._flip = None
        self.flipped += 1
        self.acted.set()
        return part[:after] + bytes([part[after] ^ 1]) + part[after + 1 :]

    async def _at_hook(self, hook: Hook, part: bytes) -> None:
        hook.seen += hook.frames(part)
        if hook.seen < hook.number:
            return
        self._hook = None
        await asyncio.get_running_loop().run_in_executor(None, hook.call)
        hook.done.set()
        self.acted.set()
        if hook.withhold:
            raise ConnectionCut(Ending.RESET)
