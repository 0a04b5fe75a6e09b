"""What a run found in the logs of its servers, in a sentence and in its first lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from waybill.readiness.model import RunResult, ScenarioResult

FIRST = 8
"""The most lines that a page shows."""


@dataclass(frozen=True, slots=True)
class LogSummary:
    """The server logs of a run.

    Attributes:
        sentence: What was found; empty for a run that kept no logs, as of a server that runs elsewhere.
        lines: The first unexpected lines, each with its scenario.
        errors: How many there are.
    """

    sentence: str
    lines: tuple[tuple[ScenarioResult, str], ...] = ()
    errors: int = 0


def summary(run: RunResult) -> LogSummary:
    """What to say of the server logs of a run: never nothing where there are some."""
    kept = [one for one in run.scenarios if one.logs or one.log_errors is not None]
    if not kept:
        return LogSummary("")
    judged = [one for one in kept if one.log_errors is not None]
    if not judged:
        return LogSummary(
            f"not judged: the target file has no [launch.log]; the logs of {_scenarios(kept)} are kept"
        )
    found = [one for one in judged if one.log_errors]
    errors = sum(one.log_errors or 0 for one in found)
    if not errors:
        return LogSummary(f"no unexpected error line in {_scenarios(judged)}")
    lines = tuple((one, line) for one in found for line in one.log_lines)[:FIRST]
    plural = "s" * (errors != 1)
    return LogSummary(f"{errors:,} unexpected error line{plural} in {_scenarios(found)}", lines, errors)


def _scenarios(some: Sequence[ScenarioResult]) -> str:
    return f"{len(some)} scenario{'s' * (len(some) != 1)}"
