"""Who makes rules at a target: its administration, where the target file tells how to reach one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from waybill.authorization.acts import NotTried
from waybill.authorization.contact import Rules

if TYPE_CHECKING:
    from waybill.devices.scenario import Scenario


class NoRules:
    """A target where nobody makes rules.

    Args:
        target: Its name.
    """

    def __init__(self, target: str) -> None:
        self._target = target

    def forbid(self, sender: str, recipient: str) -> None:
        """Cannot be done."""
        raise NotTried(f"the target {self._target} has no administration that makes rules")

    allow = forbid


def rules_of(scenario: Scenario) -> Rules:
    """Who makes rules at the scenario's target."""
    return NoRules(scenario.target.name)
