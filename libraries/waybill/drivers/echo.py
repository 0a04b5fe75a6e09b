"""What comes back of what is said, frame by frame: an optional part of a driver, for the properties of a codec.

An echo says frames whose values somebody else made up, and knows which values must come back in which frames of the
server, to whom. It also reads what the server says more strictly than the driver does.
"""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from waybill.drivers.base import Delivery, Outcome
from waybill.drivers.frame_table import FrameTable
from waybill.history.events import Operation


class Voice(enum.Enum):
    """Who takes part. One and other are logged in all the time, the guest logs in and out again."""

    ONE = "one"
    OTHER = "other"
    GUEST = "guest"


@dataclass(frozen=True, slots=True)
class Told:
    """A frame of the server, read.

    Attributes:
        opcode: Its operation.
        members: What it says, by the names of the protocol's document.
        fault: What is wrong with its form: a type that the document does not have, or another than the canonical
            spelling; empty for a good one.
        deliveries: The messages that it gives.
        outcome: How the operation ended that it answers; None where it answers none.
        carries: The operation of another frame that a message in it is; empty for none.
        confirmed: The raw connection acknowledges what it gives by itself.
    """

    opcode: str
    members: Mapping[str, Any]
    fault: str = ""
    deliveries: tuple[Delivery, ...] = ()
    outcome: Outcome | None = None
    carries: str = ""
    confirmed: bool = False


@dataclass(frozen=True, slots=True)
class Return:
    """A frame of the server that must come.

    Attributes:
        voice: To whom.
        opcode: Its operation.
        members: What it must say, besides whatever else it says.
        instead: Another operation that may come in its place.
    """

    voice: Voice
    opcode: str
    members: Mapping[str, Any] = field(default_factory=dict)
    instead: str = ""

    def is_met(self, told: Told) -> bool:
        """Whether this frame is the one."""
        if told.opcode == self.instead:
            return True
        return told.opcode == self.opcode and within(dict(self.members), dict(told.members))


@dataclass(frozen=True, slots=True)
class Exchange:
    """One frame of a client, and all that must come of it.

    Attributes:
        voice: Who says it.
        opcode: Its operation.
        packet: Its bytes.
        returns: What must come; nothing else may.
        operation: What it is for the history; None for what needs no record.
        key: The key of a send.
        body: The body of a send.
        value: The cursor or the sequence of another operation.
        ends: The session is over afterwards.
        also: Keys and bodies of further sends in the same frame.
        answered: The server answers it; False for a send whose sender learns nothing.
        whole: It ends with its packet, so it leaves in one write.
        leaves: The client ends its side afterwards, and the server must do so as well.
    """

    voice: Voice
    opcode: str
    packet: bytes
    returns: tuple[Return, ...] = ()
    operation: Operation | None = None
    key: str = ""
    body: bytes = b""
    value: int = -1
    ends: bool = False
    also: tuple[tuple[str, bytes], ...] = ()
    answered: bool = True
    whole: bool = False
    leaves: bool = False


class Values(Protocol):
    """Where the values come from."""

    def number(self, least: int, most: int) -> int:
        """A whole number, often one at an end or at a power of two."""

    def chosen(self, *choices: Any) -> Any:
        """One of these."""

    def shuffled(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """The same members in another order."""

    def name(self) -> str:
        """A legal name that belongs to nobody."""

    def title(self, most: int) -> str:
        """Text of one to so many characters that can be shown."""

    def key(self, most: int) -> str:
        """Text of one to so many characters, never the same twice."""

    def body(self, most: int) -> str:
        """Text of up to so many bytes of UTF-8, often of a length at which encodings change."""


Replies = Mapping[Voice, list[Told]]
"""What came of an exchange, in the order of its `returns`."""

Script = Generator[Exchange, Replies, None]
"""Says one exchange after the other, and is sent what came of each."""


class Echo(ABC):
    """The exchanges of one protocol.

    Attributes:
        table: Its frames, all of which must occur.
        login: The operation of a login.
        refusals: The operations of the server that say that something was not done.
    """

    table: FrameTable
    login: str
    refusals: ClassVar[frozenset[str]]

    @abstractmethod
    def script(self, values: Values) -> Script:
        """Every operation of the protocol once or more, with new values."""

    @abstractmethod
    def read(self, packet: bytes) -> Told:
        """A frame of the server, read strictly. Bytes that are none are told of in `fault`."""

    @abstractmethod
    def passes_by(self, told: Told, user: str) -> bool:
        """Whether a frame answers the sentinel of a raw connection of this account."""

    @abstractmethod
    def trailing(self, values: Values) -> Iterator[Exchange]:
        """Frames with something behind them that does not belong there, which must not be done; nothing of it comes
        back. None where frames follow each other without end."""


def within(part: Any, whole: Any) -> bool:
    """Whether everything in a part is in the whole, with the same types; the whole may say more."""
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(name in whole and within(value, whole[name]) for name, value in part.items())
    if isinstance(part, list) and isinstance(whole, list):
        return len(part) == len(whole) and all(map(within, part, whole))
    return type(part) is type(whole) and bool(part == whole)
