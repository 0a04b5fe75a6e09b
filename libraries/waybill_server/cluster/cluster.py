"""The other nodes, as one node sees them: its links to them, and theirs to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from waybill_server.cluster.breaker import Breaker
from waybill_server.cluster.catching_up import CatchingUp
from waybill_server.cluster.frames import (
    Call,
    Greeting,
    LinkFrame,
    Reply,
    SessionEnded,
    SessionOpened,
    SessionsOpen,
    Types,
)
from waybill_server.cluster.homes import Homes
from waybill_server.cluster.incoming import Incoming
from waybill_server.cluster.link import Link
from waybill_server.cluster.router import ClusterRouter
from waybill_server.cluster.settings import Cluster, Thresholds
from waybill_server.cluster.settling import Settling
from waybill_server.cluster.store import ClusterStore
from waybill_server.cluster.tls import PeerTls
from waybill_server.logs import log

MakeBreaker = Callable[[str, Thresholds], Breaker]


class Peers:
    """The other nodes of a cluster.

    Args:
        homes: The names.
        host: Where to listen.
        cluster: The node's files, and the addresses of its peers.
        store: The node's memory.
        router: The node's sessions.
        release: The number of the node's release.
        tls: The contexts.
        link: How records go to a peer.
        breaker: When nobody waits for a link.

    Raises:
        CannotUseCertificate: A file cannot be used.
    """

    def __init__(
        self,
        homes: Homes,
        host: str,
        cluster: Cluster,
        store: ClusterStore,
        router: ClusterRouter,
        *,
        release: int,
        tls: PeerTls,
        link: type[Link],
        breaker: MakeBreaker,
    ) -> None:
        self._host = host
        self._port = cluster.port
        self._thresholds = cluster.thresholds
        self._store = store
        self._router = router
        self._server_context = tls.server()
        context, name = tls.client(), store.name
        self._links = {
            peer: link(
                Greeting(homes.own, peer, name, release),
                cluster.peers[peer],
                context,
                store,
                breaker(peer, cluster.thresholds),
                router.all_open,
            )
            for peer in homes.peers
        }
        store.links = self._links
        store.settling = Settling(self._links, cluster.thresholds)
        router.say = self.say
        self._incoming = Incoming(homes.own, homes.peers, release, tls, cluster.thresholds, self)
        self._catching_up = CatchingUp(homes.peers)
        self._server: asyncio.Server | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def listen(self) -> int:
        """Opens the port for the others; gives its number.

        Raises:
            OSError: It cannot be opened.
        """
        self._server = await asyncio.start_server(
            self._incoming.serve, self._host, self._port, ssl=self._server_context
        )
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def begin(self) -> None:
        """Connects to the others, from now on."""
        self._tasks = [asyncio.ensure_future(link.run()) for link in self._links.values()]

    async def catch_up(self) -> None:
        """Returns when this node has what every other one that can be reached had for it, or after a bound."""
        looking = [asyncio.ensure_future(self._look_for(link)) for link in self._links.values()]
        try:
            async with asyncio.timeout(self._thresholds.catching_up):
                await self._catching_up.done()
        except TimeoutError:
            log("not-caught-up", peers=self._catching_up.missing)
        finally:
            for task in looking:
                task.cancel()

    async def hear_no_more(self) -> None:
        """Takes nothing more from the others; what this node has for them still goes its way."""
        if self._server is not None:
            self._server.close()
        await self._incoming.end()

    async def end(self) -> None:
        """Gives up every connection."""
        await self.hear_no_more()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def links(self) -> list[dict[str, object]]:
        """The state of the link to each of the others."""
        return [self._state(link) for link in self._links.values()]

    def say(self, peer: str | None, frame: LinkFrame) -> None:
        """Says something that may be lost to one of the others, or to all."""
        for link in self._links.values() if peer is None else (self._links[peer],):
            link.say(frame)

    # What incoming links need.

    def greeted(self, origin: str) -> None:
        """Another node is there: it can be reached again."""
        self._links[origin].is_there()

    def applied(self, origin: str, store: str, then: Callable[[int], None]) -> None:
        """Tells the number of the last record of an origin that was applied, once all before is."""

        def told(number: int) -> None:
            self._catching_up.applied(origin, number)
            then(number)

        self._store.applied(origin, store, told)

    def apply(
        self,
        origin: str,
        store: str,
        number: int,
        record: bytes,
        committed: Callable[[bool], None],
        spread: Callable[[], None],
    ) -> None:
        """Applies a record; tells when it is committed, or failed, and when what came of it is everywhere."""

        def done(applied: bool) -> None:
            if applied:
                self._catching_up.applied(origin, number)
            committed(applied)

        self._store.apply(origin, store, number, record, done, spread)

    def answer(self, origin: str, call: Call, reply: Callable[[Reply], None]) -> None:
        """Does what another node asks for."""
        self._store.answer(origin, call, reply)

    def hear(self, origin: str, frame: SessionsOpen | SessionOpened | SessionEnded | Types) -> None:
        """Takes note of what another node says."""
        if isinstance(frame, SessionsOpen):
            self._catching_up.owes(origin, frame.last)
        self._router.hear(origin, frame)

    def lost(self, origin: str) -> None:
        """Nothing is heard of another node any more."""
        self._router.lost(origin)

    async def _look_for(self, link: Link) -> None:
        await link.tried.wait()
        if not link.connected:
            self._catching_up.is_out_of_reach(link.peer)

    def _state(self, link: Link) -> dict[str, object]:
        count, oldest = self._store.waiting(link.peer, link.confirmed)
        return {
            "peer": link.peer,
            "release": link.release,
            "breaker": link.breaker.state.value,
            "since": link.breaker.since,
            "connected": link.connected,
            "failures": link.breaker.failures,
            "waiting": count,
            "oldest": oldest,
        }
