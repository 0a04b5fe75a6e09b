"""What users see of a server's data, to be compared before and after something was done to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from waybill.devices.together import together
from waybill.history.events import Operation

if TYPE_CHECKING:
    from waybill.devices.device import Device
    from waybill.devices.scenario import Scenario

Row = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class View:
    """What devices were shown.

    Attributes:
        rows: Every row by its name: an entry of a user's log by its place, a member's watermarks by conversation.
    """

    rows: dict[str, Row]

    def changes(self, later: View) -> list[str]:
        """What a later view shows otherwise, one sentence for each row."""
        found = []
        for name in sorted(self.rows.keys() | later.rows.keys()):
            before, after = self.rows.get(name), later.rows.get(name)
            if after is None:
                found.append(f"{name} is gone")
            elif before is None:
                found.append(f"{name} is new")
            elif before != after:
                found.append(f"{name} was {before} and is {after}")
        return found


def look(scenario: Scenario, devices: Sequence[Device]) -> View:
    """Reads the whole log of each of these devices' users, and all watermarks, all devices at once."""
    shown: dict[Device, dict[str, Row]] = {}

    def read(device: Device) -> None:
        shown[device] = _shown(scenario, device)

    together(devices, read)
    return View({name: row for device in devices for name, row in shown[device].items()})


def _shown(scenario: Scenario, device: Device) -> dict[str, Row]:
    """What one device is shown."""
    rows: dict[str, Row] = {}
    for entry in device.read_log():
        rows[f"place {entry.cursor} of the log of {device.user}"] = (
            entry.conversation, entry.sequence, entry.id, entry.sender, entry.key, entry.body, entry.time_ms,
        )  # fmt: skip
    if scenario.can(Operation.MARKERS):
        for conversation in scenario.conversations.values():
            if device.user in conversation.members:
                for one in device.markers(conversation):
                    rows[f"the watermarks of {one.user} in {one.conversation}"] = (one.delivered, one.read)
    return rows
