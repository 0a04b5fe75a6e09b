"""Keywords that cut connections at every byte of an exchange."""

from __future__ import annotations

from datetime import timedelta

from robot.api import logger
from robot.api.deco import keyword, library

from waybill.faults.cuts import Cuts as Choreography
from waybill.version import __version__
from WaybillLibrary import stage

WAIT = timedelta(seconds=30)


@library(scope="GLOBAL", version=__version__, doc_format="MARKDOWN", auto_keywords=False)
class Cuts:
    """Cuts the connections of clients wherever a connection can end.

    The target must have been started with `faulty_links`.
    """

    @keyword
    def cut_at_every_byte(self, *, pairs: int, deadline: timedelta = WAIT) -> None:
        """Lets pairs of people exchange messages, and cuts their connections at every byte of such an exchange.

        The sender is cut off at every byte of a send, of the frame that is in it, and of what the server answers; the
        receiver at every byte of the delivery and of its acknowledgement. How many bytes these have is measured first.
        After each cut the device comes back, and the sender retries what it knows no outcome of, under its key.

        Args:
            pairs: How many senders and receivers share the places among themselves.
            deadline: How long an answer, a delivery or a return may take.

        Example:

        ```robotframework
        *** Settings ***
        Suite Setup    Start Target    reference    faulty_links=True

        *** Test Cases ***
        A connection may end anywhere
            Cut At Every Byte    pairs=8
            Check History
        ```
        """
        scenario = stage.scenario()
        people = [
            (scenario.device(f"sender-{number}"), scenario.device(f"receiver-{number}"))
            for number in range(1, pairs + 1)
        ]
        cuts = Choreography(scenario, stage.link_faults(), deadline.total_seconds())
        counts = cuts.at_every_byte(people)
        logger.info(f"Cut points: {', '.join(f'{part} {count}' for part, count in counts.items())}")
