"""People of a scenario who talk frame by frame, so that the codec of the server is seen at work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from waybill.codec.campaign import Campaign
from waybill.codec.party import Party
from waybill.codec.values import SeededValues
from waybill.drivers.base import Login
from waybill.drivers.echo import Echo, Voice
from waybill.drivers.frame_table import Cast

if TYPE_CHECKING:
    from waybill.devices.scenario import Scenario

DEVICE = "phone"


class NoEcho(Exception):
    """Nothing is known of what comes back in this protocol."""


def begin(scenario: Scenario, one: str, other: str, guest: str, *, deadline: float) -> Campaign:
    """Three people whose phones are about to say every operation of the protocol.

    Their connections are sessions of these phones in the history. The phones themselves are connected when the traffic
    is settled, and then hold what was said.

    Args:
        scenario: The scenario.
        one: Who says most.
        other: To whom.
        guest: Who logs in and out again and again.
        deadline: Seconds that the server has for each answer.

    Raises:
        NoEcho: The driver does not know what comes back.
    """
    logins: dict[Voice, Login] = {}
    names: dict[Voice, str] = {}
    for voice, name in ((Voice.ONE, one), (Voice.OTHER, other), (Voice.GUEST, guest)):
        device = scenario.user(name, [DEVICE]).devices[DEVICE]
        names[voice] = device.name
        logins[voice] = Login(
            endpoint=scenario.target.endpoint(),
            credential=scenario.target.credential(device.account, DEVICE),
            device=DEVICE,
            deadline=deadline,
            receipts=True,
            typing=True,
        )
    conversation = scenario.direct(one, other)
    echo = _echo(scenario, logins)
    parties = {
        voice: Party(voice, echo, login, scenario.recorder, scenario.names, names[voice], deadline)
        for voice, login in logins.items()
    }
    return Campaign(echo, SeededValues(scenario.random), parties, conversation.name)


def _echo(scenario: Scenario, logins: dict[Voice, Login]) -> Echo:
    limits = {
        name: value
        for name in ("frame", "body", "name", "key")
        if isinstance(value := scenario.target.promises.get(name), int)
    }
    cast = Cast(
        own=logins[Voice.ONE].credential.user,
        other=logins[Voice.OTHER].credential.user,
        device=DEVICE,
        limits=limits,
    )
    table = scenario.driver.frame_table(cast)
    echo = None if table is None else scenario.driver.echo(table, logins[Voice.GUEST])
    if echo is None:
        raise NoEcho(
            f"What comes back of what is said with the driver {scenario.driver.name} is not known to the kit: the "
            f"driver has no echo (docs/drivers.md)."
        )
    return echo
