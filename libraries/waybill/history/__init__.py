"""The history of one scenario: recorded as it happens, checked at its end.

Recording imports no numpy; checking does, at the first use of `check`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .events import Completion, CredentialKind, End, Mode, Operation, Transport
from .header import Header
from .recorder import Recorder, RecordingError

if TYPE_CHECKING:
    from .checker import check
    from .reader import HistoryUnreadable, read
    from .report import Anomaly, Example, Report

__all__ = [
    "Anomaly",
    "Completion",
    "CredentialKind",
    "End",
    "Example",
    "Header",
    "HistoryUnreadable",
    "Mode",
    "Operation",
    "Recorder",
    "RecordingError",
    "Report",
    "Transport",
    "check",
    "read",
]

_LATE = {
    "Anomaly": "report",
    "Example": "report",
    "HistoryUnreadable": "reader",
    "Report": "report",
    "check": "checker",
    "read": "reader",
}


def __getattr__(name: str) -> Any:
    module = _LATE.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f".{module}", __name__), name)
