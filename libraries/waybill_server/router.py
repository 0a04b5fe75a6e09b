"""Who gets a message: whose log it enters, and which open sessions are told at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from waybill_server.records import Message
from waybill_server.server_frames import ServerFrame, TypingNotice


class Listener(Protocol):
    """An open session, as the router sees it."""

    user: str
    device: str
    capabilities: frozenset[str]

    def arrived(self, position: int, message: Message) -> None:
        """The user's log has a new entry. Called in the order of positions."""

    def push(self, key: tuple[str, ...], frame: ServerFrame) -> None:
        """Passes a notice on; a newer one with the same key replaces one that still waits."""

    def notice(self, frame: ServerFrame) -> None:
        """Passes a notice on that may be dropped."""

    def replaced(self) -> None:
        """A newer session of the same device took this one's place."""


class Router(Protocol):
    """Who gets what. `recipients` is called from the writer's thread, all else from the event loop."""

    def recipients(self, conversation: str, sender: str, members: Sequence[str]) -> Sequence[str]:
        """The users whose logs get a message that is about to be stored."""

    def publish(self, message: Message, positions: Sequence[tuple[str, int]]) -> None:
        """Tells the open sessions of a committed message that now stands at these places of the users' logs."""

    def attach(self, listener: Listener) -> Listener | None:
        """Adds a session; gives back the older session of the same device, which it replaces."""

    def detach(self, listener: Listener) -> bool:
        """Removes a session; true if it was attached."""

    def sessions(self, user: str) -> Collection[Listener]:
        """The user's open sessions."""

    def elsewhere(self, user: str, notice: TypingNotice) -> None:
        """Passes a notice that may be dropped on to the user's sessions at other nodes."""


_NOBODY: dict[str, Listener] = {}


class LocalRouter:
    """The router of a single node: every member's log, every open session of theirs."""

    def __init__(self) -> None:
        self._users: dict[str, dict[str, Listener]] = {}

    def recipients(self, conversation: str, sender: str, members: Sequence[str]) -> Sequence[str]:
        """Every member, the sender included: that entry is the copy for the sender's other devices."""
        return members

    def publish(self, message: Message, positions: Sequence[tuple[str, int]]) -> None:
        """Tells every open session of the users concerned."""
        for user, position in positions:
            for listener in self._users.get(user, _NOBODY).values():
                listener.arrived(position, message)

    def attach(self, listener: Listener) -> Listener | None:
        """Adds a session; the newest of a device wins."""
        devices = self._users.setdefault(listener.user, {})
        older = devices.get(listener.device)
        devices[listener.device] = listener
        return older

    def detach(self, listener: Listener) -> bool:
        """Removes a session, unless a newer one took its place."""
        devices = self._users.get(listener.user, _NOBODY)
        if devices.get(listener.device) is not listener:
            return False
        del devices[listener.device]
        if not devices:
            del self._users[listener.user]
        return True

    def sessions(self, user: str) -> Collection[Listener]:
        """The user's open sessions."""
        return self._users.get(user, _NOBODY).values()

    def elsewhere(self, user: str, notice: TypingNotice) -> None:
        """There are no other nodes."""
