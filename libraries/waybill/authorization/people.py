"""Who tries what: people with a phone, and those with a role."""

from __future__ import annotations

from typing import TYPE_CHECKING

from waybill.authorization.acts import NotTried

if TYPE_CHECKING:
    from waybill.devices.device import Device
    from waybill.devices.scenario import Scenario

ROLES = ("moderator", "admin")


def online(scenario: Scenario, name: str, role: str = "") -> Device:
    """A person's phone, connected.

    Raises:
        NotTried: The target has no account with this role.
        LoginRefused: It could not log in.
    """
    if role and role not in scenario.target.roles:
        raise NotTried(f"the target {scenario.target.name} has no account with the role {role}")
    device = scenario.user(name, role=role).devices["phone"]
    if not device.connected:
        device.connect()
    return device
