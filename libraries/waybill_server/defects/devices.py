"""A user's devices that are taken for one."""

from __future__ import annotations

from collections.abc import Sequence

from waybill_server.defects.registry import seeded
from waybill_server.ledger import Ledger
from waybill_server.records import Message
from waybill_server.router import Listener, LocalRouter


@seeded("last-login-wins", seam="router", noticed={"DEV-1": ("stuck",)})
class LastLoginWins(LocalRouter):
    """Only the device of a user that logged in last is told of new messages."""

    def __init__(self) -> None:
        super().__init__()
        self._newest: dict[str, Listener] = {}

    def attach(self, listener: Listener) -> Listener | None:
        """Remembers the newest."""
        self._newest[listener.user] = listener
        return super().attach(listener)

    def publish(self, message: Message, positions: Sequence[tuple[str, int]]) -> None:
        """Tells the newest session of each user."""
        for user, position in positions:
            if user in self._newest:
                self._newest[user].arrived(position, message)


@seeded("no-copy-to-own-devices", seam="router", noticed={"DEV-1": ("lost-acked",)})
class NoCopyToOwnDevices(LocalRouter):
    """What a user sends is not put into the user's own log, so the other devices never see it."""

    def recipients(self, conversation: str, sender: str, members: Sequence[str]) -> Sequence[str]:
        """Everybody but the sender."""
        return [user for user in members if user != sender]


@seeded("device-cursor-shared", seam="ledger", noticed={"DEV-1": ("stuck",)})
class DeviceCursorShared(Ledger):
    """All devices of a user share one cursor: what one of them acknowledged no other is given after it comes back."""

    def _cursor(self, user: str, device: str) -> int | None:
        row = self.connection.execute("SELECT MAX(cursor) FROM device WHERE user = ?", (user,)).fetchone()
        return None if row[0] is None else int(row[0])
