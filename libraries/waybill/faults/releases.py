"""Upgrades and rollbacks: a node goes down and comes up as another release, on the same data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from waybill.devices.absences import wait_until_gone
from waybill.faults.upkeep import BACK, Upkeep, first_line

if TYPE_CHECKING:
    from waybill.devices.scenario import Scenario
    from waybill.faults.process import ProcessFaults

NOTICED: Final = 20.0
"""Seconds that clients have to notice that their node is gone."""


def change_release(
    scenario: Scenario,
    faults: ProcessFaults,
    upkeep: Upkeep,
    node: str,
    release: str,
    *,
    every_client: bool = False,
) -> None:
    """Lets a node be another release from now on. Clients of the node lose their connection.

    It is one fault, `upgrade` or `rollback`, which is observed when the node runs that release.

    Args:
        scenario: Whose clients notice.
        faults: Stops and starts the node.
        upkeep: The node.
        node: Its name.
        release: The release; `oldest` and `newest` name the first and the last.
        every_client: Let it serve every kind of client.

    Raises:
        ValueError: There is no such release; nothing was done.
        AssertionError: The data could not be migrated back.
    """
    releases = list(upkeep.releases)
    name = {"oldest": releases[0], "newest": releases[-1]}.get(release, release)
    before = upkeep.release
    if name not in releases:
        raise ValueError(f"{node} has no release '{name}'. Releases: {', '.join(releases)}.")
    back = releases.index(name) < releases.index(before)
    present = [device for device in scenario.devices if device.connected and device.node == node]
    recorder = faults.recorder()
    fault = recorder.fault_start("rollback" if back else "upgrade", node, before=before, after=name)
    faults.processes.stop(node)
    wait_until_gone(present, node, NOTICED)
    if back and upkeep.migrates:
        ended = upkeep.migrate(BACK)
        if ended.status != 0:
            raise AssertionError(
                f"Expected the data of {node} to be migrated back for release {name}; that ended with "
                f"{ended.status}: {first_line(ended.said)}"
            )
    upkeep.change_release(name, every_client=every_client)
    faults.processes.start(node)
    recorder.fault_observed(fault, f"{node} runs release {name}, after {before}")
    recorder.fault_end(fault)
