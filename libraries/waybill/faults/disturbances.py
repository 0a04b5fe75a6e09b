"""What can be wrong with a link: each disturbance says how it begins, and by what it is known to have had an effect."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from waybill.network.flow import Cut, Ending, Flow, Hook
from waybill.network.link import Link
from waybill.tls.records import APPLICATION_DATA

_RECORD_HEAD: Final = 5


class Way(Enum):
    """A direction of a link between a client and a node."""

    TO = "to"
    """To the node."""
    FROM = "from"
    """From the node."""

    def of(self, link: Link) -> Flow:
        """The flow of a link in this direction."""
        return link.up if self is Way.TO else link.down

    def __str__(self) -> str:
        return f"{self.value} the node"


@dataclass(frozen=True, slots=True)
class Effect:
    """How a disturbance shows.

    Attributes:
        seen: Says what was seen so far; empty for nothing. It runs where links live.
        acted: Set whenever that may have changed.
    """

    seen: Callable[[], str]
    acted: asyncio.Event


@dataclass(frozen=True, slots=True)
class Disturbance:
    """One thing that is done to a link.

    Attributes:
        kind: The name of the fault in the history.
        begin: Does it, where links live.
        details: Its parameters, for the history.
        of_packets: It takes a link whose packets can be lost.
    """

    kind: str
    begin: Callable[[Link], Effect]
    details: Mapping[str, object]
    of_packets: bool = False


class Records:
    """Counts the records of TLS that carry what is said, in the bytes of one direction; it begins between two records.

    What is not TLS counts by its parts, as they leave the writer: then each part is a frame.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._plain = False

    def __call__(self, part: bytes) -> int:
        """How many frames this part completes."""
        if self._plain or (not self._rest and part[0] not in range(20, 24)):
            self._plain = True
            return 1
        said, at, count = self._rest + part, 0, 0
        while at + _RECORD_HEAD <= len(said):
            end = at + _RECORD_HEAD + int.from_bytes(said[at + 3 : at + _RECORD_HEAD], "big")
            if end > len(said):
                break
            count += said[at] == APPLICATION_DATA
            at = end
        self._rest = said[at:]
        return count


def cut_after(way: Way, size: int, ending: Ending = Ending.RESET) -> Disturbance:
    """The connection ends after so many further bytes."""

    def begin(link: Link) -> Effect:
        cut, flow = Cut(size, ending), way.of(link)
        flow.cut(cut)
        text = f"the connection ended ({ending.value}) after {size} bytes {way}"
        return Effect(lambda: text if cut.done.is_set() else "", flow.acted)

    return Disturbance("cut", begin, {"way": way.value, "after": size, "ending": ending.value})


def cut_on_frame(way: Way, number: int) -> Disturbance:
    """The connection is reset on a frame that is about to pass; it never does."""

    def begin(link: Link) -> Effect:
        flow = way.of(link)
        hook = Hook(Records(), number, lambda: None, withhold=True)
        flow.hook(hook)
        return Effect(lambda: f"frame {number} {way} never passed" if hook.done.is_set() else "", flow.acted)

    return Disturbance("cut-on-frame", begin, {"way": way.value, "frame": number})


def delay(way: Way, seconds: float, jitter: float = 0.0) -> Disturbance:
    """Everything is late, by the same time or by one that is drawn anew for each part."""

    def begin(link: Link) -> Effect:
        flow = way.of(link)
        flow.delay, flow.jitter = seconds, jitter
        return _counted(flow, lambda: flow.late, f"parts {way} were late")

    kind = "jitter" if jitter else "delay"
    return Disturbance(kind, begin, {"way": way.value, "seconds": seconds, "jitter": jitter})


def limit_rate(way: Way, rate: float) -> Disturbance:
    """No more bytes pass in a second than this."""

    def begin(link: Link) -> Effect:
        flow = way.of(link)
        flow.rate = rate
        return _counted(flow, lambda: flow.late, f"parts {way} were held up")

    return Disturbance("slow-link", begin, {"way": way.value, "bytes_per_second": rate})


def stall(way: Way) -> Disturbance:
    """Nothing is taken from the writer any more, until it is over; then all of it comes."""

    def begin(link: Link) -> Effect:
        flow = way.of(link)
        flow.stall()
        return _counted(flow, lambda: flow.held, f"bytes {way} had to wait")

    return Disturbance("stall", begin, {"way": way.value})


def drop(way: Way) -> Disturbance:
    """One direction is dead: bytes vanish, and neither side is told."""

    def begin(link: Link) -> Effect:
        flow = way.of(link)
        flow.dropping = True
        return _counted(flow, lambda: flow.dropped, f"bytes {way} vanished")

    return Disturbance("one-way", begin, {"way": way.value})


def lose_packets(way: Way) -> Disturbance:
    """One direction of the wire is dead: packets vanish, and TCP sends them again until it gives up."""

    def begin(link: Link) -> Effect:
        assert link.wire is not None
        wire, acted, loop = link.wire, asyncio.Event(), asyncio.get_running_loop()
        told_before = wire.lost

        def lost() -> None:
            told_before()
            with contextlib.suppress(RuntimeError):  # The links were closed meanwhile.
                loop.call_soon_threadsafe(acted.set)

        def seen() -> str:
            count = wire.count(way.value)
            return f"{count} packets {way} were lost" if count else ""

        wire.lost = lost
        wire.lose(*wire.losing, way.value)
        return Effect(seen, acted)

    return Disturbance("one-way", begin, {"way": way.value, "mechanism": "packets"}, of_packets=True)


def flip_bit(way: Way, after: int) -> Disturbance:
    """One bit of the byte that comes after so many arrives turned over."""

    def begin(link: Link) -> Effect:
        flow = way.of(link)
        flow.flip(after)
        return _counted(flow, lambda: flow.flipped, f"bytes {way} were turned over")

    return Disturbance("bit-flip", begin, {"way": way.value, "after": after})


def black_hole() -> Disturbance:
    """New connections are taken and get no answer."""

    def begin(link: Link) -> Effect:
        before = link.refused
        link.swallow(True)

        def seen() -> str:
            count = link.refused - before
            return f"{count} connections got no answer" if count else ""

        return Effect(seen, link.swallowed)

    return Disturbance("black-hole", begin, {})


def _counted(flow: Flow, count: Callable[[], int], what: str) -> Effect:
    before = count()

    def seen() -> str:
        more = count() - before
        return f"{more} {what}" if more else ""

    return Effect(seen, flow.acted)
