"""What is done to a node by whoever runs the server: another release, a migration, a start on data of some kind.

Nothing here decides whether what came of it is right; it says what happened.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from waybill.targets.errors import LaunchError, MeansMissing, TargetError
from waybill.targets.launched import LaunchedProcess
from waybill.targets.processes import ServerProcess

FORWARD, BACK = "forward", "back"


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended.

    Attributes:
        status: Its exit status; negative for the signal that ended it. None for a node that became ready instead.
        said: What it printed.
    """

    status: int | None
    said: str


class Upkeep:
    """One launched node.

    Args:
        node: Its name.
        process: Its process.
        releases: The command of each release as the file has it, the oldest first; empty where it names none.
        migrations: The command that migrates in each direction (`FORWARD`, `BACK`), as the file has it.
        for_clients: What the command needs besides, to serve every kind of client.
        fill: Fills in the placeholders of a command and finds its program.
        elsewhere: Gives a process of the node's present command on the same data, with ports of its own.
        program: Makes a process of a command, beside the node.
        data: The folder of its data.
        file: The target file, for messages.
        deadline: Seconds that a program may take.
    """

    def __init__(
        self,
        node: str,
        process: LaunchedProcess,
        releases: Mapping[str, Sequence[str]],
        migrations: Mapping[str, Sequence[str]],
        for_clients: Sequence[str],
        fill: Callable[[Sequence[str]], list[str]],
        elsewhere: Callable[[str], LaunchedProcess],
        program: Callable[[str, list[str]], ServerProcess],
        data: Path,
        file: Path,
        deadline: float,
    ) -> None:
        self._node = node
        self._launched = process
        self._releases = dict(releases)
        self._migrations = dict(migrations)
        self._for_clients = for_clients
        self._fill = fill
        self._elsewhere = elsewhere
        self._program = program
        self.data = data
        self._file = file
        self._deadline = deadline
        self._release = next(reversed(self._releases), "")

    @property
    def releases(self) -> list[str]:
        """The releases that there are, the oldest first.

        Raises:
            MeansMissing: The file names fewer than two.
        """
        if len(self._releases) < 2:
            raise MeansMissing(
                f"There is no other release of {self._node}: {self._file} names none under [launch.process.releases]. "
                f"What depends on it stays UNPROVEN."
            )
        return list(self._releases)

    @property
    def release(self) -> str:
        """The release that runs, or that starts next; empty where the file names none."""
        return self._release

    def change_release(self, name: str, *, every_client: bool = False) -> None:
        """Lets the next start be of this release; the node must be down.

        Args:
            name: The release.
            every_client: Let it serve every kind of client.

        Raises:
            MeansMissing: The file names fewer than two.
            TargetError: There is no such release, or the node runs.
        """
        if name not in self.releases:
            raise TargetError(f"{self._node} has no release '{name}'. Releases: {', '.join(self.releases)}.")
        self._require_down("its release is changed")
        self._launched.process.command = tuple(
            self._fill([*self._releases[name], *(self._for_clients if every_client else ())])
        )
        self._release = name

    @property
    def migrates(self) -> bool:
        """Whether the file tells how to migrate in both directions."""
        return {FORWARD, BACK} <= self._migrations.keys()

    def migrate(self, direction: str) -> Ended:
        """Runs the command that migrates the data of the node, which must be down, and waits for its end.

        Raises:
            MeansMissing: The file has no such command.
            LaunchError: It did not end in time.
        """
        if direction not in self._migrations:
            raise MeansMissing(
                f"The data of {self._node} cannot be migrated {direction}: {self._file} has no '{direction}' under "
                f"[launch.migrate]. What depends on it stays UNPROVEN."
            )
        process = self._program("migrate", self._fill(self._migrations[direction]))
        process.start()
        try:
            if not process.wait_for_exit(self._deadline):
                raise LaunchError(
                    f"The migration {direction} of {self._node} still runs after {self._deadline:g} s. {process.tail()}"
                )
            status = process.exit_status
        finally:
            process.close()
        return Ended(status, process.output().decode(errors="replace"))

    def try_start(self) -> Ended:
        """Starts the node on its data; it ends by itself, or is ready and runs on."""
        return self._attempted(self._launched)

    def try_second_start(self) -> Ended:
        """Starts a second process on the same data while the node may run, with ports of its own.

        One that becomes ready is killed at once.
        """
        second = self._elsewhere(self._release)
        try:
            return self._attempted(second)
        finally:
            second.process.close()

    def clear(self) -> None:
        """Empties the folder of the data; the node must be down.

        Raises:
            TargetError: The node runs.
        """
        self._require_down("its data are cleared")
        shutil.rmtree(self.data)
        self.data.mkdir()

    def digests(self) -> dict[str, str]:
        """The SHA-256 digest of every file of the data, by its path below the folder."""
        return {
            str(file.relative_to(self.data)): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in sorted(self.data.rglob("*"))
            if file.is_file()
        }

    def _require_down(self, what: str) -> None:
        if self._launched.process.alive:
            raise TargetError(f"{self._node} runs; stop or kill it before {what}.")

    def _attempted(self, launched: LaunchedProcess) -> Ended:
        process = launched.process
        process.start()
        try:
            launched.wait_until_ready()
        except LaunchError:
            if process.alive:
                process.kill()
                raise
            return Ended(process.exit_status, process.output().decode(errors="replace"))
        return Ended(None, process.output().decode(errors="replace"))
