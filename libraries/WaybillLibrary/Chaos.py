"""Keywords for chaos: one fault after the other, by a schedule."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from robot.api import logger
from robot.api.deco import keyword, library
from robot.libraries.BuiltIn import BuiltIn

from waybill.faults import repertoire
from waybill.faults.chaos import Chaos as Choreography
from waybill.faults.chaos import mixed_routes, require_possible
from waybill.faults.repertoire import INTERPOSED, OF_LINKS, Kind, Repertoire
from waybill.faults.schedule import Schedule
from waybill.targets import MeansMissing
from waybill.version import __version__
from WaybillLibrary import current, stage

if TYPE_CHECKING:
    from waybill.devices.device import Device

WAIT = timedelta(seconds=30)
FEWEST_KINDS = 3
"""Chaos of fewer kinds of faults is none: other scenarios are better at one or two."""


@library(scope="GLOBAL", version=__version__, doc_format="MARKDOWN", auto_keywords=False)
class Chaos:
    """Lets one thing after the other go wrong, as the seed has it, with traffic between everybody.

    The target must have been started with `faulty_disk` and `faulty_links`. What can be done to it, and on
    this machine, is drawn; what cannot is not, and the test's message says so. Where fewer than three kinds of faults
    are left, the scenario ends without a verdict.
    """

    @keyword
    def follow_schedule(
        self, schedule: str = "", *, faults: int = 20, messages: int = 5000, deadline: timedelta = WAIT
    ) -> None:
        """Carries out a schedule of faults, amid traffic of all that are online to everybody.

        Those of the scenario's people who are offline come and go. After each round everything is mended, everybody
        comes back and retries what is unknown, and everybody must get a message through.

        Args:
            schedule: The schedule's text, such as `40 kill@node 3/120`; by default the seed draws one.
            faults: How many faults are drawn.
            messages: How many messages must be acknowledged where the seed draws.
            deadline: How long an answer, or anybody's return, may take.

        Example:

        ```robotframework
        *** Settings ***
        Suite Setup    Start Target    reference    faulty_disk=True    faulty_links=True

        *** Test Cases ***
        A kill, then a full disk
            Connect People    alice and bob
            Follow Schedule    10 kill@node 5/40, 10 disk-full@node 0/40
            Check History
        ```
        """
        scenario, target = stage.scenario(), stage.target()
        writers = scenario.present
        travellers = [device for device in scenario.devices if not device.connected]
        reasons: dict[str, str] = {}
        places = repertoire.places(
            target.nodes,
            [device.name for device in writers],
            lambda kind, node: _possible(kind, node, reasons, travellers),
        )
        _tell_impossible(places, reasons)
        if schedule:
            followed = Schedule.read(schedule)
            require_possible(followed, places)
        else:
            followed = Schedule.draw(scenario.seed, places, faults, messages)
        current.case.schedule = str(followed)
        logger.info(f"{followed.faults} faults in {len(followed.rounds)} rounds: {followed}")
        known = Repertoire(
            target,
            stage.faults(),
            stage.link_faults(),
            lambda name: scenario.device(name).node,
        )
        stage.at_end(known.give_up)
        Choreography(scenario, known, mixed_routes(scenario), travellers, deadline.total_seconds()).run(
            followed
        )
        logger.info(f"{scenario.acknowledged_count} messages are acknowledged after {followed.faults} faults")


def _possible(kind: Kind, node: str, reasons: dict[str, str], travellers: Sequence[Device]) -> bool:
    """Whether it can be done; notes why where it cannot."""
    target = stage.target()
    try:
        if kind in OF_LINKS:
            return target.links is not None
        if kind in INTERPOSED:
            target.interposed(node)
            if kind is Kind.FILE_HANDLES and not travellers:
                raise MeansMissing("nobody of the scenario is offline, whose return could meet it")
        elif kind is Kind.PAUSE:
            target.pid(node)
        elif not target.killable(node):
            raise MeansMissing(f"there are no commands that kill and start {node}")
    except MeansMissing as missing:
        reasons[kind.value] = str(missing)
        return False
    return True


def _tell_impossible(places: dict[str, list[str]], reasons: dict[str, str]) -> None:
    """Says in the test's message what is not drawn.

    Raises:
        MeansMissing: Too little is left.
    """
    missing = [kind for kind, where in places.items() if not where]
    if len(places) - len(missing) < FEWEST_KINDS:
        told = "; ".join(dict.fromkeys(reasons.values()))
        raise MeansMissing(
            f"Only {len(places) - len(missing)} kinds of faults can be done to {stage.target().name}, and chaos takes "
            f"{FEWEST_KINDS}: {told}"
        )
    if missing:
        BuiltIn().set_test_message(
            f"Not drawn, since it cannot be done here: {', '.join(missing)}.", append=True
        )
        logger.info("\n".join(f"{kind}: {why}" for kind, why in reasons.items()))
