"""Presence that does not follow."""

from __future__ import annotations

from waybill_server.defects.counting import Every
from waybill_server.defects.registry import seeded
from waybill_server.router import Listener, LocalRouter


@seeded(
    "presence-sticks-online",
    seam="router",
    noticed={"OFF-2": ("expected to be told within 3 s that bob is offline",)},
    rare="Every 25th session that ends goes unnoticed: its user stays online until the device comes back.",
)
class PresenceSticksOnline(LocalRouter):
    """Every 10th session that ends goes unnoticed: its user stays online until the device comes back."""

    def __init__(self) -> None:
        super().__init__()
        self._tenth = Every(10, rare=25)

    def detach(self, listener: Listener) -> bool:
        """Removes a session, or forgets to."""
        return not self._tenth.now() and super().detach(listener)
