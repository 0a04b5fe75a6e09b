"""What another node says on one connection, and what it is told: its records, its calls, its sessions.

Nothing here reads or writes: frames come in, frames go out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Protocol

from waybill_server.cluster.frames import (
    Call,
    ChangeBlock,
    ChangeGroup,
    ChangeRule,
    Confirmed,
    FromSender,
    Greeting,
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
)
from waybill_server.logs import log

OPEN_RECORDS = 8_192
"""Records of one peer that wait for the writer; past it nothing more is read from the peer."""


class Desk(Protocol):
    """What incoming links need of the node."""

    def greeted(self, origin: str) -> None:
        """Another node is there, and was let in."""

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


class Visit:
    """One connection of another node that may talk.

    Args:
        greeting: What it said first.
        release: The number of this node's release.
        desk: The node.
        say: Says something to the other one.
        hang_up: Ends the connection.
        soon: Calls something once what is under way is done.

    Attributes:
        over: The connection has ended, or is to end; nothing is said on it any more.
        room: Whether more may be read.
    """

    def __init__(
        self,
        greeting: Greeting,
        release: int,
        desk: Desk,
        say: Callable[[LinkFrame], None],
        hang_up: Callable[[], None],
        soon: Callable[[Callable[[], None]], object],
    ) -> None:
        self.over = False
        self.room = asyncio.Event()
        self.room.set()
        self._origin = greeting.node
        self._store = greeting.store
        self._release = release
        self._desk = desk
        self._say = say
        self._hang_up = hang_up
        self._soon = soon
        self._open = 0
        self._confirmed = 0
        self._spread: list[int] = []
        self._telling = False

    def replaced(self) -> None:
        """The same node connected again, or must."""
        self.over = True
        self._hang_up()

    def begin(self) -> None:
        """Welcomes the other node, once everything is applied that it sent before."""
        self._desk.applied(
            self._origin, self._store, lambda number: self.say(Welcomed(number, self._release))
        )

    def take(self, frame: FromSender) -> None:
        """Does what a frame is for.

        Raises:
            LinkBroken: It must not come.
        """
        match frame:
            case Records(first, records):
                for number, record in enumerate(records, first):
                    self._apply(number, record)
            case SessionsOpen() | SessionOpened() | SessionEnded() | Types() as said:
                self._desk.hear(self._origin, said)
            case ChangeGroup() | ChangeBlock() | ChangeRule() | UseToken() as call:
                self._desk.answer(self._origin, call, self.say)
            case Greeting():
                raise LinkBroken("a second hello")

    def say(self, frame: LinkFrame) -> None:
        """Says something, as long as the connection is there."""
        if not self.over:
            self._say(frame)

    def _apply(self, number: int, record: bytes) -> None:
        self._open += 1
        if self._open >= OPEN_RECORDS:
            self.room.clear()
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
            self.room.set()
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
            self._soon(self._tell)

    def _tell(self) -> None:
        self._telling = False
        self.say(Confirmed(self._confirmed))
        if self._spread:
            self.say(Spread(self._spread))
            self._spread = []
