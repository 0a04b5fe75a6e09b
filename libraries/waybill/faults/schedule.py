"""A schedule of faults that a seed decides: what happens where, and after which message.

Moments are counted in messages, never in seconds, so that a schedule means the same on every machine.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

FEWEST: Final = 1
"""Messages of the calm before a round, and of its fault, are at least so many."""
TOGETHER: Final = 0.25
"""The share of rounds in which two faults meet, where there are two places."""

_FAULT = re.compile(r"(?P<kind>[a-z][a-z0-9-]*)@(?P<place>[A-Za-z0-9_./-]+)\Z")
_ROUND = re.compile(r"(?P<calm>\d+) (?P<faults>\S+) (?P<onset>\d+)/(?P<messages>\d+)\Z")


class ScheduleError(ValueError):
    """The text of a schedule cannot be read."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a schedule.

    Attributes:
        kind: What goes wrong, as the history names it: `kill`, `disk-full`.
        place: Where: a node, a link.
    """

    kind: str
    place: str

    def __str__(self) -> str:
        return f"{self.kind}@{self.place}"


@dataclass(frozen=True, slots=True)
class Round:
    """Calm traffic, then traffic with faults, after which everything is mended.

    Attributes:
        calm: Messages before.
        faults: What goes wrong, all at once, at places that differ.
        onset: The faults begin when so many of the round's messages have their outcome; 0 for before the first.
        messages: Messages from the end of the calm to the mending.
    """

    calm: int
    faults: tuple[Fault, ...]
    onset: int
    messages: int

    def __str__(self) -> str:
        return f"{self.calm} {'&'.join(map(str, self.faults))} {self.onset}/{self.messages}"


@dataclass(frozen=True, slots=True)
class Schedule:
    """Rounds, one after the other. Its text is what a replay needs: `40 kill@node 3/120, 20 disk-full@node 0/80`."""

    rounds: tuple[Round, ...]

    def __str__(self) -> str:
        return ", ".join(map(str, self.rounds))

    @property
    def faults(self) -> int:
        """How many faults there are."""
        return sum(len(one.faults) for one in self.rounds)

    @property
    def messages(self) -> int:
        """How many messages are sent."""
        return sum(one.calm + one.messages for one in self.rounds)

    @property
    def simpler(self) -> list[Schedule]:
        """Schedules with less in them, the shortest first: halves, quarters and so on of the rounds left out, then
        one fault of those that meet."""
        found: list[Schedule] = []
        size = len(self.rounds) // 2
        while size:
            for start in range(0, len(self.rounds), size):
                rest = self.rounds[:start] + self.rounds[start + size :]
                if rest:
                    found.append(Schedule(rest))
            size //= 2
        for place, one in enumerate(self.rounds):
            for fault in one.faults if len(one.faults) > 1 else ():
                left = tuple(other for other in one.faults if other != fault)
                alone = Round(one.calm, left, one.onset, one.messages)
                found.append(Schedule((*self.rounds[:place], alone, *self.rounds[place + 1 :])))
        return found

    @classmethod
    def draw(cls, seed: int, places: Mapping[str, Sequence[str]], faults: int, messages: int) -> Schedule:
        """Draws a schedule: with rounds enough every kind of fault occurs, and each at every place in turn.

        The same arguments give the same schedule.

        Args:
            seed: Decides everything.
            places: For each kind of fault, where it may happen.
            faults: How many faults at least.
            messages: How many messages in all, about evenly over the rounds.

        Raises:
            ValueError: No kind of fault has a place.
        """
        choice = random.Random(seed)
        kinds = [kind for kind, where in places.items() if where]
        if not kinds:
            raise ValueError("No fault can happen anywhere, so there is nothing to draw a schedule from.")
        every = {kind: _in_turn(choice, places[kind]) for kind in kinds}
        drawn: list[tuple[Fault, ...]] = []
        waiting: list[str] = []
        while sum(map(len, drawn)) < faults:
            waiting = waiting or choice.sample(kinds, len(kinds))
            kind = waiting.pop()
            first = Fault(kind, every[kind]())
            others = [other for other in kinds if other != kind and set(places[other]) - {first.place}]
            if others and choice.random() < TOGETHER:
                other = choice.choice(others)
                elsewhere = [place for place in places[other] if place != first.place]
                drawn.append((first, Fault(other, choice.choice(elsewhere))))
            else:
                drawn.append((first,))
        share = max(2 * FEWEST, -(-messages // len(drawn)))
        rounds = []
        for meeting in drawn:
            calm = choice.randint(FEWEST, max(FEWEST, share // 3))
            during = share - calm
            rounds.append(Round(calm, meeting, choice.randint(0, during // 2), during))
        return cls(tuple(rounds))

    @classmethod
    def read(cls, text: str) -> Schedule:
        """Reads a schedule's text.

        Raises:
            ScheduleError: It is none; the message names the round and says what a round looks like.
        """
        rounds = []
        for number, part in enumerate(text.split(","), 1):
            found = _ROUND.match(part.strip())
            faults = [_FAULT.match(one) for one in found["faults"].split("&")] if found else []
            if found is None or not all(faults):
                raise ScheduleError(
                    f"Round {number} of the schedule cannot be read: '{part.strip()}'. A round is CALM "
                    f"KIND@PLACE[&KIND@PLACE] ONSET/MESSAGES, such as '40 kill@node 3/120'."
                )
            named = tuple(Fault(one["kind"], one["place"]) for one in faults if one)
            if int(found["onset"]) > int(found["messages"]):
                raise ScheduleError(
                    f"Round {number} of the schedule begins its fault after {found['onset']} of "
                    f"{found['messages']} messages; the first number cannot be the larger one."
                )
            rounds.append(Round(int(found["calm"]), named, int(found["onset"]), int(found["messages"])))
        return cls(tuple(rounds))


def _in_turn(choice: random.Random, places: Sequence[str]) -> Callable[[], str]:
    """Gives all the places in a drawn order before any of them comes again."""
    waiting: list[str] = []

    def give() -> str:
        if not waiting:
            waiting.extend(choice.sample(places, len(places)))
        return waiting.pop()

    return give
