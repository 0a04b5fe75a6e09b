"""Promises that are written for people."""

from __future__ import annotations

import re

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "": 1.0}


def seconds(promise: object) -> float | None:
    """A span of time such as `"3s"`, `"250 ms"` or `3`, in seconds; None where nothing is promised.

    Raises:
        ValueError: It is no span of time.
    """
    if promise is None or promise == "":
        return None
    if isinstance(promise, (int, float)) and not isinstance(promise, bool):
        return float(promise)
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*", str(promise))
    if match is None or match[2] not in _UNITS:
        raise ValueError(f"expected a span of time such as '3s' or '250ms', found {promise!r}")
    return float(match[1]) * _UNITS[match[2]]
