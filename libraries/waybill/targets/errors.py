"""What can go wrong with a target, as the user is told."""

from __future__ import annotations


class TargetError(Exception):
    """Something about a target is wrong; the message says what, where and what to do next."""


class TargetFileError(TargetError):
    """A target file is refused.

    Attributes:
        file: The file's name.
        line: The line to look at, counted from 1; 0 where none is known.
        key: The key, with its table: `launch.process[1].ready`; empty for an error of the whole file.
    """

    def __init__(self, file: str, line: int, key: str, problem: str) -> None:
        where = f"{file}, line {line}" if line else file
        super().__init__(f"{where}: {key}: {problem}" if key else f"{where}: {problem}")
        self.file = file
        self.line = line
        self.key = key


class LaunchError(TargetError):
    """A process of the target did not start, or did not become ready; the message ends with what it logged
    last."""


class MeansMissing(TargetError):
    """The target's file gives no means to do this, so what depends on it stays unproven."""


class NodesMissing(MeansMissing):
    """The server has one node, so what is about several cannot be tried on it."""


class MeansFailed(TargetError):
    """A command that the target's file gives for this failed, which says nothing about the server."""


class PoolExhausted(TargetError):
    """Every account of the target was handed out."""
