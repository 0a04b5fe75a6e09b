"""Keywords for what an administrator does at the server: revoking, rotating keys, ending sessions."""

from __future__ import annotations

from robot.api import logger
from robot.api.deco import keyword, library

from waybill.devices import administering
from waybill.targets import MeansMissing
from waybill.targets.administration import Administration as Office
from waybill.version import __version__
from WaybillLibrary import stage


@library(scope="GLOBAL", version=__version__, doc_format="MARKDOWN", auto_keywords=False)
class Administration:
    """Does what an administrator of the target does, the way `[administration]` of its target file describes.

    The keywords return when the server has confirmed. A revocation is put down in the history of the scenario, and
    `Check History` then finds whatever still works for those whom it concerns. Where the target file does not tell how,
    the scenario ends without a verdict on the server.
    """

    @keyword
    def revoke_device(self, person: str, *, device: str = "phone") -> None:
        """Revokes whatever a device of a person logged in with; what it shows from a later moment counts again.

        Args:
            person: Whose device.
            device: Which one.

        Example:

        ```robotframework
        *** Test Cases ***
        A stolen phone is of no use
            Connect People    alice and bob
            Revoke Device    bob
            Check History
        ```
        """
        scenario = stage.scenario()
        administering.revoke_device(scenario, office(), scenario.device(f"{person}/{device}"))
        logger.info(f"{person}/{device} is revoked")

    @keyword
    def revoke_user(self, person: str) -> None:
        """Revokes whatever any device of a person logged in with.

        Args:
            person: Whose devices.

        Example:

        ```robotframework
        *** Test Cases ***
        Nobody goes on as bob
            Connect People    alice and bob
            Revoke User    bob
            Check History
        ```
        """
        administering.revoke_user(stage.scenario(), office(), person)
        logger.info(f"everything of {person} is revoked")

    @keyword
    def revoke_token(self, person: str, *, device: str = "phone") -> None:
        """Revokes the one token that a device logs in with, by its id.

        Args:
            person: Whose device.
            device: Which one.

        Example:

        ```robotframework
        *** Test Cases ***
        A revoked token is of no use
            Connect People    alice and bob
            Revoke Token    bob
            Check History
        ```
        """
        scenario = stage.scenario()
        administering.revoke_token(scenario, office(), scenario.device(f"{person}/{device}"))
        logger.info(f"the token of {person}/{device} is revoked")

    @keyword
    def rotate_signing_key(self) -> str:
        """Makes the issuer of tokens sign with a new key; returns the id of the key, where the issuer tells it.

        Example:

        ```robotframework
        *** Test Cases ***
        A new key changes nothing for anybody
            Connect People    alice and bob
            Rotate Signing Key
            Send Messages    alice    bob    count=1
            Check History
        ```
        """
        key = administering.rotate_key(office())
        logger.info(f"tokens are signed with {key or 'another key'} from now on")
        return key

    @keyword
    def end_session(self, person: str, *, device: str = "phone") -> None:
        """Ends the session of a device at the server; the device may log in again.

        Args:
            person: Whose device.
            device: Which one.

        Example:

        ```robotframework
        *** Test Cases ***
        Whoever is sent away may come back
            Connect People    alice and bob
            End Session    bob
        ```
        """
        administering.end_session(office(), stage.scenario().device(f"{person}/{device}"))
        logger.info(f"the session of {person}/{device} was ended")


def office() -> Office:
    """Where requests of administration go.

    Raises:
        MeansMissing: The target file tells of nowhere.
    """
    known = stage.target().administration
    if known is None:
        raise MeansMissing(
            f"There are no means to administer {stage.target().name}: {stage.target().file.path} has no "
            f"[administration]. Tell there how; until then what depends on it stays UNPROVEN."
        )
    return known
