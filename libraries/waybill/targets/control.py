"""What can be done to a node that the kit did not launch: the commands under `[control.NODE]`.

They are the means of whoever runs the server, an `ssh` for example. A command that fails says nothing about
the server, so what it was needed for ends without a verdict.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from waybill.drivers.base import LoginRefused
from waybill.targets.errors import LaunchError, MeansFailed, MeansMissing
from waybill.targets.model import Control
from waybill.targets.programs import program
from waybill.targets.ready import MessagePasses
from waybill.targets.toml_table import Table, nearest
from waybill.tokens.obtain import TokenError

COMMANDS: Final = ("kill", "stop", "start", "alive")

_UNANSWERED: Final = 255
"""The status with which ssh reports its own failure; no program uses it to say that a server is gone."""

_LOOK_EVERY: Final = 0.1
"""Seconds between two looks at a node that is to go or to come."""

_SHOWN: Final = 2000


def read_control(root: Table, nodes: list[str], launched: bool) -> dict[str, Control]:
    """The tables `[control.NODE]` of a target file.

    Raises:
        TargetFileError: One says something that is not allowed.
    """
    read: dict[str, Control] = {}
    for node, entry in root.named_tables("control").items():
        if launched:
            raise entry.error(
                "",
                "this is for a target that runs already; the kit controls what it launches without commands.",
            )
        if node not in nodes:
            raise entry.error(
                "", f"there is no endpoint '{node}'{nearest(node, nodes)} (nodes: {', '.join(nodes)})."
            )
        commands = {
            name: entry.texts(name, "a list of a program and its arguments", ())
            for name in COMMANDS
            if name in entry
        }
        for name, command in commands.items():
            if not command or not command[0].strip():
                raise entry.error(name, "expected a list of a program and its arguments, found none.")
        read[node] = Control(commands, entry.seconds("deadline", "30s"))
        entry.finish()
    return read


class ControlledNode:
    """A node of a target that runs already.

    Args:
        node: Its name.
        control: Its commands.
        file: The target file, whose folder the commands run in.
        folder: Where the output of the commands is kept.
        passes: Whether a message gets through it; None without a `start`.
    """

    def __init__(
        self, node: str, control: Control, file: Path, folder: Path, passes: MessagePasses | None
    ) -> None:
        self._node = node
        self._control = control
        self._file = file
        self._folder = folder
        self._passes = passes

    def has(self, *commands: str) -> bool:
        """Whether the target file has all of these commands for it."""
        return all(command in self._control.commands for command in commands)

    def kill(self, endpoint: str) -> None:
        """Kills it; returns when it is gone.

        Args:
            endpoint: The address that it listens on: without a command `alive` it is gone when connections
                to it are refused.
        """
        self._succeed("kill")
        self._wait_until_gone("kill", endpoint)

    def stop(self, endpoint: str) -> None:
        """Stops it; returns when it is gone."""
        self._succeed("stop")
        self._wait_until_gone("stop", endpoint)

    def start(self) -> None:
        """Starts it; returns when a message gets through it.

        Raises:
            LaunchError: None did by the deadline.
        """
        self._succeed("start")
        assert self._passes is not None
        until = time.monotonic() + self._control.deadline
        while True:
            try:
                if self._passes(max(0.1, until - time.monotonic())):
                    return
            except (LoginRefused, LaunchError, TokenError) as error:
                if time.monotonic() > until:
                    raise LaunchError(
                        f"'{self._node}' was started, but {self._control.deadline:g} s later there is still "
                        f"missing {self._passes.missing}: {error}"
                    ) from None
            threading.Event().wait(_LOOK_EVERY)

    def alive(self) -> bool | None:
        """Whether it runs; None where no command can tell."""
        if "alive" not in self._control.commands:
            return None
        status, said = self._run("alive")
        if status == _UNANSWERED or status < 0:
            raise self._failed("alive", status, said)
        return status == 0

    def _wait_until_gone(self, what: str, endpoint: str) -> None:
        until = time.monotonic() + self._control.deadline
        while _listens(endpoint) if (alive := self.alive()) is None else alive:
            if time.monotonic() > until:
                seen = "is not seen to be gone" if alive is None else "runs, as 'alive' says,"
                raise MeansFailed(
                    f"'{self._node}' {seen} {self._control.deadline:g} s after the command '{what}' of "
                    f"[control.{self._node}] in {self._file.name}. The command must leave it down until "
                    f"'start', also where something watches over it and would start it again."
                )
            threading.Event().wait(_LOOK_EVERY)

    def _succeed(self, what: str) -> None:
        status, said = self._run(what)
        if status != 0:
            raise self._failed(what, status, said)

    def _run(self, what: str) -> tuple[int, str]:
        """Runs a command; its output goes to a file, since a server that it starts may keep it open."""
        command = self._control.commands.get(what)
        if command is None:
            raise MeansMissing(
                f"There are no means to {what} the node '{self._node}': {self._file} has no '{what}' under "
                f'[control.{self._node}]. Add the command, such as {what} = ["ssh", "{self._node}", ...]. What '
                f"depends on it stays UNPROVEN."
            )
        found = program(command[0])
        if found is None:
            raise MeansFailed(
                f"{self._file.name}: control.{self._node}.{what}: the program '{command[0]}' is not installed."
            )
        # What the command starts belongs to others and must outlive this run: it gets no mark of it.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("WAYBILL_")}
        self._folder.mkdir(parents=True, exist_ok=True)
        log = self._folder / f"{self._node}-{what}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [found, *command[1:]],
                cwd=self._file.resolve().parent,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            status = process.wait(self._control.deadline)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise self._failed(what, None, _tail(log)) from None
        return status, _tail(log)

    def _failed(self, what: str, status: int | None, said: str) -> MeansFailed:
        ended = f"still ran after {self._control.deadline:g} s" if status is None else f"ended with {status}"
        return MeansFailed(
            f"{self._file.name}: control.{self._node}.{what}: the command {ended}.\n"
            f"Command: {' '.join(self._control.commands[what])}\nIt printed last: {said or '(nothing)'}"
        )


def _tail(log: Path) -> str:
    return log.read_bytes()[-_SHOWN:].decode(errors="replace").strip()


def _listens(url: str) -> bool:
    """Whether an address may still have a listener: only a refused connection says that it has none."""
    parts = urlsplit(url)
    if parts.port is None:
        return True
    try:
        socket.create_connection((parts.hostname or "", parts.port), timeout=1.0).close()
    except ConnectionRefusedError:
        return False
    except OSError:
        return True
    return True
