"""Keywords for who may do what: trying the role table."""

from __future__ import annotations

from robot.api import logger
from robot.api.deco import keyword, library
from robot.libraries.BuiltIn import BuiltIn

from waybill.authorization.administering import try_administration
from waybill.authorization.another_name import try_under_another_name
from waybill.authorization.checked import Trial
from waybill.authorization.contact import try_in_spite_of
from waybill.authorization.conversation import try_everything
from waybill.authorization.everywhere import try_everywhere
from waybill.authorization.false_roles import try_false_roles
from waybill.authorization.rules import office_of, rules_of
from waybill.devices.scenario import Scenario
from waybill.version import __version__
from WaybillLibrary import current, stage


@library(scope="GLOBAL", version=__version__, doc_format="MARKDOWN", auto_keywords=False)
class Authorization:
    """Who may do what: every cell of the role table (docs/authorization.md) tried on the target.

    A case that must be refused counts as refused only if the victim noticed nothing, which a later message, notice or
    receipt on the same way shows. A case that must be allowed counts as allowed only if it took effect. The figure
    `checks` counts the cases that the server decided, `not_tried` those that its protocol, or its target file, has no
    words for; the log names them with the reason.
    """

    def __init__(self) -> None:
        self._trial: tuple[Scenario, Trial] | None = None

    @keyword
    def try_conversation_operations(self, one: str, other: str, *, stranger: str) -> None:
        """Tries everything that can be done in a conversation: as a member, as a stranger, and with a role.

        The two people talk directly and in a group, from which a third one was removed before.

        Args:
            one: A member, who does first what members may.
            other: Another member.
            stranger: Somebody who is not in their conversations.

        Example:

        ```robotframework
        *** Test Cases ***
        Conversations are their members'
            Try Conversation Operations    alice    bob    stranger=mallory
            Role Table Should Hold
        ```
        """
        self._note(try_everything(stage.scenario(), one, other, stranger))

    @keyword
    def try_under_another_name(self, intruder: str, *, victim: str, other: str) -> None:
        """Tries what a victim may do, in sessions all of whose frames name the victim in one more member.

        Args:
            intruder: Who logs in, with the own credential.
            victim: Whom the frames name.
            other: Somebody with whom the victim talks.

        Example:

        ```robotframework
        *** Test Cases ***
        The sender is who logged in
            Try Under Another Name    mallory    victim=bob    other=alice
            Role Table Should Hold
        ```
        """
        self._note(try_under_another_name(stage.scenario(), intruder, victim, other))

    @keyword
    def try_in_spite_of_blocks_and_rules(self, person: str, *, victim: str, friend: str) -> None:
        """Tries what one person can do to another, and see of another, with and without blocks and rules.

        Args:
            person: Who tries, and is blocked.
            victim: Who blocks, and is to be left alone.
            friend: Somebody whom neither blocks.

        Example:

        ```robotframework
        *** Test Cases ***
        A block holds
            Try In Spite Of Blocks And Rules    mallory    victim=bob    friend=alice
            Role Table Should Hold
        ```
        """
        scenario = stage.scenario()
        self._note(try_in_spite_of(scenario, person, victim, friend, rules_of(scenario)))

    @keyword
    def try_at_every_node(self, person: str, *, victim: str) -> None:
        """Tries at every node of the target whether a block or a rule that was made at one of them holds.

        Both people have a device at each node. The victim blocks at each node in turn, and lifts the block at the next
        one. Each case is decided by its answer; `Check History` finds what was refused and came nevertheless.

        Args:
            person: Who tries, and is blocked.
            victim: Who blocks.

        Example:

        ```robotframework
        *** Settings ***
        Suite Setup    Start Target    reference    many_nodes=True

        *** Test Cases ***
        A block holds everywhere
            Try At Every Node    mallory    victim=bob
            Role Table Should Hold
        ```
        """
        scenario = stage.scenario()
        self._note(try_everywhere(scenario, person, victim, rules_of(scenario)))

    @keyword
    def try_administration(self, sender: str, recipient: str) -> None:
        """Tries every request of administration, made by everybody about everybody.

        Callers and those whom requests are about have accounts of their own, with the roles that the target file names.
        Where it names no administration nothing is tried, and the test's message says so.

        Args:
            sender: Somebody who writes to the recipient, to see whether a rule holds.
            recipient: Whom rules are about.

        Example:

        ```robotframework
        *** Test Cases ***
        Everybody administers what is theirs
            Try Administration    alice    bob
            Role Table Should Hold
        ```
        """
        scenario = stage.scenario()
        self._note(try_administration(scenario, office_of(scenario), sender, recipient))

    @keyword
    def try_administration_with_false_roles(self, sender: str, recipient: str) -> None:
        """Tries requests of administration with tokens that say more than the issuer did, or no longer hold.

        Args:
            sender: Somebody who writes to the recipient, to see whether a rule holds.
            recipient: Whom rules are about.

        Example:

        ```robotframework
        *** Test Cases ***
        A role that nobody gave is none
            Try Administration With False Roles    alice    bob
            Role Table Should Hold
        ```
        """
        scenario = stage.scenario()
        self._note(try_false_roles(scenario, office_of(scenario), sender, recipient))

    @keyword
    def role_table_should_hold(self) -> None:
        """Fails unless every case that was tried in this scenario ended as the role table says, without a trace.

        Example:

        ```robotframework
        *** Test Cases ***
        Conversations are their members'
            Try Conversation Operations    alice    bob    stranger=mallory
            Role Table Should Hold
        ```
        """
        if self._trial is None or self._trial[0] is not stage.scenario():
            raise AssertionError(
                "Nothing was tried, so nothing is shown; `Try Conversation Operations` comes first."
            )
        self._trial[1].require()

    def _note(self, trial: Trial) -> None:
        """Shows what was tried, in the figures and in the log."""
        self._trial = (stage.scenario(), trial)
        current.case.show(**trial.figures())
        _log("Tried", [f"{one.words}: {one.verdict}" for one in trial.checked])
        if trial.undecided:
            _log("Undecided", [one.words for one in trial.undecided])
        if trial.not_tried:
            _log("Not tried", [f"{name} ({reason})" for name, reason in trial.not_tried.items()])
            reason = next(iter(trial.not_tried.values()))
            every = len(trial.checked) + len(trial.not_tried)
            sentence = f"{len(trial.not_tried)} of {every} cases were not tried: {reason}."
            BuiltIn().set_test_message(sentence, append=True)


def _log(title: str, names: list[str]) -> None:
    shown = "".join(f"<li>{name}</li>" for name in names)
    logger.info(f"<details><summary>{title}: {len(names)}</summary><ul>{shown}</ul></details>", html=True)
