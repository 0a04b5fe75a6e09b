"""A server that gets only a share of a processor."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from waybill.faults.effects import FaultWithoutEffect
from waybill.faults.process import Processes
from waybill.history.recorder import Recorder

PERIOD: Final = 0.1
"""Seconds from one standstill of a slowed node to the next."""


class Slowness:
    """A node that gets only a share of a processor: it stands still for the rest of each tenth of a second.

    Each standstill is seen before the node goes on, and the fault is observed when there was one.

    Args:
        processes: The target.
        recorder: Gives the recorder of the scenario.
    """

    def __init__(self, processes: Processes, recorder: Callable[[], Recorder]) -> None:
        self._processes = processes
        self._recorder = recorder
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._trouble: Exception | None = None
        self._stood = 0
        self._fault = 0
        self._node = ""

    def begin(self, node: str, share: float) -> None:
        """Slows a node down.

        Args:
            node: The node.
            share: The share of the time that it may run, between 0 and 1.

        Raises:
            ValueError: A node is slowed down already, or the share is none.
        """
        if not 0.0 < share < 1.0:
            raise ValueError(f"Expected a share between 0 and 1, such as 0.1; found {share:g}.")
        if self._thread is not None:
            raise ValueError(f"{self._node} is slowed down already; let it run first.")
        self._over.clear()
        self._trouble, self._stood, self._node = None, 0, node
        self._fault = self._recorder().fault_start("slow", node, share=share)
        self._thread = threading.Thread(
            target=self._alternate, args=(node, share), name="slowness", daemon=True
        )
        self._thread.start()

    def end(self) -> int:
        """Lets the node run; returns how often it had stood still.

        Raises:
            FaultWithoutEffect: It never had.
            ValueError: No node is slowed down.
        """
        if self._thread is None:
            raise ValueError("No node is slowed down.")
        self._over.set()
        self._thread.join()
        self._thread = None
        if self._trouble is not None:
            raise self._trouble
        if self._stood:
            self._recorder().fault_observed(
                self._fault, f"{self._node} stood still {self._stood} times (SIGSTOP)"
            )
        self._recorder().fault_end(self._fault)
        if not self._stood:
            raise FaultWithoutEffect(f"{self._node} never stood still while it was slowed down.")
        return self._stood

    def give_up(self) -> None:
        """Lets the node run without asking how often it stood still; the fault stays open in the history."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _alternate(self, node: str, share: float) -> None:
        try:
            while not self._over.is_set():
                self._processes.pause(node)
                self._stood += 1
                self._over.wait(PERIOD * (1.0 - share))
                self._processes.resume(node)
                self._over.wait(PERIOD * share)
        except Exception as error:
            self._trouble = error
