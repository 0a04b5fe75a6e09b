"""Keywords for credentials: genuine ones, false ones, and none at all."""

from __future__ import annotations

from robot.api import logger
from robot.api.deco import keyword, library
from robot.api.types import Secret

from waybill.devices.intrusion import try_false_credentials, try_operations_without_login
from waybill.version import __version__
from WaybillLibrary import stage


@library(scope="GLOBAL", version=__version__, doc_format="MARKDOWN", auto_keywords=False)
class Tokens:
    """Credentials: genuine ones from the target's issuer, false ones from the forge, and none at all.

    The kit holds no signing key of any server. Tokens and passwords are `Secret`: Robot Framework shows `<secret>` in
    place of them at every log level.
    """

    @keyword
    def obtain_token(self, person: str, *, device: str = "phone") -> Secret:
        """Returns a genuine credential of a person, as the target's issuer gives it: a token, or the password.

        Args:
            person: Whose credential.
            device: For which device.

        Example:

        ```robotframework
        *** Test Cases ***
        A token is secret
            ${token} =    Obtain Token    alice
            Log    ${token}
        ```
        """
        scenario = stage.scenario()
        credential = scenario.target.credential(scenario.user(person, [device]).account, device)
        return Secret(credential.token or credential.password)

    @keyword
    def login_should_be_refused(self, person: str, token: Secret | str, *, device: str = "intruder") -> None:
        """Fails if somebody gets a session as this person with a credential that is not genuine.

        Args:
            person: As whom to log in.
            token: What to show at login.
            device: The name of the device that tries.

        Example:

        ```robotframework
        *** Test Cases ***
        A word is no token
            Login Should Be Refused    bob    token=open sesame
        ```
        """
        from waybill.drivers.base import Credential
        from waybill.history.events import Completion, CredentialKind

        scenario = stage.scenario()
        shown = token.value if isinstance(token, Secret) else token
        account = scenario.user(person, [device]).account
        genuine = scenario.target.credential(account, device)
        false = (
            Credential(account.user, token=shown)
            if genuine.token
            else Credential(account.user, password=shown)
        )
        if shown in (genuine.token, genuine.password):
            raise ValueError(f"This is a genuine credential of {person}; show one that must not work.")
        tried = scenario.device(f"{person}/{device}")
        outcome = tried.try_connect(
            credential=false, kind=CredentialKind.FORGED if shown else CredentialKind.NONE
        )
        if outcome.completion is Completion.OK:
            tried.close()
            raise AssertionError(
                f"Expected the login as {person} to be refused; the server gave {tried.name} a session."
            )
        logger.info(f"refused: {outcome.code}")

    @keyword
    def try_false_credentials(self, intruder: str, victim: str) -> None:
        """Tries to log in as somebody with every false credential that can be made, one connection each.

        False tokens are made from a genuine one of the intruder: signature stripped, cut, flipped or of another key,
        algorithm none, the victim's name in the intruder's claims, and things that are no token at all. A session that
        should not exist is used at once, and `Check History` reports what it could do.

        Args:
            intruder: Who tries.
            victim: As whom.

        Example:

        ```robotframework
        *** Test Cases ***
        Nobody gets in
            Connect People    alice and bob
            Try False Credentials    mallory    bob
            Attempts Should Have Failed
        ```
        """
        tried = try_false_credentials(stage.scenario(), intruder, victim)
        logger.info(f"{len(tried)} false credentials: {', '.join(tried)}")

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
        tried = try_operations_without_login(stage.scenario(), intruder, victim)
        logger.info(f"{len(tried)} operations without a login: {', '.join(tried)}")

    @keyword
    def attempts_should_have_failed(self) -> None:
        """Fails if any attempt of this scenario got a session or an answer, or if there was none.

        Example:

        ```robotframework
        *** Test Cases ***
        Nobody gets in
            Connect People    alice and bob
            Try False Credentials    mallory    bob
            Attempts Should Have Failed
        ```
        """
        scenario = stage.scenario()
        attempts = [one for one in scenario.devices if one.device.startswith(("attempt-", "nobody-"))]
        if not attempts:
            raise AssertionError("Nothing was tried, so nothing is shown; use `Try False Credentials` first.")
        inside = [
            one.name for one in attempts if one.device.startswith("attempt-") and one.welcome is not None
        ]
        sent = [sending.name for one in attempts for sending in one.sent if sending.acknowledged]
        if inside or sent:
            raise AssertionError(
                f"Expected all {len(attempts)} attempts to be refused; sessions: {', '.join(inside) or 'none'}; "
                f"acknowledged sends: {', '.join(sent) or 'none'}."
            )
