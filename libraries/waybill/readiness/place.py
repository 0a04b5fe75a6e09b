"""Where the files and the rows of one run are, seen from the page that shows it."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path
from urllib.parse import quote


@dataclass(frozen=True)
class Place:
    """One run on a page.

    Attributes:
        folder: The run folder, to read its pictures from.
        way: What comes before a file of the run in a link; None if no link leads there from the page.
        prefix: What comes before the id of a row, so that several runs fit on one page.
    """

    folder: Path
    way: str | None = ""
    prefix: str = ""

    @classmethod
    def among_others(cls, folder: Path, way: str | None, prefix: str) -> Place:
        """The place of a run beside others.

        Args:
            folder: The run folder.
            way: The relative way from the page to it; None if there is none.
            prefix: The run's own word on the page.
        """
        return cls(folder, None if way is None else f"{quote(way)}/", f"{prefix}-")

    def link(self, file: str) -> str:
        """The link to a file of the run, perhaps with an anchor; empty if there is none or it is not there."""
        if self.way is None or not file or not (self.folder / file.partition("#")[0]).is_file():
            return ""
        return escape(f"{self.way}{file}")

    def anchor(self, id_: str) -> str:
        """The id of an element that belongs to this run."""
        return escape(f"{self.prefix}{id_}")
