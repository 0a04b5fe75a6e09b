"""A process of a launched target together with what its being ready means."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from waybill.drivers.base import LoginRefused
from waybill.targets.errors import LaunchError
from waybill.targets.processes import ServerProcess
from waybill.tokens.obtain import TokenError

_LOOK_EVERY: Final = 0.002
"""Seconds between two looks at a process that is not ready yet; its end is noticed at once."""


@dataclass(slots=True)
class LaunchedProcess:
    """A process and when it counts as ready.

    Attributes:
        process: The process.
        start_deadline: Seconds from its start until it must be ready.
        stop_deadline: Seconds that it has to end after SIGTERM.
        round_trip: Passes one message through it within some seconds, where that is what ready means; else
            None, and it prints a line with `"ready": true`.
    """

    process: ServerProcess
    start_deadline: float
    stop_deadline: float
    round_trip: Callable[[float], None] | None = None

    def wait_until_ready(self) -> None:
        """Returns when it is ready.

        Raises:
            LaunchError: It ended, or the deadline passed; the message has the end of its log.
        """
        until = time.monotonic() + self.start_deadline
        missing = 'a line with "ready": true' if self.round_trip is None else "a message that gets through"
        while True:
            try:
                if self._is_ready(max(0.1, until - time.monotonic())):
                    return
            except (LoginRefused, LaunchError, TokenError) as error:
                missing = f"a message that gets through: {str(error).rstrip('.')}"
            if self.process.wait_for_exit(_LOOK_EVERY):
                raise self._failure(f"it ended with status {self.process.exit_status}")
            if time.monotonic() > until:
                raise self._failure(f"after {self.start_deadline:g} s there is still missing {missing}")

    def _is_ready(self, seconds: float) -> bool:
        if self.round_trip is None:
            return _has_ready_line(self.process.output())
        self.round_trip(seconds)
        return True

    def _failure(self, what: str) -> LaunchError:
        command = " ".join(self.process.command)
        return LaunchError(
            f"'{self.process.name}' did not become ready: {what}.\nCommand: {command}\n{self.process.tail()}"
        )


def _has_ready_line(output: bytes) -> bool:
    for line in output.splitlines():
        if line.startswith(b"{"):
            try:
                said = json.loads(line)
            except ValueError:
                continue
            if isinstance(said, dict) and said.get("ready") is True:
                return True
    return False
