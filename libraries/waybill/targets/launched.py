"""A process of a launched target together with what its being ready means."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from waybill.drivers.base import LoginRefused
from waybill.targets.errors import LaunchError
from waybill.targets.processes import ServerProcess
from waybill.targets.ready import Ready
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
        ready: Whether it is ready.
    """

    process: ServerProcess
    start_deadline: float
    stop_deadline: float
    ready: Ready

    def wait_until_ready(self) -> None:
        """Returns when it is ready.

        Raises:
            LaunchError: It ended, or the deadline passed; the message has the end of its log.
        """
        until = time.monotonic() + self.start_deadline
        missing = self.ready.missing
        while True:
            try:
                if self.ready(max(0.1, until - time.monotonic())):
                    return
            except (LoginRefused, LaunchError, TokenError) as error:
                missing = f"{self.ready.missing}: {str(error).rstrip('.')}"
            if self.process.wait_for_exit(_LOOK_EVERY):
                raise self._failure(f"it ended with status {self.process.exit_status}")
            if time.monotonic() > until:
                raise self._failure(f"after {self.start_deadline:g} s there is still missing {missing}")

    def _failure(self, what: str) -> LaunchError:
        command = " ".join(self.process.command)
        return LaunchError(
            f"'{self.process.name}' did not become ready: {what}.\nCommand: {command}\n{self.process.tail()}"
        )
