"""Keywords for operations on connections on which nothing may work."""

from __future__ import annotations

from collections.abc import Mapping

from robot.api import logger
from robot.api.deco import keyword, library
from robot.libraries.BuiltIn import BuiltIn

from waybill.devices import trespassing
from waybill.tokens.attack import NotTried
from waybill.version import __version__
from WaybillLibrary import current, stage


@library(scope="GLOBAL", version=__version__, doc_format="MARKDOWN", auto_keywords=False)
class Trespasses:
    """Tries every operation of the protocol where nothing may work, each on a connection of its own.

    `Check History` finds what took effect, whoever saw it; `Attempts Should Have Failed` of the library `Tokens` fails
    on what the server itself confirmed. What needs a group is tried where the intruder is in one.
    """

    @keyword
    def try_operations_without_login(self, intruder: str, *, victim: str) -> None:
        """Tries every operation of the protocol on connections that never log in.

        Args:
            intruder: Who tries.
            victim: Whose conversations and presence are the object.

        Example:

        ```robotframework
        *** Test Cases ***
        Nothing works without a login
            Connect People    alice and bob
            Try Operations Without Login    mallory    victim=bob
            Attempts Should Have Failed
        ```
        """
        tried = trespassing.try_operations_without_login(stage.scenario(), intruder, victim)
        logger.info(f"{len(tried)} operations without a login: {', '.join(tried)}")

    @keyword
    def meet_somebody(self, person: str, other: str) -> None:
        """Logs a person in on a phone, in a group with somebody else where the protocol has groups.

        Args:
            person: Who logs in, and makes the group.
            other: Who is in it, too.

        Example:

        ```robotframework
        *** Test Cases ***
        A group to trespass in
            Connect People    bob
            Meet Somebody    mallory    bob
            Try Operations After Failed Login    mallory    victim=bob
            Attempts Should Have Failed
        ```
        """
        trespassing.meet(stage.scenario(), person, other)

    @keyword
    def try_operations_after_failed_login(self, intruder: str, *, victim: str) -> None:
        """Tries every operation of the protocol on connections whose login was refused.

        Where the server ends such a connection, that is its answer; the log says of each what it was.

        Args:
            intruder: Who tries.
            victim: Whose conversations and presence are the object.

        Example:

        ```robotframework
        *** Test Cases ***
        Nothing works after a login that failed
            Connect People    alice and bob
            Try Operations After Failed Login    mallory    victim=bob
            Attempts Should Have Failed
        ```
        """
        tell(
            "a login that was refused",
            trespassing.try_operations_after_failed_login(stage.scenario(), intruder, victim),
        )

    @keyword
    def try_operations_after_expiry(self, intruder: str, *, victim: str) -> None:
        """Tries every operation of the protocol on sessions whose tokens have expired since they were opened.

        Each session is used while its token is good. Afterwards the expired tokens are shown at a login. Where the
        target's issuer signs no tokens that end in seconds nothing is done, and the test's message says so.

        Args:
            intruder: Who tries.
            victim: Whose conversations and presence are the object.

        Example:

        ```robotframework
        *** Test Cases ***
        A session ends with its token
            Connect People    alice and bob
            Try Operations After Expiry    mallory    victim=bob
            Attempts Should Have Failed
        ```
        """
        try:
            found = trespassing.try_operations_after_expiry(stage.scenario(), intruder, victim)
        except NotTried as reason:
            not_tried("what works after the end of a token", str(reason))
        else:
            tell("the end of its token", found)

    @keyword
    def try_operations_after_revocation(self, intruder: str, *, victim: str) -> None:
        """Tries every operation of the protocol on sessions whose device was revoked since they were opened.

        Each session is used before. Afterwards the revoked tokens are shown at a login. Where the target file does not
        tell how to revoke a device nothing is done, and the test's message says so.

        Args:
            intruder: Who tries.
            victim: Whose conversations and presence are the object.

        Example:

        ```robotframework
        *** Test Cases ***
        A session ends with its revocation
            Connect People    alice and bob
            Try Operations After Revocation    mallory    victim=bob
            Attempts Should Have Failed
        ```
        """
        office = stage.target().administration
        if office is None or "revoke_device" not in office.known:
            not_tried(
                "what works after a revocation",
                f"{stage.target().file.path} has no [administration.revoke_device]",
            )
            return
        found = trespassing.try_operations_after_revocation(stage.scenario(), office, intruder, victim)
        tell("its revocation", found)


def tell(after: str, found: Mapping[str, str]) -> None:
    """Says in the log what had become of each session."""
    logger.info(
        f"{len(found)} operations after {after}: "
        + "; ".join(f"{name} ({state})" for name, state in found.items())
    )


def not_tried(what: str, reason: str) -> None:
    """Says in the test's message what could not be tried, and why."""
    current.case.show(not_tried=1)
    BuiltIn().set_test_message(f"Not tried: {what}, for {reason}.", append=True)
