"""The router of one node: the newest session of a device stands, and only it can be taken away."""

from __future__ import annotations

from dataclasses import dataclass, field

from waybill_server.records import Message
from waybill_server.router import LocalRouter
from waybill_server.server_frames import ServerFrame


@dataclass(eq=False)
class Session:
    """An open session that notes what it is told."""

    user: str
    device: str
    capabilities: frozenset[str] = frozenset()
    positions: list[int] = field(default_factory=list)

    def arrived(self, position: int, message: Message) -> None:
        self.positions.append(position)

    def push(self, key: tuple[str, ...], frame: ServerFrame) -> None:
        raise NotImplementedError

    def notice(self, frame: ServerFrame) -> None:
        raise NotImplementedError

    def replaced(self) -> None:
        raise NotImplementedError


def test_the_newest_session_of_a_device_stands() -> None:
    router = LocalRouter()
    older, newer, other = Session("alice", "phone"), Session("alice", "phone"), Session("alice", "pad")

    assert router.attach(older) is None
    assert router.attach(other) is None
    assert router.attach(newer) is older
    assert router.detach(older) is False
    assert set(router.sessions("alice")) == {newer, other}
    assert router.detach(newer) is True
    assert router.detach(newer) is False
    assert list(router.sessions("alice")) == [other]
    assert router.detach(other) is True
    assert not router.sessions("alice")
    assert router.detach(other) is False
