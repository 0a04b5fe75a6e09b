"""The administration of a target, as the role table's cases use it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from waybill.devices.device import Device
from waybill.drivers.base import Outcome
from waybill.tokens.reading import token_id


class Office(Protocol):
    """Where requests of administration go."""

    @property
    def operations(self) -> Collection[str]:
        """The operations that the target file tells how to ask for."""

    def ask(self, operation: str, token: str, values: Mapping[str, str]) -> Outcome:
        """Makes one request with a token, whosever it is.

        Args:
            operation: Which one.
            token: What the caller shows; empty for a request without a token.
            values: What it is about, by the names of the target file's placeholders.

        Returns:
            OK when it was done, with the parsed answer in `values["body"]`; FAIL when it was refused (401 or 403).

        Raises:
            AdministrationFailed: There was no answer.
        """


@dataclass(frozen=True, slots=True)
class Subject:
    """A session that requests are about.

    Attributes:
        device: The device, connected.
        token: The token that let it in.
    """

    device: Device
    token: str

    def values(self, session: str = "") -> dict[str, str]:
        """What requests call it."""
        return {
            "user": self.device.account.user,
            "device": self.device.device,
            "token_id": token_id(self.token),
            "session": session,
        }


def session_of(office: Office, token: str, subject: Subject) -> str:
    """The server's name of a session, as it is told to somebody who may list sessions; empty if it is not listed."""
    listed = sessions_in(office.ask("list_sessions", token, subject.values()))
    mine = [one for one in listed if one.get("device") == subject.device.device]
    return str(mine[0].get("session", "")) if mine else ""


def sessions_in(outcome: Outcome) -> list[dict[str, Any]]:
    """The sessions that an answer lists, alone or under `sessions`."""
    body = outcome.values.get("body")
    listed = body.get("sessions") if isinstance(body, dict) else body
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
