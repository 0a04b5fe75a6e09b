"""All probes at many places: each proven first at a server of our own, and every result kept."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor

from waybill.tls.control_servers import ReadingServer, WeakServer
from waybill.tls.hello import NoHello
from waybill.tls.places import ANSWER, Outcome, Place, Result
from waybill.tls.plaintext import GREETINGS, Greeting, speak
from waybill.tls.probes import Probe, probes
from waybill.tls.probing import best_version, run

FLOOR = "1.2"
"""The lowest version of TLS that is acceptable where a target promises nothing else."""

_CONTROL = "the control servers"


class Campaign:
    """What was offered where, and what became of it.

    Args:
        floor: The lowest version of TLS that the target promises to accept.

    Attributes:
        results: What became of each probe at each place, in the order of the attempts.
        not_offered: Probes that no server of our own has seen: they could not be offered on this machine, so nobody
            was tried with them.
    """

    def __init__(self, floor: str = FLOOR) -> None:
        self.floor = floor
        self.results: list[Result] = []
        self.not_offered: list[Result] = []
        self._proven: tuple[Sequence[Probe], Sequence[Greeting]] | None = None

    def offer_weaker_tls(self, place: Place, *, versions: Collection[int] = ()) -> None:
        """Makes every proven offer at a place that speaks TLS.

        Args:
            place: Where.
            versions: Only the offers of nothing but one of these versions.

        Raises:
            AssertionError: The place does not answer the best offer, so what it says to others means nothing.
        """
        try:
            answer = best_version(place, self.floor)
            missing = answer.detail if isinstance(answer, NoHello) else ""
        except OSError as error:
            missing = str(error)
        if missing:
            raise AssertionError(
                f"Expected {place.title} to answer a good hello, so that its refusals mean something; {missing}."
            )
        self.results += [
            run(probe, place) for probe in self._prove()[0] if not versions or probe.offer.version in versions
        ]

    def speak_plaintext(self, place: Place, *, speaks_tls: bool) -> None:
        """Says how each known protocol begins, without TLS.

        Args:
            place: Where.
            speaks_tls: The place answers a TLS handshake as well.
        """
        greetings = self._prove()[1]
        # At the same time: a server that is silent in every language would be waited for once for each.
        with ThreadPoolExecutor(max(1, len(greetings))) as pool:
            self.results += pool.map(lambda one: speak(one, place, speaks_tls=speaks_tls), greetings)

    def add(self, results: Sequence[Result]) -> None:
        """Adds what was tried in another way; what could not be offered is kept apart."""
        self.results += [one for one in results if one.outcome is not Outcome.NOT_OFFERED]
        self.not_offered += [one for one in results if one.outcome is Outcome.NOT_OFFERED]

    @property
    def accepted(self) -> list[Result]:
        """What got through."""
        return [one for one in self.results if one.outcome is Outcome.ACCEPTED]

    @property
    def unanswered(self) -> list[Result]:
        """Attempts of which nobody knows what became of them."""
        return [one for one in self.results if one.outcome not in (Outcome.ACCEPTED, Outcome.REFUSED)]

    @property
    def decided(self) -> int:
        """How many attempts were accepted or refused."""
        return len(self.results) - len(self.unanswered)

    def require_refusals(self) -> None:
        """Fails if anything got through, if nothing was tried, or if an attempt has no answer.

        Raises:
            AssertionError: Naming what was accepted, by whom.
        """
        if self.accepted:
            raise AssertionError(
                f"Expected all {len(self.results)} attempts to be refused; {len(self.accepted)} were not: "
                + "; ".join(map(str, self.accepted))
            )
        if self.unanswered:
            raise AssertionError(
                f"Expected all {len(self.results)} attempts to be refused; {len(self.unanswered)} have no answer: "
                + "; ".join(map(str, self.unanswered))
            )
        if not self.results:
            raise AssertionError("Nothing was tried, so nothing is shown.")

    def _prove(self) -> tuple[Sequence[Probe], Sequence[Greeting]]:
        """The probes and greetings that servers of our own have accepted, tried once."""
        if self._proven is None:
            with WeakServer() as weak, ReadingServer() as reading:
                wanted = probes(self.floor)
                self._proven = (
                    [one for one in wanted if self._is_offered(one, weak.place, reading.place)],
                    [one for one in GREETINGS if self._is_said(one, reading.place)],
                )
        return self._proven

    def _is_offered(self, probe: Probe, *places: Place) -> bool:
        seen = [run(probe, place, deadline=ANSWER) for place in places]
        if any(one.outcome is Outcome.ACCEPTED for one in seen):
            return True
        self._miss(probe.name, seen, probe.source)
        return False

    def _is_said(self, greeting: Greeting, place: Place) -> bool:
        said = speak(greeting, place, speaks_tls=False)
        if said.outcome is Outcome.ACCEPTED:
            return True
        self._miss(said.probe, [said], said.source)
        return False

    def _miss(self, name: str, seen: Sequence[Result], source: str) -> None:
        why = "could not be offered on this machine: " + "; ".join(one.detail for one in seen)
        self.not_offered.append(Result(_CONTROL, name, Outcome.NOT_OFFERED, why, source))
