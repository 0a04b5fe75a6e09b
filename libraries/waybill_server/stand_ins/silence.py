"""Servers that let everybody in and do not answer, or too late, or end it all of a sudden."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from websockets.frames import Frame, Opcode

from waybill_server.connection import Connection
from waybill_server.defects.registry import seeded

if TYPE_CHECKING:
    from waybill_server.session import Session

LATE_SECONDS = 45.0
"""Longer than anybody waits: a device gives a server 30 seconds."""

CLOSES_ONE_IN = 150
SEED = 7


class _AfterLogin(Connection):
    """A connection that serves the login honestly, and what comes later as its kind does."""

    def _take(self, frame: Frame) -> None:
        session: Session = self.receiver  # type: ignore[assignment]
        if frame.opcode is Opcode.TEXT and session.opened:
            self.asked(frame)
        else:
            super()._take(frame)

    def asked(self, frame: Frame) -> None:
        """Something of a device that is logged in."""
        super()._take(frame)


@seeded("black-hole", seam="connection", noticed={"DEL-1": ("hung",)})
class BlackHole(_AfterLogin):
    """Everybody gets in, and whatever they say then is read and thrown away."""

    def asked(self, frame: Frame) -> None:
        """Nothing comes of it."""


@seeded("slower-than-every-deadline", seam="connection", noticed={"DEL-1": ("hung", "have no answer")})
class SlowerThanEveryDeadline(_AfterLogin):
    """Everything is served, 45 seconds after it was asked for."""

    def asked(self, frame: Frame) -> None:
        """Its time will come."""
        self._loop.call_later(LATE_SECONDS, self._late_answer, frame)

    def _late_answer(self, frame: Frame) -> None:
        super().asked(frame)
        self.flush_soon()


class _Dice:
    """One sequence for all connections of the process."""

    drawn = random.Random(SEED)


@seeded("closes-at-random", seam="connection", noticed={"DEL-1": ("connection-lost",)})
class ClosesAtRandom(_AfterLogin):
    """One in 150 messages, drawn at random, makes it drop the connection that the message came on."""

    def asked(self, frame: Frame) -> None:
        """Served, or the end."""
        if _Dice.drawn.randrange(CLOSES_ONE_IN) == 0:
            self.abort()
        else:
            super().asked(frame)
