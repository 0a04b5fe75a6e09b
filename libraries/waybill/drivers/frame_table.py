"""The frames of a protocol as examples in bytes, and a connection that says anything: an optional part of a driver.

Nothing here knows what hostile input is. A table says what the protocol has: each operation of the client and each of
the server with a well-formed example, the places of its fields in the bytes, and how values are written there. Inputs
of every kind can be made from that (`waybill.hostile`), and so can the properties of a codec.
"""

from __future__ import annotations

import enum
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Final

from waybill.drivers.base import Login
from waybill.drivers.byte_stream import Broken, ByteStream


class Side(enum.Enum):
    """Who says a frame."""

    CLIENT = "client"
    SERVER = "server"


class Kind(enum.Enum):
    """What a field is."""

    REFERENCE = "reference"
    """A number by which the answer names the operation."""
    NUMBER = "number"
    FLAG = "flag"
    NAME = "name"
    """The name of a user, a device, a conversation: few letters are legal."""
    TITLE = "title"
    """Text that people give to something: everything that can be shown is legal."""
    KEY = "key"
    """Text that a client makes up to know something by."""
    BODY = "body"
    """What people write: every text is legal, and comes back byte for byte."""
    BINARY = "binary"
    """Bytes, where text would be legal too."""
    SECRET = "secret"
    """What is shown at login."""
    LIST = "list"
    WORD = "word"
    """One of the words that the protocol has for this place."""


TEXTS: Final = frozenset({Kind.NAME, Kind.TITLE, Kind.KEY, Kind.BODY, Kind.BINARY, Kind.SECRET, Kind.WORD})
"""The kinds of fields that text can be written into."""


class Expected(enum.Enum):
    """What a server may do with an input."""

    TAKEN = "taken"
    """It is legal: the server does what it asks for, and the session goes on."""
    REJECTED = "rejected"
    """An error in the protocol's own words, or the end of the connection."""
    EITHER = "taken or rejected"
    """The protocol leaves it open. Silence is no answer here either: the server is past it, or the connection ends."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of an example.

    Attributes:
        name: Its name.
        kind: What it is.
        start: Where it begins in the packet; a length that precedes it belongs to it.
        end: Where it ends.
        prefix: Bytes of that length; 0 where there is none.
        most: The most bytes (of a body) or characters (of a name) that are legal; 0 where the protocol says nothing.
    """

    name: str
    kind: Kind
    start: int
    end: int
    prefix: int = 0
    most: int = 0


@dataclass(frozen=True, slots=True)
class Example:
    """A well-formed frame.

    Attributes:
        name: The operation.
        opcode: The operation as it stands on the wire: a word, or a number in hexadecimal.
        side: Who says it.
        packet: Its bytes, without what the transport adds.
        fields: Its fields, in the order of their places.
        taken: A server that was logged in to does what it asks for; False where the example is refused for reasons
            other than its form (it names a group that is not there). Of a server's frame: a server has to reject it
            from a client; False where it may ignore it.
        answered: The server answers it by itself.
        ends: It ends the session, by itself or when it is said a second time.
        reference: The number by which its answer names it; None where the protocol has none.
        whole: Its end is that of the packet, so it cannot be split or be followed by another one in the same write.
    """

    name: str
    opcode: str
    side: Side
    packet: bytes
    fields: tuple[Field, ...] = ()
    taken: bool = True
    answered: bool = True
    ends: bool = False
    whole: bool = False
    reference: int | None = None

    def field(self, name: str) -> Field:
        """The field of this name."""
        return next(one for one in self.fields if one.name == name)


@dataclass(frozen=True, slots=True)
class Framed:
    """Something said below the level of frames: the bytes are the transport's.

    Attributes:
        name: What is wrong with it, in a few words.
        wire: The bytes.
        expected: What may become of it.
        ends: The client must end its side for the server to know that no more comes.
    """

    name: str
    wire: bytes
    expected: Expected = Expected.REJECTED
    ends: bool = False


class Saying(enum.Enum):
    """What the server says, as far as it matters here."""

    ANSWER = "answer"
    """It did what was asked for."""
    REFUSAL = "refusal"
    """It did not."""
    FAREWELL = "farewell"
    """It will end the connection."""
    SENTINEL = "sentinel"
    """It answers the sentinel."""
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Heard:
    """One thing that the server said.

    Attributes:
        saying: What it amounts to.
        code: Why, in the protocol's word.
        text: The server's explanation.
        reference: What it is the answer to; None where the protocol does not say.
        body: The body of a message that it gives; None for everything else.
    """

    saying: Saying
    code: str = ""
    text: str = ""
    reference: int | None = None
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Cast:
    """Who appears in the examples.

    Attributes:
        own: The account that says them.
        other: The account that they are about.
        device: The device that says them.
        limits: What the server promises as its limits, by the names of target files: `frame`, `body`, `name`, `key`.
        token: What the account shows at login, for the example of a login.
    """

    own: str = "alice"
    other: str = "bob"
    device: str = "phone"
    limits: Mapping[str, int] = field(default_factory=dict)
    token: str = field(default="e30.e30.AA", repr=False)


class RawConnection(ABC):
    """A connection that says what it is told to, in as many writes, and reads what comes.

    Attributes:
        stream: The bytes below it.
        tap: Told the bytes of each frame of the server that `hear` has read, before it returns.
    """

    stream: ByteStream
    tap: Callable[[bytes], None] = staticmethod(lambda packet: None)

    @abstractmethod
    def log_in(self) -> None:
        """Logs in as the driver does.

        Raises:
            Broken: The server did not let it in.
        """

    @abstractmethod
    def hear(self) -> Heard:
        """The next thing that the server says, waited for.

        Raises:
            Broken: The connection ended; with code `timeout` it did not, and nothing came.
        """

    @abstractmethod
    def sentinel(self) -> bytes:
        """The bytes of a question whose answer shows that everything before it was read."""

    def write(self, *pieces: bytes) -> None:
        """Writes, each piece by itself.

        Raises:
            Broken: The connection ended meanwhile.
        """
        with self.stream.writing:
            for piece in pieces:
                self.stream.write(piece, deadline=self.stream.patience)

    def finish(self) -> None:
        """Says that no more will come; reading goes on.

        Raises:
            Broken: The connection ended meanwhile.
        """
        try:
            with self.stream.writing:
                self.stream.finish(self.stream.patience)
        except OSError as error:
            raise Broken(f"the connection broke: {error}") from None

    def close(self) -> None:
        """Ends the connection without a goodbye."""
        self.stream.abort(reset=True)
        self.stream.close()


class FrameTable(ABC):
    """The frames of one protocol.

    Attributes:
        protocol: Its name and version.
        cast: Who appears in the examples.
        examples: All of them, the client's first, the login before everything else.
        messages: The transport carries packets whole, so one that is cut off is a packet all the same.
        bounded: Where a packet ends does not depend on its fields.
        faults: The words for a refusal that is the server's own fault: no input may lead to one.
    """

    protocol: str
    messages: ClassVar[bool]
    bounded: ClassVar[bool]
    faults: ClassVar[frozenset[str]]
    cast: Cast
    examples: tuple[Example, ...]

    @property
    def of_client(self) -> tuple[Example, ...]:
        """What a client can say."""
        return tuple(one for one in self.examples if one.side is Side.CLIENT)

    @property
    def of_server(self) -> tuple[Example, ...]:
        """What only a server can say."""
        return tuple(one for one in self.examples if one.side is Side.SERVER)

    def example(self, name: str, side: Side = Side.CLIENT) -> Example:
        """The example of an operation."""
        return next(one for one in self.examples if one.name == name and one.side is side)

    @property
    def largest(self) -> int:
        """The most bytes of a packet that is legal; 0 where the protocol says nothing."""
        return 0

    def renumbered(self, example: Example, number: int) -> Example:
        """The example with another reference, and whatever else must differ from one send to the next."""
        return example

    def of_bytes(self, example: Example, one: Field) -> Expected:
        """What becomes of bytes that are no UTF-8 in a text field."""
        del example
        return Expected.EITHER if one.kind in (Kind.BINARY, Kind.BODY) else Expected.REJECTED

    def spliced(self, example: Example, values: Mapping[str, bytes]) -> bytes:
        """The packet with other bytes in the places of fields (their lengths included), sealed."""
        packet = example.packet
        for one in sorted(example.fields, key=lambda each: each.start, reverse=True):
            if one.name in values:
                packet = packet[: one.start] + values[one.name] + packet[one.end :]
        return self.sealed(packet)

    def sealed(self, packet: bytes) -> bytes:
        """A packet whose own outer length, if it has one, is right again."""
        return packet

    @abstractmethod
    def wrap(self, packet: bytes) -> bytes:
        """A packet as the transport carries it."""

    @abstractmethod
    def written(self, example: Example, one: Field, value: bytes) -> bytes:
        """The bytes of a text field that says this (UTF-8, or what should be), its length included."""

    @abstractmethod
    def wrong(self, example: Example, one: Field) -> Iterator[tuple[str, bytes, Expected]]:
        """Bytes for a field that have another type or another form, each with a name."""

    @abstractmethod
    def without(self, example: Example, one: Field) -> bytes | None:
        """The packet without a field; None where nothing could tell that it is missing."""

    @abstractmethod
    def nested(self, example: Example, depth: int) -> tuple[bytes, Expected] | None:
        """The packet with something nested so deep in it; None where the protocol nests nothing."""

    @abstractmethod
    def crowded(self, example: Example, count: int) -> tuple[bytes, Expected] | None:
        """The packet with so many of what there can be many of; None where there is nothing."""

    @abstractmethod
    def padded(self, example: Example, size: int) -> bytes | None:
        """A packet of this many bytes that would be legal but for its size; None where nothing can be added."""

    @abstractmethod
    def framing(self) -> Sequence[Framed]:
        """What can be wrong below the level of frames, said after a login."""

    @abstractmethod
    def expects(self, example: Example, one: Field, text: str) -> Expected:
        """What becomes of text in a field of an operation that is otherwise in order."""

    @abstractmethod
    def open(self, login: Login) -> RawConnection:
        """Connects, with TLS where the endpoint has it, and says nothing yet.

        Raises:
            Broken: That was not possible.
        """


CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f]")
"""Control characters."""

__all__ = [
    "CONTROL", "TEXTS", "Broken", "Cast", "Example", "Expected", "Field", "Framed", "FrameTable", "Heard", "Kind",
    "RawConnection", "Saying", "Side",
]  # fmt: skip
