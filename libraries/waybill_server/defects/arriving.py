"""Devices that come at an awkward moment, or that were quiet for long."""

from __future__ import annotations

import time
from collections.abc import Sequence

from waybill_server.clock import message_time
from waybill_server.defects.counting import Every, strikes
from waybill_server.defects.registry import MOMENT, seeded
from waybill_server.feeder import Feeder
from waybill_server.records import Message
from waybill_server.router import Listener, LocalRouter

FRESH_MS = 250
IDLE_SECONDS = 2.5


@seeded(
    "fresh-message-missed-at-login",
    seam="feeder",
    noticed={"OFF-1": ("within", "gap", "stuck")},
    steady=MOMENT,
)
class FreshMessageMissedAtLogin(Feeder):
    """A device that logs in within a quarter of a second of the last message to it is given nothing that waited."""

    def wake(self) -> None:
        """Begins behind everything, if the newest entry is fresh; decided once, by the constructor's call."""
        if not hasattr(self, "_decided"):
            self._decided = True
            newest = self._store.entries(self._user, max(0, self._head - 1), self._head)
            if newest and time.time() * 1000 - message_time(newest[-1].message.number) < FRESH_MS:
                self._position = self._head
        super().wake()


@seeded(
    "old-session-removes-new",
    seam="router",
    noticed={"ORD-2": ("stuck", "within")},
    rare="Every second time the end of a replaced session takes the newer one off the list of those to be told.",
)
class OldSessionRemovesNew(LocalRouter):
    """The end of a session that was replaced takes the newer session of the device off the list of those to be told."""

    _removes = Every(1, rare=2)

    def detach(self, listener: Listener) -> bool:
        """Removes whatever session the device has."""
        devices = self._users.get(listener.user, {})
        if devices.get(listener.device) is not listener:
            if self._removes.now():
                devices.pop(listener.device, None)
            return False
        return super().detach(listener)


@seeded(
    "newest-leaving-unroutes",
    seam="router",
    noticed={"DEL-1": ("was given 100 of them", "was given 600 of them")},
    rare="When a user's newest device loses its connection without goodbye, no other one is told of anything.",
)
class NewestLeavingUnroutes(LocalRouter):
    """When the device of a user that logged in last leaves, none of the user's other devices is told of anything."""

    def __init__(self) -> None:
        super().__init__()
        self._newest: dict[str, Listener] = {}

    def attach(self, listener: Listener) -> Listener | None:
        """Remembers the newest."""
        self._newest[listener.user] = listener
        return super().attach(listener)

    def detach(self, listener: Listener) -> bool:
        """Removes the session, and with the newest all others."""
        goodbye = getattr(listener, "ending", False)
        if self._newest.get(listener.user) is listener and strikes(not goodbye):
            self._users[listener.user] = {listener.device: listener}
        return super().detach(listener)


@seeded(
    "idle-session-forgotten",
    seam="router",
    noticed={"DEL-1": ("was given 0 of them",)},
    steady=MOMENT,
)
class IdleSessionForgotten(LocalRouter):
    """A session to which nothing was delivered for 2.5 seconds is never told of anything again."""

    def __init__(self) -> None:
        super().__init__()
        self._told: dict[Listener, float] = {}

    def attach(self, listener: Listener) -> Listener | None:
        """Remembers when it came."""
        self._told[listener] = time.monotonic()
        return super().attach(listener)

    def publish(self, message: Message, positions: Sequence[tuple[str, int]]) -> None:
        """Tells those that were told something a moment ago."""
        now = time.monotonic()
        for user, position in positions:
            for listener in self.sessions(user):
                if now - self._told[listener] < IDLE_SECONDS:
                    self._told[listener] = now
                    listener.arrived(position, message)
