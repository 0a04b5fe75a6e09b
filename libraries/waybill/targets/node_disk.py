"""The small disk of one node of a launched target, or the reason why there is none."""

from __future__ import annotations

from pathlib import Path

from waybill.namespaces.small_disk import NoSuchDisk, SmallDisk
from waybill.targets.errors import MeansMissing


class NodeDisk:
    """Where the data of one node are: on a small disk of its own, or in its folder where there can be none.

    Args:
        node: The node's name.
        folder: The folder of its data.
    """

    def __init__(self, node: str, folder: Path) -> None:
        self.node = node
        self.data = folder
        """Its data, as this process sees them."""
        self.entry: tuple[str, ...] = ()
        """What its processes have to enter."""
        self._disk: SmallDisk | None = None
        self._missing = ""
        try:
            self._disk = SmallDisk(folder)
        except NoSuchDisk as error:
            self._missing = str(error)
        else:
            self.data, self.entry = self._disk.data, self._disk.entry

    def disk(self) -> SmallDisk:
        """The disk.

        Raises:
            MeansMissing: There is none here.
        """
        if self._disk is None:
            raise MeansMissing(
                f"The disk of {self.node} cannot be filled: {self._missing}. What depends on it stays UNPROVEN."
            )
        return self._disk

    @property
    def mounted(self) -> bool:
        """Whether there is one."""
        return self._disk is not None

    def take_over(self) -> None:
        """Puts on it what was written to the folder before any process of the node started."""
        if self._disk is not None:
            self._disk.take_over()

    def close(self) -> None:
        """Leaves what is on it in the folder; every process of the node must be gone."""
        if self._disk is not None:
            self._disk.close()
