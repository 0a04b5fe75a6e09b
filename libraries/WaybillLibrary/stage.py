"""What the keyword classes share: the target of the suite file and the scenario that runs.

One Robot process runs one scenario at a time, so both live in this module; keyword classes reach them through it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from waybill.devices.scenario import Scenario
    from waybill.faults.links import LinkFaults
    from waybill.faults.partitions import Partitions
    from waybill.faults.process import ProcessFaults
    from waybill.targets import RunningTarget


class Faults(NamedTuple):
    """What disturbs the server in a scenario."""

    processes: ProcessFaults
    links: LinkFaults
    partitions: Partitions


_target: RunningTarget | None = None
_scenario: Scenario | None = None
_faults: Faults | None = None
_at_end: list[Callable[[], None]] = []


def set_target(target: RunningTarget | None) -> None:
    """Puts a target on the stage, or takes it away."""
    global _target  # noqa: PLW0603 - one target per Robot process, on purpose
    _target = target


def target() -> RunningTarget:
    """The target of the suite file.

    Raises:
        RuntimeError: None was started.
    """
    if _target is None:
        raise RuntimeError(
            "No target is running. Begin the suite with `Suite Setup    A fresh target` (or `Start Target`)."
        )
    return _target


def has_target() -> bool:
    """Whether a target is running."""
    return _target is not None


def node(name: str | None) -> str:
    """The node with this name; without one the target's first."""
    return name or target().nodes[0]


def gone(nodes: Sequence[str] | None = None) -> list[str]:
    """Which of these nodes (all by default) do not run; one of which nobody can tell does not count as gone."""
    running = target()
    return [node for node in (running.nodes if nodes is None else nodes) if running.alive(node) is False]


def require_running(nodes: Sequence[str] | None = None, *, ended: Sequence[str] | None = None) -> None:
    """Fails if some of these nodes (all by default) do not run, or if some had `ended` when that was looked up.

    Raises:
        AssertionError: Naming them and the folder of their logs.
        MeansMissing: They are to be looked up, and nobody can tell whether they run.
    """
    if ended is None:
        asked = target().nodes if nodes is None else nodes
        runs = {node: target().alive(node) for node in asked}
        unknown = [node for node, alive in runs.items() if alive is None]
        if unknown:
            from waybill.targets import MeansMissing

            raise MeansMissing(
                f"Nobody can tell whether {', '.join(unknown)} runs: {target().file.path} has no 'alive' under "
                f"[control.{unknown[0]}]. Add the command; until then what depends on it stays UNPROVEN."
            )
        ended = [node for node, alive in runs.items() if not alive]
    if ended:
        raise AssertionError(
            f"Expected every node to run; {', '.join(ended)} ended by itself. Its log is in {target().folder}."
        )


def set_scenario(scenario: Scenario | None, faults: Faults | None = None) -> None:
    """Puts a scenario on the stage with what disturbs its server, or takes both away."""
    global _scenario, _faults
    _scenario, _faults = scenario, faults


def scenario() -> Scenario:
    """The running scenario.

    Raises:
        RuntimeError: None was begun.
    """
    if _scenario is None:
        raise RuntimeError(
            "No scenario was begun. Use `Test Setup    A scenario begins` (or `Begin Scenario`)."
        )
    return _scenario


def at_end(action: Callable[[], None]) -> None:
    """Does something when the running scenario ends, whatever came of it: what it disturbed is left to nobody else."""
    _at_end.append(action)


def undo() -> None:
    """Does what was left for the end of the scenario, the latest first."""
    while _at_end:
        _at_end.pop()()


def has_scenario() -> bool:
    """Whether a scenario is running."""
    return _scenario is not None


def faults() -> ProcessFaults:
    """The faults of processes of the running scenario.

    Raises:
        RuntimeError: No scenario was begun.
    """
    return _of_scenario().processes


def link_faults() -> LinkFaults:
    """The faults of links of the running scenario.

    Raises:
        RuntimeError: No scenario was begun.
    """
    return _of_scenario().links


def partitions() -> Partitions:
    """The partitions of the running scenario.

    Raises:
        RuntimeError: No scenario was begun.
    """
    return _of_scenario().partitions


def _of_scenario() -> Faults:
    scenario()
    assert _faults is not None
    return _faults
