"""What a server does with one input, and whether it may."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from waybill.drivers.frame_table import Broken, Expected, Heard, RawConnection, Saying
from waybill.hostile.sorts import Input


class Became(enum.Enum):
    """What became of an input."""

    TAKEN = "taken"
    REFUSED = "refused"
    ENDED = "ended"
    """The connection ended."""
    SILENT = "silent"
    """Neither an answer nor the end by the deadline."""
    UNREACHABLE = "unreachable"
    """The server could not be connected to, or let nobody in."""


@dataclass(slots=True)
class Reaction:
    """What became of one input.

    Attributes:
        input: The input.
        became: What became of it.
        code: The protocol's word for it.
        text: The server's explanation.
        answered: It was answered with a success.
        passed: The server has read everything that was said before the sentinel.
        over: The connection cannot be used any more.
        bodies: The bodies of messages that came meanwhile.
    """

    input: Input
    became: Became = Became.SILENT
    code: str = ""
    text: str = ""
    answered: bool = False
    passed: bool = False
    over: bool = False
    bodies: list[bytes] = field(default_factory=list)

    @property
    def rejected(self) -> bool:
        """It was refused, or the connection ended."""
        return self.became in (Became.REFUSED, Became.ENDED)

    def wrong(self, faults: frozenset[str]) -> str:
        """What is wrong with it, in a few words; empty if nothing is.

        Args:
            faults: The words for a refusal that is the server's own fault.
        """
        if self.became is Became.SILENT:
            return "silent"
        if self.became is Became.UNREACHABLE:
            return "unreachable"
        if self.code in faults:
            return "server's fault"
        taken = self.became is Became.TAKEN
        if self.input.expected is Expected.REJECTED and (taken or self.answered):
            return "taken"
        return "rejected" if self.input.expected is Expected.TAKEN and not taken else ""

    def in_words(self) -> str:
        """The input, and what became of it."""
        said = f" ({self.code}{f': {self.text}' if self.text else ''})" if self.code else ""
        return f"{self.input.name}: {self.became.value}{said}; {self.input.shown()}"


def react(connection: RawConnection, one: Input, deadline: float) -> Reaction:
    """Says one input and reads until its fate is known.

    Args:
        connection: In the state that the input asks for.
        one: The input.
        deadline: Seconds.
    """
    reaction = Reaction(one)
    connection.stream.expect(deadline)
    try:
        _say(connection, one)
    except Broken as broken:
        if broken.code == "timeout":
            reaction.over, reaction.code = True, "the server does not read"
            return reaction
        # What the server said before it closed can still be read.
    try:
        while not _settled(reaction, connection.hear()):
            pass
    except Broken as broken:
        reaction.over = True
        if broken.code == "malformed":
            reaction.code, reaction.text = "malformed", str(broken)
        elif broken.code != "timeout" and reaction.became is not Became.REFUSED:
            reaction.became = Became.ENDED
    return reaction


def _say(connection: RawConnection, one: Input) -> None:
    connection.write(*one.pieces)
    if one.finish:
        connection.finish()
    elif not one.hold:
        connection.write(connection.sentinel())


def _settled(reaction: Reaction, heard: Heard) -> bool:
    """Takes one thing that was heard; True if no more is needed."""
    one = reaction.input
    if heard.body is not None:
        reaction.bodies.append(heard.body)
    match heard.saying:
        case Saying.REFUSAL if heard.reference in (None, one.reference) or one.reference is None:
            reaction.became, reaction.code, reaction.text = Became.REFUSED, heard.code, heard.text
        case Saying.FAREWELL if not reaction.code:
            reaction.code, reaction.text = heard.code, heard.text
        case Saying.ANSWER if heard.reference == one.reference:
            reaction.answered = True
            if reaction.became is Became.SILENT:
                reaction.became = Became.TAKEN
        case Saying.SENTINEL:
            reaction.passed = True
            if reaction.became is Became.SILENT and (one.reference is None or not one.answered):
                reaction.became = Became.TAKEN
    if reaction.passed and reaction.became is not Became.SILENT:
        reaction.over = reaction.over or one.last
        return True
    return False
