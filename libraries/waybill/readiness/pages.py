"""Writing the pages of a folder: `readiness.json`, `readiness.md` and `readiness.html`."""

from __future__ import annotations

from pathlib import Path

from waybill.readiness import markdown, page
from waybill.readiness.assemble import assemble, combine
from waybill.readiness.cases import write_json
from waybill.readiness.combined import read_combined, way
from waybill.readiness.model import Readiness

JSON, MARKDOWN, HTML = "readiness.json", "readiness.md", "readiness.html"


def write_pages(folder: Path) -> Readiness:
    """Judges a run, or several, and writes the pages; the same files give the same pages, whenever they are
    built.

    Args:
        folder: A run folder, or one whose `runs.json` names the folders of several runs.

    Raises:
        NotARunFolder: It holds nothing of a run, or a folder that it names does not.
        ValueError: Its run record or its list of runs cannot be read.
    """
    folders = read_combined(folder) or [folder]
    runs = []
    for one in folders:
        run = assemble(one)
        run.folder = way(folder, one)
        runs.append(run)
    readiness = combine(runs)
    write_json(folder / JSON, readiness)
    (folder / MARKDOWN).write_text(markdown.draw(readiness), encoding="utf-8")
    (folder / HTML).write_text(page.draw(readiness, folders), encoding="utf-8")
    return readiness
