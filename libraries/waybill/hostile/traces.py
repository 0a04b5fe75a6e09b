"""What hostile input left behind: a line in a log, a file, something of a refused input in the data."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from waybill.hostile.phrases import marker
from waybill.hostile.reaction import Reaction

MARKER: Final = re.compile(rb"zq\d{5}[0-9a-f]{4}")
_LINE_STARTS: Final = (b"", b'{"event": "', b"Set-Cookie: ")
"""What may stand before the marker in a line that hostile text begins; nothing but that text has it there."""
_RAW: Final = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]")
"""Control characters as they are, in UTF-8; a tab moves nothing."""
_FAULTS: Final = re.compile(
    rb'"event": "fault"|Traceback \(most recent call last\)|Segmentation fault|panic: |CRASH REPORT|\[critical\]'
    rb"|crasher:|terminated with reason: (?!shutdown|normal)|State machine .* terminating"
)
"""What servers write when something went wrong that they did not foresee."""
_ABOVE: Final = 3
"""How many folders above the target's own are looked into: as far as text with `../../../` leads."""


class Traced(Protocol):
    """What must be known of a target."""

    folder: Path

    @property
    def launched(self) -> bool:
        """Whether the kit launched it, so that its logs and data are at hand."""

    def logs(self) -> list[Path]:
        """Its log files."""

    def private(self) -> list[Path]:
        """Folders that nobody but a server itself looks into."""


@dataclass(frozen=True, slots=True)
class Trace:
    """Something that should not be there.

    Attributes:
        kind: `log`, `file`, `store` or `fault`.
        where: The file.
        text: What is there.
        marker: The marker of the input; empty where none is named.
    """

    kind: str
    where: Path
    text: str
    marker: str = ""

    def in_words(self) -> str:
        """For people."""
        return f"{self.where.name}: {self.text}"


class Traces:
    """Looks for traces of what was said since it was made.

    Args:
        target: Whose logs and folder.
    """

    def __init__(self, target: Traced) -> None:
        self._target = target
        self._sizes: dict[Path, int] = {log: log.stat().st_size for log in target.logs()}

    def find(self, reactions: Sequence[Reaction], seed: int) -> list[Trace]:
        """Everything that should not be there.

        Args:
            reactions: What was said, and what became of it.
            seed: That of the markers.
        """
        rejected = {one.input.marker for one in reactions if one.rejected and one.input.marker}
        return [*self.in_logs(), *self._files(marker(0, seed)[-4:]), *self._stored(rejected)]

    def in_logs(self) -> list[Trace]:
        """Lines of logs that hostile text began, that have control characters of it, or that tell of a fault."""
        found = []
        for log in self._target.logs():
            with log.open("rb") as file:
                file.seek(self._sizes.get(log, 0))
                new = file.read()
            for line in new.split(b"\n"):
                found += [Trace(kind, log, _around(line, mark), mark) for kind, mark in judged(line)]
        return found

    def _files(self, ending: str) -> list[Trace]:
        """Files and folders that are named by hostile text."""
        folder = self._target.folder
        beside = [*list(folder.parents)[:_ABOVE], Path(tempfile.gettempdir()), Path.home(), Path.cwd()]
        names = [Path(top) / name for top, below, files in os.walk(folder) for name in (*below, *files)]
        names += [path for place in dict.fromkeys(beside) for path in _listed(place)]
        return [
            Trace("file", path.parent, f"'{path.name}' was made there", mark[0].decode())
            for path in dict.fromkeys(names)
            if (mark := MARKER.findall(os.fsencode(path.name))) and mark[0].decode().endswith(ending)
        ]

    def _stored(self, rejected: set[str]) -> list[Trace]:
        """Whatever of a refused input is in the target's data. Where keys are kept nothing is read."""
        found = []
        logs, private = set(self._target.logs()), set(self._target.private())
        for top, below, files in os.walk(self._target.folder):
            below[:] = [name for name in below if Path(top) / name not in private]
            for name in files:
                path = Path(top) / name
                if path in logs or path.is_symlink() or not path.is_file():
                    continue
                kept = {mark.decode() for mark in MARKER.findall(path.read_bytes())} & rejected
                found += [
                    Trace("store", path, f"holds {mark}, which was refused", mark) for mark in sorted(kept)
                ]
        return found


def judged(line: bytes) -> list[tuple[str, str]]:
    """What is wrong with a line of a log: `log` or `fault`, each with the marker of the input if the line has one."""
    found = []
    marks = MARKER.findall(line)
    if marks:
        mark = marks[0]
        before = line.lstrip()[: line.lstrip().index(mark)]
        if before in _LINE_STARTS or _RAW.search(line):
            found.append(("log", mark.decode()))
    if _FAULTS.search(line):
        found.append(("fault", marks[0].decode() if marks else ""))
    return found


def _around(line: bytes, mark: str) -> str:
    """The part of a line where the marker is."""
    start = max(0, line.find(mark.encode()) - 60) if mark else 0
    return repr(line[start : start + 160])[1:]


def _listed(place: Path) -> list[Path]:
    try:
        return list(place.iterdir())
    except OSError:
        return []
