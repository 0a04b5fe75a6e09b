"""The faults that a schedule is made of: how each of them begins, whether something met it, and how it ends."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Final, Protocol

from waybill.faults.clock import MACHINE, ClockFaults, Clocks, Skew
from waybill.faults.disk import DiskFault, DiskFaults, Disks
from waybill.faults.disturbances import Disturbance, Way, cut_after, delay, stall
from waybill.faults.handles import HandleShortage

if TYPE_CHECKING:
    from waybill.faults.links import LinkFaults
    from waybill.faults.process import ProcessFaults
    from waybill.faults.schedule import Fault


class Kind(Enum):
    """A kind of fault. The value names it in schedules and in the history."""

    KILL = "kill"
    POWER_LOSS = "power-loss"
    PAUSE = "pause"
    DISK_FULL = "disk-full"
    WRITE_ERROR = "write-error"
    SYNC_ERROR = "sync-error"
    READ_ONLY = "read-only"
    FILE_HANDLES = "file-handles"
    CLOCK_STEP = "clock-step"
    CUT = "cut"
    STALL = "stall"
    DELAY = "delay"


DEATHS: Final = frozenset({Kind.KILL, Kind.POWER_LOSS})
"""After these a node has to be started."""
SILENT: Final = DEATHS | {Kind.PAUSE}
"""As long as these last a node answers nothing."""
OF_LINKS: Final = frozenset({Kind.CUT, Kind.STALL, Kind.DELAY})
"""Their place is a device, whose link to its node is disturbed."""
INTERPOSED: Final = frozenset(
    {
        Kind.POWER_LOSS,
        Kind.DISK_FULL,
        Kind.WRITE_ERROR,
        Kind.SYNC_ERROR,
        Kind.READ_ONLY,
        Kind.FILE_HANDLES,
        Kind.CLOCK_STEP,
    }
)
"""These come from inside the processes of a node."""

STEP: Final = 3600.0
"""Seconds by which a clock steps: more than any token or time-out of a scenario lasts."""
LATE: Final = 0.03
"""Seconds that everything on a link is late."""
FEWEST_BYTES: Final = 60
"""A cut comes after fewer bytes than any message takes, so that the next one meets it."""


class Disturbed(Clocks, Disks, Protocol):
    """What a target must be able to do for faults from inside its processes."""


class Repertoire:
    """Begins and ends the faults of schedules.

    Args:
        target: The target.
        processes: Kills, pauses and starts its nodes.
        links: Disturbs the links of devices.
        node_of: The node that a device uses, by the device's name.
    """

    def __init__(
        self,
        target: Disturbed,
        processes: ProcessFaults,
        links: LinkFaults,
        node_of: Callable[[str], str],
    ) -> None:
        self.processes = processes
        self.links = links
        self._node_of = node_of
        self._disks = DiskFaults(target, processes.recorder)
        self._handles = HandleShortage(target, processes.recorder)
        self._clocks = ClockFaults(target, processes.recorder)

    def begin(self, fault: Fault, moment: str, draw: random.Random) -> None:
        """Lets something go wrong, from the very next byte, call or look at a clock.

        Args:
            fault: What, and where.
            moment: When it happens, in words, for the report.
            draw: Decides what the schedule leaves open: how many bytes pass before a cut, to which side a clock steps.
        """
        kind, place = Kind(fault.kind), fault.place
        match kind:
            case Kind.KILL:
                self.processes.kill(place, moment)
            case Kind.POWER_LOSS:
                self.processes.lose_power(place, moment)
            case Kind.PAUSE:
                self.processes.pause(place, moment)
            case Kind.FILE_HANDLES:
                self._handles.begin(place)
            case Kind.CLOCK_STEP:
                self._clocks.begin(Skew(draw.choice((-STEP, STEP))), _process(place))
            case Kind.CUT | Kind.STALL | Kind.DELAY:
                self.links.begin(place, self._node_of(place), _disturbance(kind, draw))
            case _:
                self._disks.begin(place, DiskFault(fault.kind))

    def met(self, fault: Fault) -> bool:
        """Whether it had an effect by now."""
        kind, place = Kind(fault.kind), fault.place
        if kind in SILENT:
            return True
        if kind in OF_LINKS:
            return self.links.met(place, self._node_of(place))
        if kind is Kind.FILE_HANDLES:
            return self._handles.met(place) > 0
        if kind is Kind.CLOCK_STEP:
            return self._clocks.looks(_process(place)) > 0
        return self._disks.met(place)

    def end(self, fault: Fault, *, deadline: float) -> None:
        """Mends it; returns when the place is seen to be as it was.

        Args:
            fault: What, and where.
            deadline: Seconds that traffic may take to meet a disturbed link.

        Raises:
            FaultWithoutEffect: Nothing had met it; it is mended all the same.
        """
        kind, place = Kind(fault.kind), fault.place
        if kind in DEATHS:
            self.processes.start(place)
        elif kind is Kind.PAUSE:
            self.processes.resume(place)
        elif kind in OF_LINKS:
            self.links.end([place], deadline=deadline)
        elif kind is Kind.FILE_HANDLES:
            self._handles.end(place)
        elif kind is Kind.CLOCK_STEP:
            self._clocks.end(_process(place))
        else:
            self._disks.end(place)

    def give_up(self) -> None:
        """Mends disks, clocks and handles without asking what met them; these faults stay open in the history."""
        self._disks.give_up()
        self._clocks.give_up()
        self._handles.give_up()


def places(
    nodes: Sequence[str], devices: Sequence[str], possible: Callable[[Kind, str], bool]
) -> dict[str, list[str]]:
    """Where each kind of fault can happen, as `Schedule.draw` takes it; kinds that can happen nowhere have no place.

    Args:
        nodes: The nodes of the target.
        devices: The devices whose links may be disturbed.
        possible: Whether a kind of fault can be done at a node; of faults of links it is asked for the first one.
    """
    found: dict[str, list[str]] = {}
    for kind in Kind:
        if kind in OF_LINKS:
            found[kind.value] = list(devices) if possible(kind, nodes[0]) else []
        elif kind is Kind.CLOCK_STEP:
            found[kind.value] = [MACHINE] if all(possible(kind, node) for node in nodes) else []
        else:
            found[kind.value] = [node for node in nodes if possible(kind, node)]
    return found


def _process(place: str) -> str | None:
    return None if place == MACHINE else place


def _disturbance(kind: Kind, draw: random.Random) -> Disturbance:
    match kind:
        case Kind.CUT:
            return cut_after(Way.TO, draw.randrange(FEWEST_BYTES))
        case Kind.STALL:
            return stall(Way.TO)
        case _:
            return delay(Way.TO, LATE)
