"""Keywords for the server's codec: what is said comes back, and what is not whole is waited for."""

from __future__ import annotations

from datetime import timedelta

from robot.api import logger
from robot.api.deco import keyword, library
from robot.libraries.BuiltIn import BuiltIn

from waybill.codec import talk
from waybill.codec.campaign import Campaign
from waybill.targets import MeansMissing
from waybill.version import __version__
from WaybillLibrary import current, stage

PATIENCE = timedelta(seconds=10)


@library(scope="GLOBAL", version=__version__, doc_format="MARKDOWN", auto_keywords=False)
class Codec:
    """The codec of the server, opcode by opcode, as its clients see it.

    Raw connections say every operation that the driver's table of frames has, with values and spellings made up from
    the seed of the scenario, each frame in two writes with a cut at any place. The server may do nothing before a frame
    is whole; then what was said has to come back.
    """

    @keyword
    def say_every_operation(
        self, one: str, other: str, *, guest: str, rounds: int = 200, deadline: timedelta = PATIENCE
    ) -> None:
        """Says every operation of the protocol at least so many times, and fails with what did not come back.

        The figures `opcodes` and `opcodes_total` count operations of both sides, `examples_per_opcode` is the number of
        examples of the one that has the fewest, `prefixes` that of frames that the server was made to wait for.

        Args:
            one: Who says most of it.
            other: To whom.
            guest: Who logs in and out again and again.
            rounds: How many times.
            deadline: How long the server may take for each answer.

        Example:

        ```robotframework
        *** Test Cases ***
        What is said comes back
            Say Every Operation    alice    bob    guest=carol    rounds=5
        ```
        """
        campaign = self._begin(one, other, guest, deadline)
        try:
            campaign.talk(rounds)
        finally:
            campaign.close()
        found = campaign.found
        occurred, total, least = found.least(campaign.echo)
        current.case.show(
            opcodes=occurred, opcodes_total=total, examples_per_opcode=least, prefixes=found.prefixes
        )
        logger.info(
            f"{sum(found.examples.values())} frames of {occurred} of {total} operations, {found.prefixes} of them in "
            f"two parts; the fewest examples: {least}. "
            + ", ".join(f"{side.value} {opcode} {count}" for (side, opcode), count in found.examples.items())
        )
        _require_nothing_wrong(campaign)
        if missing := found.missing(campaign.echo):
            BuiltIn().set_test_message(f"Never seen: {', '.join(missing)}.", append=True)

    @keyword
    def say_more_than_a_frame(
        self, one: str, other: str, *, guest: str, deadline: timedelta = PATIENCE
    ) -> None:
        """Says frames with something behind them that does not belong there, and fails if one of them is done.

        Where frames follow each other without end, nothing can stand behind one, and nothing is said. The figure
        `trailing` counts the frames that were refused.

        Args:
            one: Who says them.
            other: To whom.
            guest: A third one.
            deadline: How long the server may take for each answer.

        Example:

        ```robotframework
        *** Test Cases ***
        A message holds one frame
            Say More Than A Frame    alice    bob    guest=carol
        ```
        """
        campaign = self._begin(one, other, guest, deadline)
        try:
            campaign.append()
        finally:
            campaign.close()
        current.case.show(trailing=campaign.found.trailing)
        logger.info(f"{campaign.found.trailing} frames with something behind them were refused")
        _require_nothing_wrong(campaign)

    def _begin(self, one: str, other: str, guest: str, deadline: timedelta) -> Campaign:
        try:
            return talk.begin(stage.scenario(), one, other, guest, deadline=deadline.total_seconds())
        except talk.NoEcho as reason:
            raise MeansMissing(str(reason)) from None


def _require_nothing_wrong(campaign: Campaign) -> None:
    for anomaly, sentences in campaign.found.faults.items():
        current.case.findings.append(
            {"anomaly": anomaly, "count": len(sentences), "sentence": sentences[0], "events": []}
        )
    campaign.found.require_none()
