"""Skips tests of what this machine does not let be done, and says what is missing."""

from __future__ import annotations

from robot.api import SkipExecution
from robot.api.deco import keyword

from waybill.faults.means import probe


@keyword
def skip_unless_possible(name: str) -> None:
    """Skips the test, or all tests of the suite, if a means that `waybill faults` lists is not to be had."""
    missing = {means.name: means.missing for means in probe()}[name]
    if missing:
        raise SkipExecution(f"{name}: {missing}")
