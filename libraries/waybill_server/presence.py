"""Who is online, when the others were last seen, and who wants to know."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from waybill_server.clock import Clock
from waybill_server.records import Result, SeenRequest
from waybill_server.router import Router
from waybill_server.server_frames import Presence
from waybill_server.store import Store


class Watcher(Protocol):
    """A session that watches users."""

    user: str

    def push(self, key: tuple[str, ...], frame: Presence) -> None:
        """Passes a notice on; a newer one with the same key replaces one that still waits."""


class PresenceBoard:
    """Presence of all users of the node."""

    def __init__(self, store: Store, router: Router, clock: Clock) -> None:
        self._store = store
        self._router = router
        self._clock = clock
        self._watchers: dict[str, set[Watcher]] = {}
        self._watched: dict[Watcher, Collection[str]] = {}
        self._leaving: dict[str, int] = {}

    def of(self, user: str, ref: int | None, asker: str) -> Presence:
        """A user's present state, as an answer or a push; whom the user blocks is told what is said of users never
        seen."""
        if not self._store.permissions.sees(asker, user):
            return Presence(ref, user, online=False, last_seen=None)
        if self.online(user):
            return Presence(ref, user, online=True, last_seen=self._clock.wall_ms())
        leaving = self._leaving.get(user)
        last_seen = self._store.last_seen(user) if leaving is None else leaving
        return Presence(ref, user, online=False, last_seen=last_seen)

    def online(self, user: str) -> bool:
        """Whether the user has an open session."""
        return bool(self._router.sessions(user))

    def came(self, user: str) -> None:
        """The user's first session opened."""
        self._tell(user)

    def left(self, user: str) -> None:
        """The user's last session ended."""
        now = self._clock.wall_ms()
        self._leaving[user] = now

        def stored(result: Result) -> None:
            if self._leaving.get(user) == now:
                del self._leaving[user]

        self._store.submit(SeenRequest(stored, user, now))
        self._tell(user)

    def watch(self, watcher: Watcher, users: Collection[str]) -> None:
        """Replaces what a session watches, and tells it the present state of each, at its next write."""
        states = [self.of(user, None, watcher.user) for user in users]
        self.unwatch(watcher)
        if not users:
            return
        self._watched[watcher] = users
        for state in states:
            self._watchers.setdefault(state.user, set()).add(watcher)
            watcher.push(("presence", state.user), state)

    def unwatch(self, watcher: Watcher) -> None:
        """Forgets a session."""
        for user in self._watched.pop(watcher, ()):
            watchers = self._watchers[user]
            watchers.discard(watcher)
            if not watchers:
                del self._watchers[user]

    def hid(self, user: str, other: str) -> None:
        """A user blocked another, or no longer does: the other's sessions are told what they see of the user now."""
        for watcher in self._watchers.get(user, ()):
            if watcher.user == other:
                watcher.push(("presence", user), self.of(user, None, other))

    def _tell(self, user: str) -> None:
        watchers = self._watchers.get(user)
        if watchers:
            state = self.of(user, None, user)
            for watcher in watchers:
                if self._store.permissions.sees(watcher.user, user):
                    watcher.push(("presence", user), state)
