"""Faults of a server's process: it is killed, stopped or stands still, and goes on or starts on the same data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from waybill.history.recorder import Recorder
from waybill.interposer.power_loss import Lost


class Death(Enum):
    """How a server ends without a warning."""

    IS_KILLED = "kill"
    """SIGKILL: what it had handed to the kernel stays."""
    LOSES_POWER = "power-loss"
    """What no sync had made durable is gone as well."""


class Processes(Protocol):
    """What a target must be able to do for these faults."""

    def kill(self, node: str) -> None:
        """Ends the node's process with SIGKILL and returns when it is gone."""

    def lose_power(self, node: str) -> Lost:
        """Ends the node's process and takes from its data what no sync had made durable."""

    def stop(self, node: str) -> int:
        """Asks the node to end (SIGTERM) and returns its exit status when it is gone."""

    def pause(self, node: str) -> None:
        """Lets every process of the node stand still and returns when they do."""

    def resume(self, node: str) -> None:
        """Lets them go on and returns when they do."""

    def start(self, node: str) -> None:
        """Starts the node on the same data and returns when it is ready."""

    def alive(self, node: str) -> bool | None:
        """Whether the node's process runs; None where nobody can tell, and the return of `kill` alone says that it
        is gone."""


@dataclass
class ProcessFaults:
    """Kills, stops, pauses and starts nodes, and records each end and each standstill as a fault.

    The effect is observed when the process is gone, or stands still; the fault ends when the node is ready again on the
    same data, or goes on. One that is never healed stays open in the history.

    Attributes:
        processes: The target.
        recorder: Gives the recorder of the scenario, which is made when it is first needed.
    """

    processes: Processes
    recorder: Callable[[], Recorder]
    _open: dict[str, int] = field(default_factory=dict)
    _standing: dict[str, int] = field(default_factory=dict)

    def kill(self, node: str, moment: str) -> None:
        """Kills a node with SIGKILL.

        Args:
            node: Its name.
            moment: When it happens, in words, for the report.
        """
        fault = self.recorder().fault_start("kill", node, moment=moment)
        self.processes.kill(node)
        if not self.processes.alive(node):
            self.recorder().fault_observed(fault, f"the process of {node} was killed and is gone")
        self._open[node] = fault

    def lose_power(self, node: str, moment: str) -> None:
        """Takes the power from a node: what it had written and not synced is gone.

        Args:
            node: Its name.
            moment: When it happens, in words, for the report.
        """
        fault = self.recorder().fault_start("power-loss", node, moment=moment)
        lost = self.processes.lose_power(node)
        self.recorder().fault_observed(
            fault,
            f"{node} lost its power; {lost.writes} writes and {lost.names} changes of names that no sync had covered "
            f"are gone",
        )
        self._open[node] = fault

    def stop(self, node: str, moment: str) -> int:
        """Asks a node to end, as an operator does; returns its exit status.

        Args:
            node: Its name.
            moment: When it happens, in words, for the report.
        """
        fault = self.recorder().fault_start("stop", node, moment=moment)
        status = self.processes.stop(node)
        self.recorder().fault_observed(fault, f"{node} was asked to end (SIGTERM) and ended with {status}")
        self._open[node] = fault
        return status

    def pause(self, node: str, moment: str) -> None:
        """Lets a node stand still: its kernel still takes connections and bytes, and nothing answers.

        Args:
            node: Its name.
            moment: When it happens, in words, for the report.
        """
        fault = self.recorder().fault_start("pause", node, moment=moment)
        self.processes.pause(node)
        self.recorder().fault_observed(fault, f"every process of {node} stands still (SIGSTOP)")
        self._standing[node] = fault

    def resume(self, node: str) -> None:
        """Lets a paused node go on and ends its fault."""
        self.processes.resume(node)
        fault = self._standing.pop(node, None)
        if fault is not None:
            self.recorder().fault_end(fault)

    def end(self, death: Death, node: str, moment: str) -> None:
        """Ends a node without a warning."""
        (self.kill if death is Death.IS_KILLED else self.lose_power)(node, moment)

    def start(self, node: str) -> None:
        """Starts a node that was killed or stopped on the same data and ends its fault."""
        self.processes.start(node)
        fault = self._open.pop(node, None)
        if fault is not None:
            self.recorder().fault_end(fault)

    @property
    def standing(self) -> list[str]:
        """The nodes that were paused and not resumed."""
        return list(self._standing)

    @property
    def down(self) -> list[str]:
        """The nodes that were killed or stopped and not started again."""
        return list(self._open)
