"""What an administrator does during a scenario, put down in its history.

A revocation that was confirmed is a promise: nothing that the revoked sessions begin later may work
(`revoked-accepted`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol

from waybill.drivers.base import Outcome
from waybill.history.events import Completion, Operation
from waybill.tokens.reading import token_id

if TYPE_CHECKING:
    from waybill.devices.device import Device
    from waybill.devices.scenario import Scenario


OBSERVER: Final = "administrator/office"
"""The device that is said to have seen that a token expired; it has no traffic of its own."""


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
    with _put_down(scenario, "revoke_user", user=person):
        administrator.do("revoke_user", user=user)
    scenario.target.forget(user)


def revoke_device(scenario: Scenario, administrator: Administrator, device: Device) -> None:
    """Revokes what a device logged in with, and returns when that is confirmed."""
    user = device.account.user
    with _put_down(scenario, "revoke_device", device=device.name):
        administrator.do("revoke_device", user=user, device=device.device)
    scenario.target.forget(user, device.device)


def revoke_token(scenario: Scenario, administrator: Administrator, device: Device) -> None:
    """Revokes the token that a device logs in with, by its id (`jti`), and returns when that is confirmed.

    Raises:
        ValueError: The device shows no token with an id.
    """
    user = device.account.user
    token = scenario.target.credential(device.account, device.device).token
    named = token_id(token)
    if not named:
        raise ValueError(f"{device.name} shows no token with an id (jti), so none can be revoked by it.")
    with _put_down(scenario, "revoke_token", device=device.name, token=scenario.token_number(token)):
        administrator.do("revoke_token", user=user, token_id=named)
    scenario.target.forget(user, token=token)


def note_expiry(scenario: Scenario, device: Device) -> None:
    """Puts down that the token of a device has expired: nothing that its session begins later may work."""
    session = scenario.recorder.session(OBSERVER)
    operation = scenario.recorder.invoke(session, Operation.EXPIRE, user=device.user, id=device.device)
    scenario.recorder.ok(operation)


def rotate_key(scenario: Scenario, administrator: Administrator) -> str:
    """Makes the issuer sign with a new key; returns the key's id as the issuer tells it, or nothing."""
    with _put_down(scenario, "rotate_key"):
        body = administrator.do("rotate_key").values.get("body")
    return str(body.get("kid", "")) if isinstance(body, dict) else ""


def end_session(scenario: Scenario, administrator: Administrator, device: Device) -> None:
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
    number = device.epoch.number if device.epoch else 0
    with _put_down(scenario, "end_session", device=device.name, session=number):
        administrator.do("end_session", user=device.account.user, session=str(mine[0].get("session", "")))


@contextmanager
def _put_down(
    scenario: Scenario, operation: str, *, user: str = "", device: str = "", session: int = 0, token: int = 0
) -> Iterator[None]:
    """Puts an operation down in the history: that it was asked for, and how it ended."""
    recorder = scenario.recorder
    number = recorder.administration_start(operation, user=user, device=device, session=session, token=token)
    try:
        yield
    except BaseException as error:
        recorder.administration_end(number, Completion.INFO, type(error).__name__)
        raise
    recorder.administration_end(number, Completion.OK)
