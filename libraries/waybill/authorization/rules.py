"""Who makes rules at a target: its administration, where the target file tells how to reach one."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from waybill.authorization.acts import NotTried
from waybill.authorization.contact import ANYBODY, Rules
from waybill.authorization.office import Office
from waybill.authorization.people import online
from waybill.history.events import Completion

if TYPE_CHECKING:
    from waybill.devices.scenario import Scenario

EVERYBODY = "*"
"""How requests say that a rule is about every sender."""


class NoOffice:
    """The administration of a target that has none."""

    operations: frozenset[str] = frozenset()

    def ask(self, operation: str, token: str, values: object) -> object:
        """Nobody can be asked."""
        raise NotTried("the target has no administration")


def office_of(scenario: Scenario) -> Office:
    """Where requests of administration go."""
    return cast("Office", scenario.target.administration or NoOffice())


class RulesOfAdmin:
    """Rules, as an administrator makes them.

    Args:
        scenario: The scenario.
        office: Where requests go.
    """

    def __init__(self, scenario: Scenario, office: Office) -> None:
        self._scenario = scenario
        self._office = office

    def forbid(self, sender: str, recipient: str) -> None:
        """Forbids messages from a person, or from anybody, to another."""
        self._rule("forbid", sender, recipient)

    def allow(self, sender: str, recipient: str) -> None:
        """Takes that rule away."""
        self._rule("allow", sender, recipient)

    def _rule(self, operation: str, sender: str, recipient: str) -> None:
        target = self._scenario.target
        if not {"forbid", "allow"} <= set(self._office.operations):
            raise NotTried(f"the target {target.name} has no administration that makes rules")
        admin = online(self._scenario, "admin", "admin")
        values = {
            "sender": EVERYBODY if sender == ANYBODY else self._scenario.names.account(sender),
            "recipient": self._scenario.names.account(recipient),
        }
        outcome = self._office.ask(
            operation, target.credential(admin.account, "desk", bound=False).token, values
        )
        if outcome.completion is not Completion.OK:
            raise NotTried(f"an administrator's request to {operation} messages was refused ({outcome.code})")


def rules_of(scenario: Scenario) -> Rules:
    """Who makes rules at the scenario's target."""
    return RulesOfAdmin(scenario, office_of(scenario))
