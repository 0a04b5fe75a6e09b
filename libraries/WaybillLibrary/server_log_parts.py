"""The parts of the server's logs that belong to a scenario: kept as its files, told in Robot's log and to the gate."""

from __future__ import annotations

import html
import os
from pathlib import Path

from robot.api import logger

from waybill.targets.server_logs import Kept, ServerLogs
from WaybillLibrary import current
from WaybillLibrary.places import run_folder


def keep(logs: ServerLogs, folder: Path) -> None:
    """Keeps what was written during the scenario, links it, and says which errors nobody expected.

    Args:
        logs: The logs since the scenario began.
        folder: Where the parts go.
    """
    kept = logs.keep(folder)
    case = current.case
    case.logs, case.log_errors, case.log_lines = list(kept.files), kept.errors, list(kept.first)
    if kept.errors and logs.rules is not None and logs.rules.fail:
        case.log_failure = f"{_found(kept)}:\n" + "\n".join(kept.first)
    if kept.files:
        links = " - ".join(_link(file) for file in kept.files)
        logger.info(f"Server logs of this scenario: {links}", html=True)
    if kept.errors:
        lines = "".join(f"<li><code>{html.escape(line)}</code></li>" for line in kept.first)
        logger.warn(f"{_found(kept)}<ul>{lines}</ul>", html=True)


def _found(kept: Kept) -> str:
    return f"The server's logs have {kept.errors} unexpected error line{'s' * (kept.errors != 1)}"


def _link(file: Path) -> str:
    way = os.path.relpath(file.resolve(), run_folder())
    return f'<a href="{html.escape(way)}">{html.escape(file.name.removesuffix(".txt"))}</a>'
