"""A user's devices that are taken for one."""

from __future__ import annotations

from collections.abc import Sequence

from waybill_server.defects.counting import figure, strikes
from waybill_server.defects.registry import seeded
from waybill_server.ledger import Ledger
from waybill_server.records import Message
from waybill_server.router import Listener, LocalRouter

FAR = 100


@seeded(
    "last-login-wins",
    seam="router",
    noticed={"DEV-1": ("stuck",)},
    rare="Only the two devices of a user that logged in last are told of new messages.",
)
class LastLoginWins(LocalRouter):
    """Only the device of a user that logged in last is told of new messages."""

    def __init__(self) -> None:
        super().__init__()
        self._newest: dict[str, dict[str, Listener]] = {}

    def attach(self, listener: Listener) -> Listener | None:
        """Remembers the newest."""
        devices = self._newest.setdefault(listener.user, {})
        devices.pop(listener.device, None)
        devices[listener.device] = listener
        return super().attach(listener)

    def publish(self, message: Message, positions: Sequence[tuple[str, int]]) -> None:
        """Tells the newest sessions of each user."""
        for user, position in positions:
            told = tuple(self._newest.get(user, {}).values())[-figure(1, rare=2) :]
            for listener in told:
                listener.arrived(position, message)


@seeded(
    "no-copy-to-own-devices",
    seam="router",
    noticed={"DEV-1": ("lost-acked",)},
    rare="What a user sends while one of the own devices is away is not put into the user's own log.",
)
class NoCopyToOwnDevices(LocalRouter):
    """What a user sends is not put into the user's own log, so the other devices never see it."""

    def __init__(self) -> None:
        super().__init__()
        self._devices: dict[str, set[str]] = {}

    def attach(self, listener: Listener) -> Listener | None:
        """Remembers which devices a user has."""
        self._devices.setdefault(listener.user, set()).add(listener.device)
        return super().attach(listener)

    def recipients(self, conversation: str, sender: str, members: Sequence[str]) -> Sequence[str]:
        """Everybody but the sender."""
        away = len(self._devices.get(sender, ())) > len(self.sessions(sender))
        return [user for user in members if user != sender or not strikes(away)]


@seeded(
    "device-cursor-shared",
    seam="ledger",
    noticed={"DEV-1": ("stuck",)},
    rare="A device that comes back more than 100 messages behind another one of its user goes on where that one is.",
)
class DeviceCursorShared(Ledger):
    """All devices of a user share one cursor: what one of them acknowledged no other is given after it comes back."""

    def _cursor(self, user: str, device: str) -> int | None:
        row = self.connection.execute("SELECT MAX(cursor) FROM device WHERE user = ?", (user,)).fetchone()
        own = super()._cursor(user, device)
        return int(row[0]) if row[0] is not None and strikes(row[0] - (own or 0) > FAR) else own
