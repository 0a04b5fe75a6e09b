"""Writing the pages of a run folder: `readiness.json`, `readiness.md` and `readiness.html`."""

from __future__ import annotations

from pathlib import Path

from waybill.readiness import markdown, page
from waybill.readiness.assemble import assemble, combine
from waybill.readiness.cases import write_json
from waybill.readiness.model import Readiness

JSON, MARKDOWN, HTML = "readiness.json", "readiness.md", "readiness.html"


def write_pages(folder: Path) -> Readiness:
    """Judges a run folder and writes its pages; the same files give the same pages, whenever they are built.

    Args:
        folder: The run folder.

    Raises:
        NotARunFolder: It holds nothing of a run.
    """
    readiness = combine([assemble(folder)])
    write_json(folder / JSON, readiness)
    (folder / MARKDOWN).write_text(markdown.draw(readiness), encoding="utf-8")
    (folder / HTML).write_text(page.draw(readiness, folder), encoding="utf-8")
    return readiness
