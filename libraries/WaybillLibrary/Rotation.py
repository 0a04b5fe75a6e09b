"""Keywords for rotations of the signing key in the middle of traffic."""

from __future__ import annotations

from datetime import timedelta

from robot.api import logger
from robot.api.deco import keyword, library

from waybill.devices import crowd
from waybill.devices.bystanders import losses
from waybill.devices.rotating import Rotations
from waybill.version import __version__
from WaybillLibrary import current, stage
from WaybillLibrary.Administration import office

PATIENCE = timedelta(seconds=20)


@library(scope="GLOBAL", version=__version__, doc_format="MARKDOWN", auto_keywords=False)
class Rotation:
    """Rotates the key that tokens are signed with while people write, and looks what becomes of tokens and sessions.

    `Begin Rotations` comes first. Where the target file does not tell how to rotate, the scenario ends without a
    verdict on the server.
    """

    def __init__(self) -> None:
        self._made: tuple[object, Rotations] | None = None

    @keyword
    def begin_rotations(self, people: int, *, deadline: timedelta = PATIENCE) -> None:
        """Logs people in on a phone each, and lets all of them write.

        Args:
            people: How many.
            deadline: How long it may take until each of them got a message through.

        Example:

        ```robotframework
        *** Test Cases ***
        A new key is nothing to anybody
            Begin Rotations    4
            Rotate And Log In    times=1
            Valid Tokens Should Have Been Accepted
            Rotations Should Have Gone Unnoticed
        ```
        """
        scenario, administrator = stage.scenario(), office()
        names = [f"member-{number:0{len(str(people))}d}" for number in range(1, people + 1)]
        crowd.arrive(scenario.user(name).devices["phone"] for name in names)
        made = Rotations(scenario, administrator, names)
        self._made = scenario, made
        made.begin_traffic(deadline=deadline.total_seconds())

    @keyword
    def rotate_and_log_in(self, *, times: int) -> None:
        """Rotates so many times; after each, at once, guests log in with tokens of the new key and of the one before.

        Tokens of the key before must be good as long as the target promises (`rotation_grace`). The figure `rotations`
        counts confirmed rotations, `valid_refused` the tokens in order that opened no session.

        Args:
            times: How many rotations, one right after the other.

        Example:

        ```robotframework
        *** Test Cases ***
        Tokens of both keys are good for a while
            Begin Rotations    4
            Rotate And Log In    times=2
            Valid Tokens Should Have Been Accepted
        ```
        """
        made = self._of_scenario()
        try:
            for _ in range(times):
                made.rotate()
        finally:
            current.case.show(rotations=made.done, valid_refused=len(made.refused))
        logger.info(f"{made.done} rotations, {len(made.retired)} tokens of retired keys")

    @keyword
    def valid_tokens_should_have_been_accepted(self) -> None:
        """Fails if a token that was in order opened no session.

        Example:

        ```robotframework
        *** Test Cases ***
        Tokens of both keys are good for a while
            Begin Rotations    4
            Rotate And Log In    times=1
            Valid Tokens Should Have Been Accepted
        ```
        """
        made = self._of_scenario()
        current.case.show(valid_refused=len(made.refused))
        made.require_none_refused()

    @keyword
    def wait_until_keys_are_retired(self, *, deadline: timedelta = PATIENCE) -> None:
        """Waits until no retired key can count any more: it is published no longer, and nobody may keep an older answer.

        Args:
            deadline: How long the issuer may take, beside the promised grace.

        Example:

        ```robotframework
        *** Test Cases ***
        An old key is worth nothing
            Begin Rotations    4
            Rotate And Log In    times=1
            Wait Until Keys Are Retired
            Show Retired Tokens
            Attempts Should Have Failed
        ```
        """
        kept = self._of_scenario().wait_until_retired(deadline=deadline.total_seconds())
        logger.info(f"the retired keys are gone, and whoever keeps keys for {kept:g} s has forgotten them")

    @keyword
    def show_retired_tokens(self) -> None:
        """Shows all tokens of retired keys to every node; then everybody gets a new token for the next login.

        `Attempts Should Have Failed` says whether they were refused, `Refusals Should Be Alike` whether that was done
        as with anything that is not genuine. The figure `retired_accepted` counts those that opened a session.

        Example:

        ```robotframework
        *** Test Cases ***
        An old key is worth nothing
            Begin Rotations    4
            Rotate And Log In    times=1
            Wait Until Keys Are Retired
            Show Retired Tokens
            Attempts Should Have Failed
            Refusals Should Be Alike
        ```
        """
        made = self._of_scenario()
        shown = made.show_retired()
        current.case.show(retired_accepted=sum(one.got_in for one in shown))
        made.renew_everybody()
        current.case.show(valid_refused=len(made.refused))
        logger.info(f"{len(shown)} tokens of retired keys were shown")

    @keyword
    def rotations_should_have_gone_unnoticed(self, *, deadline: timedelta = PATIENCE) -> None:
        """Fails if anybody who was online all the time lost the connection, a send or a message; ends the traffic.

        Args:
            deadline: How long the last messages may take.

        Example:

        ```robotframework
        *** Test Cases ***
        A new key is nothing to anybody
            Begin Rotations    4
            Rotate And Log In    times=1
            Rotations Should Have Gone Unnoticed
            Check History
        ```
        """
        made = self._of_scenario()
        try:
            made.require_crowd_untouched(deadline=deadline.total_seconds())
        finally:
            current.case.show(bystander_loss=losses(made.crowd))
        logger.info(f"{len(made.crowd)} sessions noticed nothing")

    def _of_scenario(self) -> Rotations:
        if self._made is None or self._made[0] is not stage.scenario():
            raise RuntimeError(
                "Nobody is online for rotations in this scenario; `Begin Rotations` comes first."
            )
        return self._made[1]
