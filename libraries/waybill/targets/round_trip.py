"""Is a node ready? One message from one account to another, through the protocol, decides."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable

from waybill.drivers.base import (
    ACCEPTED,
    Capability,
    Credential,
    Delivery,
    Driver,
    Endpoint,
    Login,
    LoginRefused,
    Membership,
    Outcome,
    Presence,
    Receipt,
    Session,
    Typing,
)
from waybill.history.events import Completion, End
from waybill.targets.errors import LaunchError

_SEND, _ACKNOWLEDGE = 1, 2


class Probe:
    """An observer that waits for one body and one outcome."""

    def __init__(self, body: bytes = b"") -> None:
        self.outcomes: dict[int, Outcome] = {}
        self.found: Delivery | None = None
        self.end = ""
        self._body = body
        self.changed = threading.Condition()

    def wait(self, condition: Callable[[], bool], seconds: float) -> bool:
        with self.changed:
            return self.changed.wait_for(lambda: condition() or bool(self.end), seconds) and condition()

    def completed(self, operation: int, outcome: Outcome) -> None:
        with self.changed:
            self.outcomes[operation] = outcome
            self.changed.notify_all()

    def delivered(self, delivery: Delivery) -> None:
        with self.changed:
            if delivery.body == self._body:
                self.found = delivery
                self.changed.notify_all()

    def ended(self, end: End, reason: str) -> None:
        with self.changed:
            self.end = f"the session ended: {end.name.lower()} {reason}"
            self.changed.notify_all()

    def unmatched(self, operation: int, outcome: Outcome) -> None:
        pass

    def receipted(self, receipt: Receipt) -> None:
        pass

    def presence_changed(self, presence: Presence) -> None:
        pass

    def typed(self, typing: Typing) -> None:
        pass

    def membership_changed(self, membership: Membership) -> None:
        pass

    def idle(self) -> None:
        pass


def round_trip(
    driver: Driver, endpoint: Endpoint, sender: Credential, recipient: Credential, deadline: float
) -> None:
    """Sends one message from one account to another and waits until it was delivered.

    Raises:
        LoginRefused: A login did not succeed.
        LaunchError: The message was not acknowledged or not delivered by the deadline.
    """
    body = b"waybill is ready? " + secrets.token_hex(8).encode()
    receiving, sending = Probe(body), Probe()
    sessions: list[Session] = []
    try:
        for credential, probe in ((recipient, receiving), (sender, sending)):
            login = Login(endpoint=endpoint, credential=credential, device="probe", deadline=deadline)
            sessions.append(driver.connect(login, probe))
        conversation = driver.direct_conversation(sender.user, recipient.user)
        sessions[1].send(_SEND, conversation, secrets.token_hex(16), body)
        if Capability.SENDER_ACK in driver.capabilities:
            sending.wait(lambda: _SEND in sending.outcomes, deadline)
            outcome = sending.outcomes.get(_SEND)
            # A server may leave the acknowledgements of its protocol out; that is for the scenarios to tell.
            if outcome is None or (outcome.completion is not Completion.OK and outcome.code != ACCEPTED):
                said = f"{outcome.code} {outcome.text}".strip() if outcome else sending.end or "no answer"
                raise LaunchError(f"The node at {endpoint.url} did not take a message over: {said}.")
        if not receiving.wait(lambda: receiving.found is not None, deadline):
            raise LaunchError(
                f"The node at {endpoint.url} did not deliver a message within {deadline:g} s"
                f"{f' ({receiving.end})' if receiving.end else ''}."
            )
        if Capability.RECIPIENT_ACK in driver.capabilities and receiving.found is not None:
            sessions[0].acknowledge(_ACKNOWLEDGE, receiving.found)
            receiving.wait(lambda: _ACKNOWLEDGE in receiving.outcomes, deadline)
    finally:
        for session in sessions:
            session.close()


__all__ = ["LoginRefused", "round_trip"]
