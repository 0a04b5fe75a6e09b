"""What an administrator does during a scenario, put down in its history.

A revocation that was confirmed is a promise: nothing that the revoked sessions begin later may work
(`unauthorised-ok`).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Final, Protocol

from waybill.drivers.base import Outcome
from waybill.history.events import Operation
from waybill.tokens.reading import token_id

if TYPE_CHECKING:
    from waybill.devices.device import Device
    from waybill.devices.scenario import Scenario

ADMINISTRATOR: Final = "administrator/office"
"""The device that administration is put down for."""


class Administrator(Protocol):
    """Who does things at the server, and is let."""

    @property
    def known(self) -> Collection[str]:
        """The operations that it knows how to do."""

    def do(self, operation: str, **values: str) -> Outcome:
        """Does something, or raises and says why it was not done."""


def revoke_user(scenario: Scenario, administrator: Administrator, person: str) -> None:
    """Revokes everything that a person logged in with, and returns when that is confirmed."""
    user = scenario.user(person, ()).account.user
    _revoke(scenario, administrator, "revoke_user", (person, ""), user=user)


def revoke_device(scenario: Scenario, administrator: Administrator, device: Device) -> None:
    """Revokes what a device logged in with, and returns when that is confirmed."""
    _revoke(
        scenario,
        administrator,
        "revoke_device",
        (device.user, device.device),
        user=device.account.user,
        device=device.device,
    )


def revoke_token(scenario: Scenario, administrator: Administrator, device: Device) -> None:
    """Revokes the token that a device logs in with, by its id (`jti`), and returns when that is confirmed.

    Raises:
        ValueError: The device shows no token with an id.
    """
    token = scenario.target.credential(device.account, device.device).token
    named = token_id(token)
    if not named:
        raise ValueError(f"{device.name} shows no token with an id (jti), so none can be revoked by it.")
    _revoke(
        scenario,
        administrator,
        "revoke_token",
        (device.user, device.device),
        user=device.account.user,
        token_id=named,
    )


def _revoke(
    scenario: Scenario,
    administrator: Administrator,
    operation: str,
    whose: tuple[str, str],
    **values: str,
) -> None:
    recorder = scenario.recorder
    session = recorder.session(ADMINISTRATOR)
    number = recorder.invoke(session, Operation.REVOKE, user=whose[0], id=whose[1])
    try:
        administrator.do(operation, **values)
    except BaseException:
        recorder.info(number, "not-confirmed")
        raise
    recorder.ok(number)


def note_expiry(scenario: Scenario, device: Device) -> None:
    """Puts down that the token of a device has expired: nothing that its session begins later may work."""
    session = scenario.recorder.session(ADMINISTRATOR)
    operation = scenario.recorder.invoke(session, Operation.EXPIRE, user=device.user, id=device.device)
    scenario.recorder.ok(operation)


def rotate_key(administrator: Administrator) -> str:
    """Makes the issuer sign with a new key; returns the key's id as the issuer tells it, or nothing."""
    body = administrator.do("rotate_key").values.get("body")
    return str(body.get("kid", "")) if isinstance(body, dict) else ""


def end_session(administrator: Administrator, device: Device) -> None:
    """Ends the session of a device, without revoking anything.

    Raises:
        AssertionError: The server lists no session of it.
    """
    body = administrator.do("list_sessions", user=device.account.user).values.get("body")
    listed = body.get("sessions", []) if isinstance(body, dict) else body
    mine = [
        one
        for one in (listed if isinstance(listed, list) else [])
        if isinstance(one, dict) and one.get("device") == device.device
    ]
    if not mine:
        raise AssertionError(f"Expected the server to list a session of {device.name}; it lists none.")
    administrator.do("end_session", user=device.account.user, session=str(mine[0].get("session", "")))
