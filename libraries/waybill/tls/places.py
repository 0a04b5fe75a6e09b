"""A port to be probed."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

ANSWER = 5.0
"""Seconds that a server has to refuse; it needs a thousandth of it."""


class Outcome(Enum):
    """What became of a probe."""

    REFUSED = "refused"
    """The server said no: an alert, the end of the connection, or a better choice."""
    ACCEPTED = "accepted"
    """The server went on with it."""
    NOT_OFFERED = "not offered"
    """This side could not send the offer, so nothing is known. It never counts as refused."""
    UNANSWERED = "unanswered"
    """The server could not be reached, or its answer says neither yes nor no."""


@dataclass(frozen=True, slots=True)
class Place:
    """A port, and how to speak to it.

    Attributes:
        title: What it is called in reports: `node at 127.1.2.3:7001`.
        host: Its address.
        port: Its number.
        name: The name that its certificate must carry.
        upgrade: What is said before the TLS handshake, where the protocol begins without (STARTTLS).
        domain: For whom a stream is meant that begins without TLS, where that is not the name.
    """

    title: str
    host: str
    port: int
    name: str
    upgrade: Callable[[socket.socket], None] | None = None
    domain: str = ""

    def connect(self, deadline: float = ANSWER) -> socket.socket:
        """A connection on which TLS can begin.

        Raises:
            OSError: It cannot be reached.
        """
        connection = socket.create_connection((self.host, self.port), timeout=deadline)
        try:
            if self.upgrade is not None:
                self.upgrade(connection)
        except BaseException:
            connection.close()
            raise
        return connection


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one probe at one place.

    Attributes:
        place: The place's title.
        probe: The probe's name.
        outcome: What became of it.
        detail: How that showed, in words.
        source: Why it must be refused.
    """

    place: str
    probe: str
    outcome: Outcome
    detail: str
    source: str = ""

    def __str__(self) -> str:
        return f"{self.probe} was {self.outcome.value} by {self.place}: {self.detail}"
