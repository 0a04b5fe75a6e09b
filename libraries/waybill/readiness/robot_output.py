"""What Robot itself wrote about each scenario, from `output.xml`, without importing Robot."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RobotResult:
    """Robot's own result of a scenario.

    Attributes:
        anchor: Its id, which is also its place in `log.html`.
        status: `PASS`, `FAIL` or `SKIP`.
        message: Its message.
    """

    anchor: str
    status: str
    message: str


def read_output(path: Path) -> dict[tuple[str, str], RobotResult] | None:
    """Reads the results by suite and scenario, in one pass over the file however large it is.

    Returns:
        None if there is no readable result, as after a crash.
    """
    results: dict[tuple[str, str], RobotResult] = {}
    suites: list[str] = []
    open_elements: list[ET.Element] = []
    try:
        for event, element in ET.iterparse(path, events=("start", "end")):
            if event == "start":
                open_elements.append(element)
                if element.tag == "suite":
                    suites.append(element.get("name", ""))
                continue
            open_elements.pop()
            if element.tag == "suite":
                suites.pop()
            elif element.tag == "test":
                results[".".join(suites), element.get("name", "")] = _result(element)
            if open_elements and element.tag in {"kw", "for", "while", "if", "try", "group", "test", "suite"}:
                open_elements[-1].remove(element)
    except (OSError, ET.ParseError):
        return None
    return results


def _result(test: ET.Element) -> RobotResult:
    status = test.find("status")
    if status is None:
        return RobotResult(test.get("id", ""), "", "")
    return RobotResult(test.get("id", ""), status.get("status", ""), (status.text or "").strip())
