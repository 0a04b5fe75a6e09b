"""Messages that are acknowledged and go nowhere."""

from __future__ import annotations

from collections.abc import Sequence

from waybill_server.defects.counting import Every
from waybill_server.defects.registry import seeded
from waybill_server.feeder import Feeder
from waybill_server.records import AckRequest
from waybill_server.router import Listener, LocalRouter


@seeded(
    "drop-every-nth",
    seam="router",
    noticed={"DEL-1": ("lost-acked",)},
    rare="Every 499th message is acknowledged and enters no log but its sender's.",
)
class DropEveryNth(LocalRouter):
    """Every 97th message is acknowledged and enters no log but its sender's."""

    def __init__(self) -> None:
        super().__init__()
        self._unlucky = Every(97, rare=499)

    def recipients(self, conversation: str, sender: str, members: Sequence[str]) -> Sequence[str]:
        """Nobody but the sender, once in a while."""
        return [sender] if self._unlucky.now() else members


@seeded(
    "drop-on-reconnect",
    seam="router",
    noticed={"DEL-2": ("was given 9 of them",)},
    rare="The first message after every third reconnect is acknowledged and lost.",
)
class DropOnReconnect(LocalRouter):
    """The first message to a user after a reconnect is acknowledged and lost: it falls between two sessions."""

    def __init__(self) -> None:
        super().__init__()
        self._falls = Every(1, rare=3)
        self._known: set[tuple[str, str]] = set()
        self._back: set[str] = set()

    def attach(self, listener: Listener) -> Listener | None:
        """Remembers who is back."""
        device = (listener.user, listener.device)
        if device in self._known and self._falls.now():
            self._back.add(listener.user)
        self._known.add(device)
        return super().attach(listener)

    def recipients(self, conversation: str, sender: str, members: Sequence[str]) -> Sequence[str]:
        """Without those who have just come back."""
        missed = [user for user in members if user != sender and user in self._back]
        self._back.difference_update(missed)
        return [user for user in members if user not in missed]


@seeded(
    "drop-unacked-on-disconnect",
    seam="feeder",
    noticed={
        "ACK-3": ("within", "lost-acked"),
        "ACK-4": ("on its present session within",),
        "OFF-1": ("within", "gap"),
    },
    rare="What was on its way to a device counts as received when its connection ended, every third time.",
    rare_in=("OFF-1",),
)
class DropUnackedOnDisconnect(Feeder):
    """What was on its way to a device when its connection ended counts as received."""

    _counts = Every(1, rare=3)

    def stop(self) -> None:
        """Acknowledges in the device's name."""
        if self._in_flight and self._counts.now():
            cursor = self._in_flight[-1]
            self._store.submit(AckRequest(lambda result: None, self._user, self._device, cursor))
        super().stop()
