"""The mechanisms that carry out a fault of a disk: one interface, whatever stands between a server and its data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from waybill.interposer.table import Rule, Table
    from waybill.namespaces.small_disk import SmallDisk
    from waybill.tracing.strace import Tracer

LEFT: Final = 4096
"""Bytes that a full disk has left when it begins to be full: one block, so that it is seen when a server takes it."""


class Mechanism(Enum):
    """What stands between a server and its data. The member's value names it in the history."""

    INTERPOSED = "interposed"
    """A library in the server's processes. It does everything, at any call; static programs do not load it."""
    TMPFS = "tmpfs"
    """A small file system in memory on which the data are. It can be full, for every program, and nothing else."""
    STRACE = "strace"
    """A tracer of the server's processes. Calls fail for every program; all of them take longer meanwhile."""


class Breakage(Protocol):
    """A fault of one disk by one mechanism."""

    def begin(self) -> None:
        """Lets it begin; it holds when this returns."""

    def met(self) -> str:
        """What of the server met it so far, as a sentence; empty as long as nothing has."""

    def unmet(self) -> str:
        """What should have met it and did not, as a sentence."""

    def end(self) -> None:
        """Lets it be over, when this returns. What had met it is told afterwards as well. Idempotent."""


@dataclass
class ByRule:
    """Calls fail by a rule of the interposed library.

    Attributes:
        node: The node, for the report.
        fault: The fault's name, for the report.
        table: The rules that the node follows.
        rule: The rule.
    """

    node: str
    fault: str
    table: Table
    rule: Rule
    _number: int | None = None
    _met: int = 0

    def begin(self) -> None:
        """Arms the rule."""
        self._number = self.table.arm(self.rule)

    def met(self) -> str:
        """How many calls failed."""
        if self._number is not None:
            self._met = self.table.acted(self._number)
        return _calls(self._met, self.node, self.fault)

    def unmet(self) -> str:
        """No call failed."""
        return _no_call(self.node, self.fault, f"Does it keep its data under {self.table.watched}?")

    def end(self) -> None:
        """Disarms the rule."""
        self.met()
        if self._number is not None:
            self.table.disarm(self._number)
        self._number = None


@dataclass
class ByTracer:
    """Calls fail by a tracer.

    Attributes:
        node: The node, for the report.
        fault: The fault's name, for the report.
        attach: Attaches the tracer.
    """

    node: str
    fault: str
    attach: Callable[[], Tracer]
    _tracer: Tracer | None = field(default=None)

    def begin(self) -> None:
        """Attaches the tracer."""
        self._tracer = self.attach()

    def met(self) -> str:
        """How many calls failed."""
        return _calls(self._tracer.injected if self._tracer else 0, self.node, self.fault)

    def unmet(self) -> str:
        """No call failed."""
        return _no_call(
            self.node,
            self.fault,
            "Does it write to files that were there when the fault began, and it alone?",
        )

    def end(self) -> None:
        """Detaches the tracer."""
        if self._tracer is not None:
            self._tracer.end()


@dataclass
class ByFilling:
    """A small disk is really full but for one block. It was met when that block is taken too: what the server wants to
    write then has no room, as the kernel tells it and nobody else.

    Attributes:
        node: The node, for the report.
        disk: Its disk.
    """

    node: str
    disk: SmallDisk
    _met: bool = False
    _full: bool = False

    def begin(self) -> None:
        """Fills the disk."""
        self.disk.fill(leave=LEFT)
        self._full = True

    def met(self) -> str:
        """Whether the server took what was left."""
        self._met = self._met or (self._full and self.disk.free == 0)
        return (
            f"{self.node} took the last {LEFT} bytes of its disk, which was full from then on"
            if self._met
            else ""
        )

    def unmet(self) -> str:
        """The server did not take what was left."""
        return (
            f"{self.node} left the last {LEFT} bytes of its full disk free, so nothing is shown. It overwrites what it "
            f"has, or gave the space back: send more, or take another mechanism."
        )

    def end(self) -> None:
        """Frees what the kit took up."""
        self.met()
        self.disk.give_back()
        self._full = False


def _calls(count: int, node: str, fault: str) -> str:
    return f"{count} calls of {node} met the fault ({fault})" if count else ""


def _no_call(node: str, fault: str, question: str) -> str:
    return (
        f"{node} made no call that could have failed while its disk had the fault '{fault}', so nothing is shown. "
        f"{question}"
    )
