"""Keywords for credentials: genuine ones, false ones, and none at all."""

from __future__ import annotations

from enum import Enum

from robot.api import logger
from robot.api.deco import keyword, library
from robot.api.types import Secret
from robot.libraries.BuiltIn import BuiltIn

from waybill.devices import forging
from waybill.tokens import attacks
from waybill.tokens.attack import Falsehood, NotTried
from waybill.tokens.listener import Listener
from waybill.version import __version__
from WaybillLibrary import current, stage

FETCHED = "fetched-for-a-token"
"""The anomaly of a server that looked somewhere because a false token said so."""


class TokenFalsehood(Enum):
    """What is false about the tokens that are tried.

    `SIGNATURE`: the issuer never signed them. `KEY`: they say themselves which key they are to be verified with, or are
    written in another way than tokens are. `CLAIMS`: the issuer signed them, and they say what must not be accepted
    here and now; this needs an issuer that signs odd claims on request.
    """

    SIGNATURE = "signature"
    KEY = "key"
    CLAIMS = "claims"


@library(scope="GLOBAL", version=__version__, doc_format="MARKDOWN", auto_keywords=False)
class Tokens:
    """Credentials: genuine ones from the target's issuer, false ones from the list of attacks, and none at all.

    The kit holds no signing key of any server. Tokens and passwords are `Secret`: Robot Framework shows `<secret>` in
    place of them at every log level. The list of attacks is in docs/attacks.md.
    """

    @keyword
    def obtain_token(
        self, person: str, *, device: str = "phone", bound: bool = False, once: bool = False
    ) -> Secret:
        """Returns a genuine credential of a person, as the target's issuer gives it: a token, or the password.

        Args:
            person: Whose credential.
            device: For which device.
            bound: Bind it to the device's key, where the issuer can: whoever shows it must have the key as well.
            once: Ask for one that is good for one login.

        Example:

        ```robotframework
        *** Test Cases ***
        A token is secret
            ${token} =    Obtain Token    alice
            Log    ${token}
        ```
        """
        scenario = stage.scenario()
        account = scenario.user(person, [device]).account
        credential = scenario.target.credential(account, device, bound=bound, once=once)
        return Secret(credential.token or credential.password)

    @keyword
    def login_should_be_refused(self, person: str, token: Secret | str, *, device: str = "intruder") -> None:
        """Fails if somebody gets a session as this person with a credential that is not genuine.

        A genuine token of another device, one that is bound to a key, which is not shown here, and one that was revoked
        must be refused like a false one.

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
        kind = stage.target().worth(account, device, shown)
        if kind is CredentialKind.VALID:
            raise ValueError(f"This is a genuine credential of {person}; show one that must not work.")
        tried = scenario.device(f"{person}/{device}")
        outcome = tried.try_connect(credential=false, kind=kind)
        if outcome.completion is Completion.OK:
            tried.close()
            raise AssertionError(
                f"Expected the login as {person} to be refused; the server gave {tried.name} a session."
            )
        logger.info(f"refused: {outcome.code}")

    @keyword
    def forge_token(self, attack: str, *, intruder: str, victim: str) -> Secret:
        """Returns one false token of the list of attacks, made for a victim from what an intruder has.

        Where its place in the header leads somewhere, it leads nowhere: nobody listens there any more.

        Args:
            attack: The attack's name in docs/attacks.md.
            intruder: Whose genuine token it is made from.
            victim: Whom it names.

        Example:

        ```robotframework
        *** Test Cases ***
        A token without a signature gets nobody in
            ${token} =    Forge Token    none-without-signature    intruder=mallory    victim=bob
            Login Should Be Refused    bob    token=${token}
        ```
        """
        with Listener() as listener:
            place = listener.place
        made_of = forging.materials(stage.scenario(), intruder, victim, place)
        return Secret(attacks.find(attack).make(made_of))

    @keyword
    def log_in_with_a_token(self, person: str) -> None:
        """Logs a person in on a phone with a genuine token for any device, of the sort that false ones are made of.

        Where this does not work, a refusal of false tokens shows nothing.

        Args:
            person: Who logs in.

        Example:

        ```robotframework
        *** Test Cases ***
        A genuine token gets its owner in
            Log In With A Token    mallory
        ```
        """
        device = forging.get_in(stage.scenario(), person)
        logger.info(f"{device.name} is {device.state}")

    @keyword
    def log_in_just_inside_the_limits(self, person: str) -> None:
        """Logs a person in with genuine tokens whose times are barely in order, one after the other.

        Where the target's issuer signs no odd claims nothing is done, and the test's message says so.

        Args:
            person: Whose tokens.

        Example:

        ```robotframework
        *** Test Cases ***
        A token is good until its end
            Log In Just Inside The Limits    bob
        ```
        """
        try:
            inside = forging.get_in_just_inside(stage.scenario(), person)
        except NotTried as reason:
            _add_to_message(f"What is just inside the limits was not tried: {reason}.")
        else:
            logger.info(f"accepted: {', '.join(inside)}")

    @keyword
    def a_namesake_should_be_somebody_else(self, person: str) -> None:
        """Fails if a genuine token for a person's name in other letters (BOB for bob) opens that person's account.

        The server may refuse it, or know somebody of that name who has written nothing. Where the target's issuer signs
        no odd claims nothing is done, and the test's message says so.

        Args:
            person: Who has been given messages already.

        Example:

        ```robotframework
        *** Test Cases ***
        BOB is not bob
            Connect People    alice and bob
            Send Messages    alice    bob    count=1
            Wait For Deliveries    bob
            A Namesake Should Be Somebody Else    bob
        ```
        """
        try:
            found = forging.get_in_as_namesake(stage.scenario(), person)
        except NotTried as reason:
            _add_to_message(f"Whether a namesake is somebody else was not tried: {reason}.")
        else:
            logger.info(f"{person}'s name in other letters is {found}")

    @keyword
    def try_forged_tokens(self, intruder: str, victim: str, *, false: TokenFalsehood) -> None:
        """Tries to log in as somebody with every token of the list of attacks that has this falsehood.

        Each attempt is a connection of its own, and a device with the name of the attack. A session that should not
        exist is used at once, and `Check History` reports what it could do. Meanwhile the intruder listens where tokens
        tell the server to look; whoever asks there is a finding.

        The figure `attacks` counts those that the server refused or took, `not_tried` those that could not be made
        against this target; the log names them with the reason.

        Args:
            intruder: Who tries; false tokens are made from a genuine one of this person.
            victim: As whom.
            false: What is false about the tokens.

        Example:

        ```robotframework
        *** Test Cases ***
        Nobody signs for the issuer
            Connect People    bob
            Try Forged Tokens    mallory    bob    false=SIGNATURE
            Attempts Should Have Failed
            Refusals Should Be Alike
        ```
        """
        scenario, chosen = stage.scenario(), forging.of_falsehood(Falsehood(false.value))
        with Listener() as listener:
            tried, not_tried = forging.try_forged_tokens(scenario, intruder, victim, listener, chosen)
            asked = listener.asked
        decided = sum(one.refused or one.got_in for one in tried)
        current.case.show(attacks=decided, not_tried=len(not_tried))
        logger.info(f"{len(tried)} false tokens; {forging.in_words(tried)}")
        _log_names("Tried", [one.false.id for one in tried])
        if not_tried:
            _log_names("Not tried", [f"{name} ({reason})" for name, reason in not_tried.items()])
            reason = next(iter(not_tried.values()))
            _add_to_message(f"{len(not_tried)} of {len(chosen)} attacks were not tried: {reason}.")
        _require_nothing_fetched(asked)

    @keyword
    def try_false_credentials(self, intruder: str, victim: str) -> None:
        """Tries to log in as somebody with false credentials of the plain sort, one connection each.

        False tokens are those that nobody signed, those whose signature was edited, and things that are no token at
        all; `Try Forged Tokens` has the whole list of attacks. Where the target takes passwords, wrong passwords are
        tried. A session that should not exist is used at once, and `Check History` reports what it could do.

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
        with Listener() as listener:
            tried = forging.try_false_credentials(stage.scenario(), intruder, victim, listener)
        logger.info(f"{len(tried)} false credentials: {', '.join(one.false.id for one in tried)}")

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
        if current.case.figures.get("not_tried") and not scenario.attempts and not scenario.trespasses:
            return
        if not scenario.attempts and not scenario.trespasses:
            raise AssertionError("Nothing was tried, so nothing is shown; use `Try False Credentials` first.")
        inside = [one.false.id for one in scenario.attempts if one.got_in]
        done = [f"{one.what} of {one.device}" for one in scenario.trespasses if one.succeeded]
        done += [f"send of {one.false.id}" for one in scenario.attempts if one.sent and one.sent.acknowledged]
        if inside or done:
            raise AssertionError(
                f"Expected all {len(scenario.attempts) + len(scenario.trespasses)} attempts to be refused; "
                f"sessions: {', '.join(inside) or 'none'}; operations that took effect: {', '.join(done) or 'none'}."
            )

    @keyword
    def refusals_should_be_alike(self) -> None:
        """Fails if the attempts of this scenario were refused in different ways, from which an attacker could learn.

        The code and the text of the answer count. How long it took is in the log and judges nothing. Only what is
        larger than anything that a server has to read may meet the end of its connection.

        Example:

        ```robotframework
        *** Test Cases ***
        A refusal tells nothing
            Connect People    bob
            Try Forged Tokens    mallory    bob    false=KEY
            Refusals Should Be Alike
        ```
        """
        attempts = stage.scenario().attempts
        if current.case.figures.get("not_tried") and not attempts:
            return
        logger.info(f"the one answer: {forging.require_one_answer(attempts)}")


def _require_nothing_fetched(asked: list[str]) -> None:
    """Fails if somebody looked where false tokens said."""
    if asked:
        sentence = f"the server looked where a false token told it to: {'; '.join(sorted(set(asked)))}"
        current.case.findings.append(
            {"anomaly": FETCHED, "count": len(asked), "sentence": sentence, "events": []}
        )
        raise AssertionError(f"Expected that no token makes the server look anywhere; {sentence}.")


def _log_names(title: str, names: list[str]) -> None:
    shown = "".join(f"<li>{name}</li>" for name in names)
    logger.info(f"<details><summary>{title}: {len(names)}</summary><ul>{shown}</ul></details>", html=True)


def _add_to_message(sentence: str) -> None:
    """What the report has to say of a test even if it passes."""
    BuiltIn().set_test_message(sentence, append=True)
