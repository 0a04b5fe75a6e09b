"""What there is in hostile input: an input, and the sorts of them."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from waybill.drivers.frame_table import Expected


class Sort(enum.Enum):
    """What is hostile about an input.

    Attributes:
        meaning: What that is, in a sentence.
    """

    meaning: str

    def __new__(cls, name: str, meaning: str) -> Sort:
        """The value is the name in figures and on the page."""
        made = object.__new__(cls)
        made._value_, made.meaning = name, meaning
        return made

    WHOLE = "whole", "A frame in order, said before the login."
    HELD = "held", "The connection says too little, or nothing, and stays open."
    DIRECTION = "wrong direction", "A frame that only a server says."
    TRUNCATED = "truncated", "A frame that ends too early, at each of its bytes."
    OVERSIZE = "oversize", "A frame, a body, a name or a key that is larger than what is legal."
    SPLIT = "split", "A frame in order, each byte of it in a write of its own."
    COALESCED = "coalesced", "A frame in order with another one in the same write."
    TWICE = "twice", "The same frame two times."
    TYPED = "wrong type", "A field of another type or form, or a number that is out of every bound."
    MISSING = "missing", "A frame without one of its fields."
    NESTED = "nested", "Something in something in something, up to 100,000 deep."
    CROWDED = "crowded", "Very many of what there can be many of."
    FRAMING = "framing", "The transport's own rules are broken."
    CONTROL = "control characters", "Control characters in a text field."
    UNICODE = "unicode", "Text that is not what it seems: directions, widths, forms, look-alikes."
    ENCODING = "encoding", "Bytes that are no UTF-8 in a text field."
    SQL = "SQL", "Text that ends a literal of SQL."
    LOG = "log lines", "Text that begins a line of its own where it is logged, or formats what is logged."
    PATH = "paths", "Text that leads somewhere where it is taken for a path, a device or an address."
    COMMAND = "commands", "Text that does something where a shell, a template or a terminal reads it."


TEXTS = (Sort.CONTROL, Sort.UNICODE, Sort.ENCODING, Sort.SQL, Sort.LOG, Sort.PATH, Sort.COMMAND)
"""The sorts that are text in a field that is otherwise in order."""


@dataclass(frozen=True, slots=True)
class Input:
    """One hostile input.

    Attributes:
        sort: What is hostile about it.
        operation: The operation that it is made from; empty for what is below frames.
        what: What it is, in a few words.
        pieces: What is written, each piece by itself.
        expected: What may become of it.
        logged_in: It is said after a genuine login; else as the first thing on a connection.
        reference: The reference that its answer will carry; None where there is none.
        answered: Whatever the server does with it, an answer with the reference comes, or the end of the connection.
        finish: The client then says that no more comes.
        hold: The client says nothing more and waits for the end.
        last: The connection cannot be used after it, whatever became of it.
        packet: The frame without what the transport adds, for people; empty where there is none.
        marker: A word that occurs in it and nowhere else; empty where nothing of it could be found again.
    """

    sort: Sort
    operation: str
    what: str
    pieces: tuple[bytes, ...]
    expected: Expected
    logged_in: bool
    reference: int | None = None
    answered: bool = False
    finish: bool = False
    hold: bool = False
    last: bool = False
    packet: bytes = b""
    marker: str = ""

    @property
    def name(self) -> str:
        """Its name in reports."""
        state = "" if self.logged_in else ", before the login"
        return f"{f'{self.operation}, ' if self.operation else ''}{self.sort.value}: {self.what}{state}"

    def shown(self, most: int = 120) -> str:
        """Its bytes for people, all of them if they are few."""
        data = self.packet or b"".join(self.pieces)
        return repr(data[:most])[1:] + (f"... ({len(data)} bytes)" if len(data) > most else "")
