"""Who gets a message at a node with peers, and who is logged in at which node."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from waybill_server.clock import Clock
from waybill_server.cluster.frames import LinkFrame, SessionEnded, SessionOpened, SessionsOpen, Types
from waybill_server.router import Listener, LocalRouter
from waybill_server.server_frames import TypingNotice

Device = tuple[str, str]


class ClusterRouter(LocalRouter):
    """The router of one node of several.

    Args:
        clock: Dates the sessions.

    Attributes:
        say: Says something to one other node, or to all (None); set before anybody logs in.
        changed: Is called with a user who came or went at another node, and when.
    """

    say: Callable[[str | None, LinkFrame], None]
    changed: Callable[[str, int], None]

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self._since: dict[Device, int] = {}
        self._away: dict[str, dict[str, dict[str, int]]] = {}

    # This node's sessions.

    def attach(self, listener: Listener) -> Listener | None:
        """Adds a session, and tells the other nodes."""
        older = super().attach(listener)
        since = self._since[listener.user, listener.device] = self._clock.wall_ms()
        self.say(None, SessionOpened(listener.user, listener.device, since))
        return older

    def detach(self, listener: Listener) -> bool:
        """Removes a session, and tells the other nodes."""
        detached = super().detach(listener)
        if detached:
            del self._since[listener.user, listener.device]
            self.say(None, SessionEnded(listener.user, listener.device, self._clock.wall_ms()))
        return detached

    def all_open(self) -> SessionsOpen:
        """This node's sessions."""
        return SessionsOpen([(*device, since) for device, since in self._since.items()])

    # The sessions of other nodes.

    def elsewhere(self, user: str, notice: TypingNotice) -> None:
        """Passes a notice on to the nodes where the user is."""
        for node, users in self._away.items():
            if user in users:
                self.say(node, Types(user, notice.conversation, notice.user, notice.active))

    def away(self, user: str) -> bool:
        """Whether the user has a session at another node."""
        return any(user in users for users in self._away.values())

    def hear(self, node: str, frame: SessionsOpen | SessionOpened | SessionEnded | Types) -> None:
        """Takes note of what another node says of its sessions."""
        match frame:
            case SessionsOpen(sessions):
                self._replace(node, sessions)
            case SessionOpened(user, device, since):
                self._away.setdefault(node, {}).setdefault(user, {})[device] = since
                self._yield(user, device, since)
                self.changed(user, since)
            case SessionEnded(user, device, time):
                self._remove(node, user, device)
                self.changed(user, time)
            case Types(to, conversation, user, active):
                for listener in tuple(self.sessions(to)):
                    if "typing" in listener.capabilities:
                        listener.notice(TypingNotice(conversation, user, active))

    def lost(self, node: str) -> None:
        """Nothing is heard of another node: nobody is there, as far as anybody knows."""
        self._replace(node, ())

    def _replace(self, node: str, sessions: Iterable[tuple[str, str, int]]) -> None:
        before = self._away.pop(node, {})
        now: dict[str, dict[str, int]] = {}
        for user, device, since in sessions:
            now.setdefault(user, {})[device] = since
        self._away[node] = now
        for user, devices in now.items():
            for device, since in devices.items():
                self._yield(user, device, since)
        for user in before.keys() ^ now.keys():
            self.changed(user, self._clock.wall_ms())

    def _remove(self, node: str, user: str, device: str) -> None:
        devices = self._away.get(node, {}).get(user, {})
        devices.pop(device, None)
        if not devices:
            self._away.get(node, {}).pop(user, None)

    def _yield(self, user: str, device: str, since: int) -> None:
        """The newest session of a device wins, wherever it is."""
        if since < self._since.get((user, device), since):
            return
        for listener in tuple(self.sessions(user)):
            if listener.device == device:
                listener.replaced()
