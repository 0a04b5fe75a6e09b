"""The return of a node that ended, and of its clients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from waybill.devices.absences import come_back_and_retry, wait_until_gone

if TYPE_CHECKING:
    from waybill.devices.device import Device
    from waybill.devices.scenario import Scenario
    from waybill.faults.process import ProcessFaults


def recover(
    scenario: Scenario, faults: ProcessFaults, node: str, present: Sequence[Device], seconds: float
) -> None:
    """Starts a node again when everybody has noticed its end; they come back and retry what is unknown.

    Args:
        scenario: Whose traffic it is.
        faults: Starts the node.
        node: The node, which has ended.
        present: Who was there.
        seconds: How long each of it may take.

    Raises:
        DeadlinePassed: Somebody has not noticed, or a send has no outcome.
        NotAcknowledged: A retry was refused, or its outcome is unknown.
    """
    wait_until_gone(present, node, seconds)
    scenario.wait_until_answered(deadline=seconds)
    faults.start(node)
    scenario.wait_until_acknowledged(come_back_and_retry(present), deadline=seconds)
