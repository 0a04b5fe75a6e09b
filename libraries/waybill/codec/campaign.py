"""Many exchanges, each of them cut somewhere: what is not whole is waited for, what is whole comes back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from waybill.codec.party import Missing, Party
from waybill.codec.values import SeededValues
from waybill.drivers.echo import Echo, Exchange, Told, Voice
from waybill.drivers.frame_table import Broken, Side

PREFIX = "prefix-answered-early"
CHANGED = "changed-by-the-codec"
SPELLED = "not-canonical"
UNASKED = "unasked-frame"
TRAILING = "trailing-bytes-accepted"
_SHOWN = 5


@dataclass(slots=True)
class Found:
    """What was seen.

    Attributes:
        examples: Examples by side and operation.
        faults: What was wrong, by the kind of anomaly.
        prefixes: Frames that the server was made to wait for.
        trailing: Frames with something behind them.
    """

    examples: Counter[tuple[Side, str]] = field(default_factory=Counter)
    faults: dict[str, list[str]] = field(default_factory=dict)
    prefixes: int = 0
    trailing: int = 0

    def fault(self, kind: str, sentence: str) -> None:
        """Something was wrong."""
        self.faults.setdefault(kind, []).append(sentence)

    def missing(self, echo: Echo) -> list[str]:
        """Which operations never occurred."""
        return [
            f"{one.opcode} of the {one.side.value}"
            for one in echo.table.examples
            if not self.examples[one.side, one.opcode]
        ]

    def least(self, echo: Echo) -> tuple[int, int, int]:
        """How many operations occurred, how many there are, and the fewest examples that any of them has."""
        wanted = {(one.side, one.opcode) for one in echo.table.examples}
        counts = [self.examples[one] for one in wanted]
        return sum(count > 0 for count in counts), len(wanted), min(counts)

    def require_none(self) -> None:
        """Says what was wrong.

        Raises:
            AssertionError: Naming the first of each kind.
        """
        if self.faults:
            told = "; ".join(
                f"{kind} ({len(sentences)} times): {'; '.join(sentences[:_SHOWN])}"
                for kind, sentences in self.faults.items()
            )
            raise AssertionError(
                f"Expected that whatever is said comes back as it was said and that nothing is answered before it is "
                f"whole; {told}."
            )


class Campaign:
    """Three voices that talk until every operation has enough examples.

    Args:
        echo: The protocol.
        values: What they say.
        parties: Who they are.
        conversation: The history's name of the conversation of one and other.
    """

    def __init__(
        self, echo: Echo, values: SeededValues, parties: dict[Voice, Party], conversation: str
    ) -> None:
        self.found = Found()
        self.echo = echo
        self._values = values
        self._parties = parties
        self._conversation = conversation
        for party in parties.values():
            party.heard = self._heard

    def talk(self, rounds: int, between: Callable[[], None] = lambda: None) -> None:
        """Plays the protocol's script so many times; the first thing that goes wrong ends it.

        A frame that is lost or comes back otherwise leaves the connection in an unknown state, so nothing after it
        would say anything.
        """
        for voice in (Voice.ONE, Voice.OTHER):
            self._parties[voice].log_in()
        for _ in range(rounds):
            if not self._round():
                break
            between()

    def append(self) -> None:
        """Says frames with something behind them, each on a connection of its own; the first that is done ends it."""
        for exchange in self.echo.trailing(self._values):
            party = self._parties[exchange.voice]
            party.close()
            party.log_in()
            party.began(exchange, self._conversation)
            party.connection.write(self.echo.table.wrap(exchange.packet))
            refused = party.is_refused()
            party.close()
            if not refused:
                self.found.fault(TRAILING, f"{exchange.opcode} {exchange.packet[:200]!r}")
                break
            self.found.trailing += 1

    def close(self) -> None:
        """Ends the connections."""
        for party in self._parties.values():
            party.close()

    def _round(self) -> bool:
        script = self.echo.script(self._values)
        exchange = next(script)
        while True:
            replies = self._exchange(exchange)
            if replies is None:
                return False
            try:
                exchange = script.send(replies)
            except StopIteration:
                return self._nothing_left()

    def _exchange(self, exchange: Exchange) -> dict[Voice, list[Told]] | None:
        """Says one frame in two parts and waits for all that must come of it; None if that went wrong."""
        speaker = self._parties[exchange.voice]
        shown = f"{exchange.opcode} {exchange.packet[:120]!r}"
        try:
            self._say(speaker, exchange)
        except (Missing, Broken) as why:
            speaker.gave_up("connection-lost")
            self.found.fault(PREFIX, f"{why} before {shown} was whole")
            return None
        replies: dict[Voice, list[Told]] = {}
        for wanted in exchange.returns:
            try:
                told = self._parties[wanted.voice].wait_for(wanted)
            except Missing as why:
                speaker.gave_up("deadline")
                self.found.fault(
                    CHANGED,
                    f"of {shown} ({len(exchange.packet)} bytes) had to come {wanted.opcode} "
                    f"{str(dict(wanted.members))[:200]} to {wanted.voice.value}: {why}",
                )
                return None
            replies.setdefault(wanted.voice, []).append(told)
        self.found.examples[Side.CLIENT, exchange.opcode] += 1
        if exchange.opcode == self.echo.login:
            speaker.logged_in()
        if exchange.leaves:
            speaker.leave()
        if exchange.ends or exchange.leaves:
            if not speaker.ended():
                self.found.fault(CHANGED, f"after {shown} the connection stayed open")
                return None
            speaker.close()
        return replies

    def _say(self, speaker: Party, exchange: Exchange) -> None:
        """Says a frame; a part of it first, with which the server may do nothing yet."""
        connection = speaker.connection
        wire = self.echo.table.wrap(exchange.packet)
        cut = self._values.cut(len(wire))
        speaker.began(exchange, self._conversation)
        connection.stream.expect(30)
        if exchange.whole:
            connection.write(wire)
            speaker.wrote()
            return
        other = self._parties[Voice.OTHER if speaker.voice is not Voice.OTHER else Voice.ONE]
        before = len(other.told)
        connection.write(wire[:cut])
        other.pass_by()
        if not speaker.quiet() or len(other.told) > before:
            early = (speaker.told or other.told)[-1]
            raise Missing(
                f"{cut} of {len(wire)} bytes were answered with {early.opcode} {dict(early.members)}"
            )
        self.found.prefixes += 1
        connection.write(wire[cut:])
        speaker.wrote()

    def _nothing_left(self) -> bool:
        """Whether nothing came that nothing had asked for."""
        for voice in (Voice.ONE, Voice.OTHER):
            party = self._parties[voice]
            party.pass_by()
            if party.told:
                self.found.fault(UNASKED, f"to {voice.value}: {party.told[0]}")
                return False
        return True

    def _heard(self, told: Told) -> None:
        if told.fault:
            self.found.fault(SPELLED, told.fault)
        else:
            self.found.examples[Side.SERVER, told.opcode] += 1
            if told.carries:
                self.found.examples[Side.SERVER, told.carries] += 1
