"""A target that was not launched, because nothing that is going to run could use it."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

from waybill.targets.accounts import Account
from waybill.targets.errors import MeansMissing, TargetError
from waybill.targets.launched import LaunchedProcess
from waybill.targets.model import TargetFile
from waybill.targets.running import RunningTarget


class AbsentTarget(RunningTarget):
    """What is known of a target from its file alone: its name, driver, promises and waivers.

    Whoever asks for a node, an account or a process is told that there is none, and why.

    Args:
        file: Its target file.
        folder: Where its data would be.
        why: Why it was not launched, as the end of a sentence; or the means that is missing.
    """

    def __init__(self, file: TargetFile, folder: Path, why: str | MeansMissing) -> None:
        super().__init__(file, folder, endpoints={}, accounts=())
        self._why = why

    @property
    def nodes(self) -> list[str]:
        """It has none.

        Raises:
            TargetError: Always.
        """
        self._refuse()

    def account(self, role: str = "") -> Account:
        """It has none.

        Raises:
            TargetError: Always.
        """
        self._refuse()

    def _process(self, node: str | None, what: str) -> LaunchedProcess:
        self._refuse()

    def require_means(self) -> None:
        """Fails where it was for want of a means that it was not launched.

        Raises:
            MeansMissing: Saying which.
        """
        if isinstance(self._why, MeansMissing):
            raise self._why

    def _refuse(self) -> NoReturn:
        self.require_means()
        raise TargetError(f"{self.name} was not launched: {self._why}.")
