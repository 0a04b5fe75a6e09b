"""Keywords for revocations in the middle of traffic."""

from __future__ import annotations

from datetime import timedelta

from robot.api import logger
from robot.api.deco import keyword, library

from waybill.devices import crowd
from waybill.devices.revoking import RATE, Revocations
from waybill.version import __version__
from WaybillLibrary import current, stage
from WaybillLibrary.Administration import office
from WaybillLibrary.words import CONVERTERS, Names

PATIENCE = timedelta(seconds=20)


@library(
    scope="GLOBAL", version=__version__, doc_format="MARKDOWN", converters=CONVERTERS, auto_keywords=False
)
class Revocation:
    """Revokes tokens, devices and people out of a crowd that writes, and looks what becomes of everybody.

    `Begin Revocations` comes first. Where the target file does not tell how to revoke, the scenario ends without a
    verdict on the server.
    """

    def __init__(self) -> None:
        self._made: tuple[object, Revocations] | None = None

    @keyword
    def begin_revocations(
        self,
        people: int,
        devices: Names,
        *,
        revocations: int,
        rate: float = RATE,
        deadline: timedelta = PATIENCE,
    ) -> None:
        """Logs a crowd in, chooses whom revocations will concern, and lets these and some others write.

        Of five revocations one is of a person with all devices, two are of one device and two of one token. The figure
        `sessions` counts the sessions of the crowd.

        Args:
            people: How many people.
            devices: The devices of each.
            revocations: How many revocations there will be, each of another person.
            rate: How many messages each writer sends in a second.
            deadline: How long it may take until each writer got a message through.

        Example:

        ```robotframework
        *** Test Cases ***
        Whoever is revoked is out
            Begin Revocations    6    phone and laptop    revocations=5
            Revoke In Turn
            Nobody Else Should Have Noticed
            Renew The Revoked
            Check History
        ```
        """
        scenario, administrator = stage.scenario(), office()
        names = [f"member-{number:0{len(str(people))}d}" for number in range(1, people + 1)]
        crowd.arrive(device for name in names for device in scenario.user(name, devices).devices.values())
        made = Revocations(scenario, administrator, names, revocations)
        self._made = scenario, made
        made.begin_traffic(rate=rate, deadline=deadline.total_seconds())
        current.case.show(sessions=made.sessions)

    @keyword
    def revoke_in_turn(self, *, deadline: timedelta = PATIENCE) -> None:
        """Revokes one after the other, and fails if a session does not end as revoked, or if anything still works.

        Nothing may work that a device begins after the revocation was confirmed and the promised `revocation_bound` has
        passed. The figure `revoked` counts confirmed revocations, `late_operations` what worked nevertheless;
        `revocation_ms` is the longest time until a session that a revocation concerned saw its end.

        Args:
            deadline: How long a session may take to end.

        Example:

        ```robotframework
        *** Test Cases ***
        Whoever is revoked is out
            Begin Revocations    6    phone and laptop    revocations=5
            Revoke In Turn
        ```
        """
        made = self._of_scenario()
        try:
            made.revoke_in_turn(deadline=deadline.total_seconds())
        finally:
            current.case.show(
                revoked=made.confirmed, late_operations=made.late, revocation_ms=round(made.slowest, 1)
            )
        logger.info(
            f"{made.confirmed} revocations ended {len(made.revoked)} sessions; the last operation that such a session "
            f"could have begun was {made.slowest:.1f} ms after a confirmation, and none that was begun after one worked"
        )

    @keyword
    def show_revoked_tokens_again(self) -> None:
        """Shows to every node whatever the revoked devices had logged in with, and to the issuer what came with it.

        Where the issuer gave refresh tokens, it is asked for the next token with each; what it still gives is shown to
        a node.

        `Attempts Should Have Failed` says whether it was refused, `Refusals Should Be Alike` whether that was done as
        with anything that is not genuine.

        Example:

        ```robotframework
        *** Test Cases ***
        Whoever is revoked stays out
            Begin Revocations    6    phone    revocations=5
            Revoke In Turn
            Show Revoked Tokens Again
            Attempts Should Have Failed
            Refusals Should Be Alike
        ```
        """
        made = self._of_scenario()
        shown = len(made.show_again())
        logger.info(
            f"{shown} tokens were shown that must not work, and {len(made.refresh_tokens)} refresh tokens to the issuer"
        )

    @keyword
    def renew_the_revoked(self, *, deadline: timedelta = PATIENCE) -> None:
        """Logs every revoked device in with a new token; fails if one is refused or gets no message through.

        Args:
            deadline: How long the messages may take.

        Example:

        ```robotframework
        *** Test Cases ***
        A new token is as good as any
            Begin Revocations    6    phone    revocations=5
            Revoke In Turn
            Renew The Revoked
        ```
        """
        self._of_scenario().get_in_again(deadline=deadline.total_seconds())

    @keyword
    def nobody_else_should_have_noticed(self, *, deadline: timedelta = PATIENCE) -> None:
        """Fails if anybody whom no revocation concerned lost the connection, a send or a message; ends the traffic.

        The figure `bystander_loss` counts what they lost.

        Args:
            deadline: How long the last messages may take.

        Example:

        ```robotframework
        *** Test Cases ***
        Revocations are nothing to anybody else
            Begin Revocations    6    phone    revocations=5
            Revoke In Turn
            Nobody Else Should Have Noticed
        ```
        """
        made = self._of_scenario()
        try:
            made.require_others_untouched(deadline=deadline.total_seconds())
        finally:
            current.case.show(bystander_loss=crowd.losses(made.others))
        logger.info(f"{len(made.others)} other sessions noticed nothing")

    @keyword
    def the_crowd_comes_back(self) -> None:
        """Everybody of the crowd who has no session logs in, with what they would show at any login.

        Example:

        ```robotframework
        *** Test Cases ***
        A restart changes nothing for anybody
            Begin Revocations    6    phone    revocations=5
            Revoke In Turn
            Renew The Revoked
            Kill Server
            Start Server
            The Crowd Comes Back
            Check History
        ```
        """
        self._of_scenario().come_back()

    def _of_scenario(self) -> Revocations:
        if self._made is None or self._made[0] is not stage.scenario():
            raise RuntimeError("Nobody was chosen in this scenario; `Begin Revocations` comes first.")
        return self._made[1]
