"""Faults of links: a link is disturbed, the effect is seen, and the link is healed and seen to be."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, Protocol

from waybill.faults.disturbances import Disturbance, Effect
from waybill.faults.effects import FaultWithoutEffect
from waybill.history.recorder import Recorder
from waybill.network.link import Link
from waybill.network.network import Network

SECONDS: Final = 10.0
"""How long the traffic of a scenario may take to meet a fault."""


class Links(Protocol):
    """What a target must have for these faults."""

    @property
    def network(self) -> Network:
        """Serves the links."""

    def link(self, client: str, node: str) -> Link:
        """The link of a client to a node."""

    def require_packets(self, node: str) -> None:
        """Fails where packets to a node cannot be lost."""


@dataclass(frozen=True, slots=True, eq=False)
class _Begun:
    link: Link
    disturbance: Disturbance
    effect: Effect
    number: int


@dataclass
class LinkFaults:
    """Disturbs and heals links, and records it.

    The effect is observed when bytes, or a connection, met the fault; the fault ends when its link is seen to pass
    everything again.

    Attributes:
        links: Gives the links of the target.
        recorder: Gives the recorder of the scenario.
    """

    links: Callable[[], Links]
    recorder: Callable[[], Recorder]
    _open: list[_Begun] = field(default_factory=list)

    def begin(self, client: str, node: str, disturbance: Disturbance) -> None:
        """Disturbs the link of a client to a node; it holds for the very next byte.

        Raises:
            MeansMissing: The target has no links, or none whose packets can be lost and that is asked for.
        """
        links = self.links()
        if disturbance.of_packets:
            links.require_packets(node)
        link = links.link(client, node)
        number = self.recorder().fault_start(disturbance.kind, link.name, **disturbance.details)
        effect = links.network.do(lambda: disturbance.begin(link))
        self._open.append(_Begun(link, disturbance, effect, number))

    def met(self, client: str, node: str) -> bool:
        """Whether everything that is wrong with the link of a client to a node was met by now."""
        link, network = self.links().link(client, node), self.links().network
        return all(network.do(begun.effect.seen) for begun in list(self._open) if begun.link is link)

    def end(self, clients: Iterable[str] | None = None, *, deadline: float = SECONDS) -> None:
        """Heals all links of these clients (by default all links) once what is wrong with them was met.

        Args:
            clients: The clients, as devices are called.
            deadline: Seconds that the traffic may take to meet what nothing met yet.

        Raises:
            FaultWithoutEffect: Nothing met some of it; the links are healed all the same.
            ValueError: Nothing is wrong with the links of one of these clients.
        """
        begun = list(self._open)
        if clients is not None:
            wanted = list(clients)
            sound = [name for name in wanted if not any(_of(name, one.link) for one in begun)]
            if sound:
                raise ValueError(
                    f"Nothing is wrong with the links of {', '.join(sound)}, so there is nothing to heal."
                )
            begun = [one for one in begun if any(_of(name, one.link) for name in wanted)]
        try:
            self._require(begun, deadline)
        finally:
            self._heal(begun)

    @property
    def disturbed(self) -> list[str]:
        """The links with which something is wrong."""
        return list(dict.fromkeys(begun.link.name for begun in self._open))

    def _require(self, begun: Iterable[_Begun], deadline: float) -> None:
        until = time.monotonic() + deadline
        unmet = [one for one in begun if not self._seen(one, until)]
        if unmet:
            told = ", ".join(f"{one.disturbance.kind} on {one.link.name}" for one in unmet)
            raise FaultWithoutEffect(
                f"Nothing met these faults within {deadline:g} s, so nothing is shown: {told}. Let the client send or "
                f"receive, or connect, while its link is disturbed."
            )

    def _seen(self, begun: _Begun, until: float) -> str:
        """What was seen of a fault by then; empty for nothing."""
        network, effect = self.links().network, begun.effect

        def look() -> str:
            effect.acted.clear()
            return effect.seen()

        while True:
            text = network.do(look)
            left = until - time.monotonic()
            if text or left <= 0:
                return text
            network.wait(effect.acted, left)

    def _heal(self, begun: list[_Begun]) -> None:
        if not begun:
            return
        network = self.links().network
        for one in begun:
            text = network.do(one.effect.seen)
            if text:
                self.recorder().fault_observed(one.number, text)
        for link in {one.link.name: one.link for one in begun}.values():
            network.heal(link)
            if not network.do(lambda link=link: link.undisturbed):  # type: ignore[misc]
                raise RuntimeError(f"The link {link.name} was healed and is still disturbed.")
        for one in begun:
            self._open.remove(one)
            self.recorder().fault_end(one.number)


def _of(client: str, link: Link) -> bool:
    return link.name.startswith(f"{client}->")
