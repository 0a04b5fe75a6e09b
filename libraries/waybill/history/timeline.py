"""A picture of the moments around a finding: one lane for each device, as a static SVG."""

from __future__ import annotations

from pathlib import Path

from waybill.history.bands import BANDS
from waybill.history.drawing import draw
from waybill.history.model import History
from waybill.history.moments import MARKS, moments_of
from waybill.history.report import Anomaly, Report

LARGEST = 40_000
"""Bytes that a picture stays below: small enough to stand in a log that has one for each scenario."""


def timeline(history: History, found: Anomaly | Report) -> str:
    """The picture of the worst example of an anomaly, or of a report's worst anomaly.

    It shows the messages of the finding on all devices, from their send to their deliveries, with the sessions and
    faults at that time and the nearest other messages; what does not fit is counted. The finding's sentence is its
    title. It is one SVG element without script, style sheet or reference and stays below `LARGEST`; the same history
    gives the same bytes.

    Args:
        history: The history that was checked.
        found: What was found in it.

    Raises:
        ValueError: The report has no anomaly.
    """
    if isinstance(found, Report):
        if not found.anomalies:
            raise ValueError(
                f"expected a report with an anomaly, found the verdict {found.verdict!r} without any"
            )
        found = found.anomalies[0]
    marks, bands = MARKS, BANDS
    while True:
        picture = draw(moments_of(history, found, marks=marks, bands=bands))
        if len(picture.encode()) < LARGEST or marks <= 12:
            return picture
        marks, bands = marks * 2 // 3, max(bands * 9 // 10, 12)


def write_timeline(path_history: Path | str, report: Report, path_svg: Path | str) -> Path | None:
    """Draws the worst finding of a history file into a file.

    Args:
        path_history: The history.
        report: Its report.
        path_svg: The file to write.

    Returns:
        The file; None, and no file, if nothing was found.

    Raises:
        HistoryUnreadable: The file is no history.
    """
    if not report.anomalies:
        return None
    from waybill.history.reader import read

    target = Path(path_svg)
    target.write_text(timeline(read(path_history), report), encoding="utf-8")
    return target
