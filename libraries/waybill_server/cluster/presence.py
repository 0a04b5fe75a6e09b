"""Presence over all nodes that can be reached."""

from __future__ import annotations

from waybill_server.clock import Clock
from waybill_server.cluster.router import ClusterRouter
from waybill_server.presence import PresenceBoard
from waybill_server.router import Router
from waybill_server.store import Store


class ClusterPresence(PresenceBoard):
    """Presence as one node of several sees it: a user is online who has a session at any node that is heard of."""

    def __init__(self, store: Store, router: Router, clock: Clock) -> None:
        super().__init__(store, router, clock)
        assert isinstance(router, ClusterRouter)
        self._cluster_router = router
        router.changed = self.changed

    def online(self, user: str) -> bool:
        """Whether the user has an open session."""
        return super().online(user) or self._cluster_router.away(user)

    def left(self, user: str) -> None:
        """The user's last session here ended."""
        if not self._cluster_router.away(user):
            super().left(user)

    def changed(self, user: str, time: int) -> None:
        """The user came or went at another node."""
        if not self.online(user):
            self._leaving[user] = max(time, self._leaving.get(user, 0))
        self._tell(user)

    def noted(self, user: str, time: int) -> None:
        """A sign of life is stored."""
        if time >= self._leaving.get(user, time + 1):
            del self._leaving[user]
