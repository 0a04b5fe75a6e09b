"""Members of a group who come and go at different nodes of a server."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from waybill.devices.nodes import node_after

if TYPE_CHECKING:
    from waybill.devices.conversation import Conversation
    from waybill.devices.scenario import Scenario


class NobodyThere(ValueError):
    """No member is where one is needed."""


def leave_and_remove(scenario: Scenario, group: Conversation) -> list[str]:
    """At each node the member there who joined last leaves, and the one who joined first removes the last member who is
    at another node. Returns who is no member any more; each change is confirmed before the next one is asked for.

    Raises:
        NobodyThere: There are not enough members at each node.
    """
    gone = []
    for node in scenario.target.nodes:
        here = _at(scenario, group, node)
        elsewhere = [person for person in group.members if person not in here]
        if len(here) < 2 or not elsewhere:
            raise NobodyThere(
                f"Expected two members of {group.name} at {node} and one at another node, found {len(here)} and "
                f"{len(elsewhere)}."
            )
        scenario.device(here[-1]).leave_group(group)
        scenario.device(here[0]).remove_member(group, elsewhere[-1])
        gone += [here[-1], elsewhere[-1]]
    return gone


def add_from_elsewhere(scenario: Scenario, group: Conversation, people: Iterable[str]) -> None:
    """Each of these people is added by the first member at the node after theirs; each change is confirmed before the
    next one is asked for.

    Raises:
        NobodyThere: No member is at that node, or it is the only one.
    """
    for person in people:
        own = scenario.device(person).node
        node = node_after(scenario.target.nodes, own)
        members = _at(scenario, group, node)
        if node == own or not members:
            raise NobodyThere(
                f"Expected a member of {group.name} at another node than {own}, where {person} is; found none."
            )
        scenario.device(members[0]).add_member(group, person)


def _at(scenario: Scenario, group: Conversation, node: str) -> list[str]:
    """The members whose first device is at a node, in the order of joining."""
    return [person for person in group.members if scenario.device(person).node == node]
