"""Keywords for tokens and logins that somebody stole or overheard."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from enum import Enum

from robot.api import logger
from robot.api.deco import keyword, library
from robot.libraries.BuiltIn import BuiltIn

from waybill.devices import forging, replaying
from waybill.devices.intrusion import Attempt
from waybill.devices.said_again import By, say_again
from waybill.history.events import CredentialKind
from waybill.tokens.attack import NotTried
from waybill.version import __version__
from WaybillLibrary import current, stage

WAIT = timedelta(seconds=10)


class Moment(Enum):
    """When something stolen is used; it becomes part of the attempt's name."""

    OPEN = "while-it-lasts"
    """The session that it opened is still there."""
    ENDED = "after-its-end"
    """That session is over."""
    RESTARTED = "after-a-restart"
    """The server was killed and started again meanwhile."""
    REVOKED = "after-revocation"
    """The device was revoked."""


@library(scope="GLOBAL", version=__version__, doc_format="MARKDOWN", auto_keywords=False)
class Replays:
    """Uses stolen tokens and overheard logins from other devices and connections than they were issued for.

    Each attempt is a connection of its own, recorded with a credential that must not work. A session that should not
    exist is used at once, and `Check History` reports what it could do; `Attempts Should Have Failed` and
    `Refusals Should Be Alike` of the library `Tokens` judge the answers.

    The figure `replays` counts the attempts that the server refused or took.
    """

    @keyword
    def say_frames_again(
        self,
        person: str,
        stranger: str,
        *,
        by: By,
        moment: Moment = Moment.ENDED,
        deadline: timedelta = WAIT,
    ) -> None:
        """Says everything again that a person said after logins that were overheard, frame by frame.

        The device says goodbye before, and comes back afterwards. A frame that its own user says again is a retry,
        which may be answered and must change nothing; from anybody else, and before a login, it must be refused.

        Args:
            person: Whose frames.
            stranger: Somebody who has no conversations.
            by: On whose connection: `ITS_DEVICE`, `ANOTHER_DEVICE`, `A_STRANGER` or `NOBODY`.
            moment: When this is, for the report.
            deadline: How long the server may take to react to a frame.

        Example:

        ```robotframework
        *** Test Cases ***
        A frame that is said again changes nothing
            Log In Overheard    alice
            Connect People    bob
            Send Messages    alice    bob    count=1
            Wait For Deliveries    bob
            Say Frames Again    alice    mallory    by=ITS_DEVICE
            Check History
        ```
        """
        scenario = stage.scenario()
        device = scenario.device(person)
        device.close()
        count = say_again(
            scenario, device, by, moment.value, stranger=stranger, deadline=deadline.total_seconds()
        )
        device.connect()
        logger.info(f"{count} frames of {device.name} were said again by {by.value} ({moment.value})")

    @keyword
    def log_in_overheard(
        self, person: str, *, device: str = "phone", once: bool = False, new: bool = False
    ) -> None:
        """Logs a device in with its own token and key, while somebody keeps every byte of it.

        Where this does not work, a refusal of whoever uses the same things shows nothing.

        Args:
            person: Who logs in.
            device: On which device.
            once: With a token that is good for one login.
            new: With a token that it did not have before.

        Example:

        ```robotframework
        *** Test Cases ***
        What was overheard is of no use
            Log In Overheard    bob
            Try Overheard Login    mallory    bob
            Attempts Should Have Failed
        ```
        """
        scenario = stage.scenario()
        tapped = replaying.log_in_overheard(
            scenario, scenario.device(f"{person}/{device}"), once=once, new=new
        )
        bound = "bound to a key" if tapped.credential.key is not None else "bound to no key"
        logger.info(f"{person}/{device} logged in and was overheard; its token is {bound}")

    @keyword
    def try_stolen_token(self, intruder: str, victim: str, *, device: str = "phone") -> None:
        """Shows the token of a device without its key, with other keys, and as another device.

        Args:
            intruder: Who tries.
            victim: Whose token it is.
            device: The device that it was issued for.

        Example:

        ```robotframework
        *** Test Cases ***
        A stolen token is of no use
            Log In Overheard    bob
            Try Stolen Token    mallory    bob
            Attempts Should Have Failed
            Refusals Should Be Alike
        ```
        """
        scenario = stage.scenario()
        stolen = scenario.device(f"{victim}/{device}")
        _show("stolen tokens", lambda: replaying.try_stolen_token(scenario, intruder, stolen))

    @keyword
    def try_false_proofs(self, intruder: str, victim: str, *, device: str = "phone") -> None:
        """Shows the token of a device with proofs of its key that are not for this login, or not whole.

        Args:
            intruder: Who tries.
            victim: Whose token and key it is.
            device: The device that they were issued for.

        Example:

        ```robotframework
        *** Test Cases ***
        A proof is good for one login
            Log In Overheard    bob
            Try False Proofs    mallory    bob
            Attempts Should Have Failed
            Refusals Should Be Alike
        ```
        """
        scenario = stage.scenario()
        proving = scenario.device(f"{victim}/{device}")
        _show("false proofs", lambda: replaying.try_false_proofs(scenario, intruder, proving))

    @keyword
    def try_overheard_login(
        self, intruder: str, victim: str, *, moment: Moment = Moment.OPEN, device: str = "phone"
    ) -> None:
        """Says again, byte for byte, what a device said when it logged in.

        Args:
            intruder: Who tries.
            victim: Whose login it was.
            moment: When this is; it tells the attempts apart.
            device: The device that logged in.

        Example:

        ```robotframework
        *** Test Cases ***
        What was overheard is of no use later
            Log In Overheard    bob
            Disconnect People    bob
            Try Overheard Login    mallory    bob    moment=ENDED
            Attempts Should Have Failed
        ```
        """
        scenario = stage.scenario()
        heard = scenario.device(f"{victim}/{device}")
        _show(
            "overheard logins",
            lambda: replaying.try_overheard_login(scenario, intruder, heard, moment.value, _kind(moment)),
        )

    @keyword
    def try_token_again(
        self, intruder: str, victim: str, *, moment: Moment = Moment.OPEN, device: str = "phone"
    ) -> None:
        """Shows a token once more that is not good any more, with its key as its own device and without.

        Args:
            intruder: Who tries.
            victim: Whose token it was.
            moment: Why it is not good any more.
            device: The device that it was issued for.

        Example:

        ```robotframework
        *** Test Cases ***
        A ticket is good for one ride
            Log In Overheard    bob    once=True
            Try Token Again    mallory    bob
            Attempts Should Have Failed
        ```
        """
        scenario = stage.scenario()
        spent = scenario.device(f"{victim}/{device}")
        _show(
            "spent tokens",
            lambda: replaying.try_token_again(scenario, intruder, spent, moment.value, _kind(moment)),
        )

    @keyword
    def race_for_one_login(self, person: str, *, intruder: str = "mallory", rounds: int = 10) -> None:
        """Logs in twice at once with one token that is good for one login; fails unless one gets in, each time.

        Somebody else shows the token afterwards, and does not get in either.

        Args:
            person: Who has the tokens; somebody without conversations.
            intruder: Who comes too late.
            rounds: How many tokens.

        Example:

        ```robotframework
        *** Test Cases ***
        One of two is let in
            Race For One Login    rita    rounds=3
            Attempts Should Have Failed
        ```
        """
        let_in = replaying.race(stage.scenario(), intruder, person, rounds)
        _count()
        logger.info(f"let in: {', '.join(map(str, let_in))}")
        none, both = let_in.count(0), sum(one > 1 for one in let_in)
        if none or both:
            raise AssertionError(
                f"Expected one of two logins with the same one-time token to get in, in each of {rounds} rounds, and "
                f"the other one to be refused; both got in {both} times, and none {none} times."
            )


def _kind(moment: Moment) -> CredentialKind:
    return CredentialKind.REVOKED if moment is Moment.REVOKED else CredentialKind.REPLAYED


def _show(what: str, attack: Callable[[], list[Attempt]]) -> None:
    """Makes the attempts of one kind and tells what they were, or why there were none."""
    try:
        tried = attack()
    except NotTried as reason:
        current.case.show(not_tried=1)
        BuiltIn().set_test_message(f"Not tried: {what}, for {reason}.", append=True)
        return
    _count()
    logger.info(f"{len(tried)} {what}: {', '.join(one.false.id for one in tried)}; {forging.in_words(tried)}")


def _count() -> None:
    current.case.show(replays=replaying.decided(stage.scenario().attempts))
