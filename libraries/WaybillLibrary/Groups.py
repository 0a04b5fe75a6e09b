"""Keywords for groups whose members come and go."""

from __future__ import annotations

from datetime import timedelta

from robot.api import logger
from robot.api.deco import keyword, library

from waybill.devices.conversation import Conversation
from waybill.devices.regrouping import add_from_elsewhere, leave_and_remove
from waybill.devices.traffic import exchange
from waybill.version import __version__
from WaybillLibrary import stage
from WaybillLibrary.Messages import WAIT
from WaybillLibrary.words import CONVERTERS, Names


@library(
    scope="GLOBAL", version=__version__, doc_format="MARKDOWN", converters=CONVERTERS, auto_keywords=False
)
class Groups:
    """Groups whose members come and go.

    Keywords without a group's name act on the newest one. Every change of membership is confirmed by the server before
    the keyword returns, so that the history says who must, may and must not receive what follows.
    """

    @keyword
    def create_group(self, name: str) -> None:
        """The first person of the scenario makes a group with everybody who is in the scenario.

        Args:
            name: The group's name.

        Example:

        ```robotframework
        *** Test Cases ***
        A group
            Connect Crowd    5
            Create Group    crew
            Send To Group    senders=2    count=10
            Check History
        ```
        """
        scenario = stage.scenario()
        people = list(scenario.users)
        scenario.device(people[0]).create_group(name, people)
        logger.info(f"{people[0]} made {name} with {len(people)} members")

    @keyword
    def send_to_group(self, *, senders: int, count: int, deadline: timedelta = WAIT) -> None:
        """Members send messages to the group, interleaved as the seed decides.

        Args:
            senders: How many of the members send.
            count: Messages in all.
            deadline: How long it may take until all of them are acknowledged.

        Example:

        ```robotframework
        *** Test Cases ***
        A group
            Connect Crowd    5
            Create Group    crew
            Send To Group    senders=2    count=10
            Check History
        ```
        """
        scenario, group = stage.scenario(), _group()
        chosen = scenario.random.sample(group.members, min(senders, len(group.members)))
        exchange(scenario, [(scenario.device(person), group) for person in chosen], count)
        scenario.wait_until_acknowledged(deadline=deadline.total_seconds())

    @keyword
    def leave_group(self) -> None:
        """The last member leaves the group by their own choice.

        Example:

        ```robotframework
        *** Test Cases ***
        Somebody leaves
            Connect Crowd    5
            Create Group    crew
            Leave Group
            Send To Group    senders=2    count=10
            Check History
        ```
        """
        scenario, group = stage.scenario(), _group()
        person = group.members[-1]
        scenario.device(person).leave_group(group)
        logger.info(f"{person} left {group.name}")

    @keyword
    def remove_member(self) -> None:
        """The group's first member removes its last one.

        Example:

        ```robotframework
        *** Test Cases ***
        Somebody is removed
            Connect Crowd    5
            Create Group    crew
            Remove Member
            Send To Group    senders=2    count=10
            Check History
        ```
        """
        scenario, group = stage.scenario(), _group()
        owner, person = group.members[0], group.members[-1]
        scenario.device(owner).remove_member(group, person)
        logger.info(f"{owner} removed {person} from {group.name}")

    @keyword
    def leave_and_remove_at_every_node(self) -> None:
        """At each node of the target one member leaves the group, and another one removes a member who is elsewhere.

        Example:

        ```robotframework
        *** Settings ***
        Suite Setup    Start Target    reference    many_nodes=True

        *** Test Cases ***
        Members go at every node
            Connect Crowd    12
            Create Group    crew
            Leave And Remove At Every Node
            Send To Group    senders=2    count=10
            Check History
        ```
        """
        group = _group()
        gone = leave_and_remove(stage.scenario(), group)
        logger.info(f"{Names(gone)} are no members of {group.name} any more")

    @keyword
    def add_members_from_elsewhere(self, people: Names) -> None:
        """Each of the people is added by a member who is at another node than they are.

        Args:
            people: Who joins.

        Example:

        ```robotframework
        *** Settings ***
        Suite Setup    Start Target    reference    many_nodes=True

        *** Test Cases ***
        Somebody at another node joins
            Connect Crowd    12
            Create Group    crew
            Connect People    erin and frank
            Add Members From Elsewhere    erin and frank
            Send To Group    senders=2    count=10
            Check History
        ```
        """
        add_from_elsewhere(stage.scenario(), _group(), people)

    @keyword
    def add_member(self, person: str) -> None:
        """The group's first member adds a person.

        Args:
            person: Who joins.

        Example:

        ```robotframework
        *** Test Cases ***
        Somebody joins
            Connect Crowd    5
            Create Group    crew
            Connect People    erin
            Add Member    erin
            Send To Group    senders=2    count=10
            Check History
        ```
        """
        scenario, group = stage.scenario(), _group()
        scenario.device(group.members[0]).add_member(group, person)


def _group() -> Conversation:
    groups = [conversation for conversation in stage.scenario().conversations.values() if conversation.group]
    if not groups:
        raise RuntimeError("There is no group in this scenario; use `Create Group` first.")
    return groups[-1]
