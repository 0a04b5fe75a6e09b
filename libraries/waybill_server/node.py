"""A node: its parts put together, its listener, its life from ready to drained."""

from __future__ import annotations

import asyncio
import asyncio.sslproto
import signal
import ssl
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from waybill_server.clock import Clock, HybridClock
from waybill_server.codec import Codec, JsonCodec
from waybill_server.connection import Connection
from waybill_server.enforcement import Enforcement
from waybill_server.expiry_watch import ExpiryWatch
from waybill_server.feeder import Feeder
from waybill_server.jwk_set import JwkSource
from waybill_server.key_cache import KeyCache
from waybill_server.limits import Limits, Timing
from waybill_server.logs import log
from waybill_server.presence import PresenceBoard
from waybill_server.proof import ProofCheck
from waybill_server.releases import NEWEST, Release
from waybill_server.router import LocalRouter, Router
from waybill_server.services import Services
from waybill_server.session import Session
from waybill_server.store import OpenStore, SqliteStore, Store
from waybill_server.tls import MakeContext, tls_context
from waybill_server.token_check import IssuerTokenCheck, TokenCheck
from waybill_server.versions import CommonVersion, common_version

if TYPE_CHECKING:
    from waybill_server.admin import Administration
    from waybill_server.cluster.settings import Cluster
    from waybill_server.v1.reading import MakeReader

TICK_SECONDS = 0.25
LATE_TICK_SECONDS = 0.5
"""A tick later than this means that this process stood still: the clients are not to blame for the silence."""

SWITCH_SECONDS = 0.0005
"""How long the event loop may keep the writer thread from the interpreter; the default of 5 ms is ten commits."""

READ_BYTES = 65_536
"""The TLS read buffer of a connection; the default of 256 KiB is most of an idle connection's memory."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a node is started with."""

    data: Path
    issuer: str
    certificate: Path
    key: Path
    authority: Path | None = None
    host: str = "127.0.0.1"
    port: int = 0
    name: str = "node"
    v1_port: int | None = None
    admin_port: int | None = None
    issuer_deadline: float = 10.0
    release: Release = NEWEST
    migrate: bool = True
    cluster: Cluster | None = None
    limits: Limits = field(default_factory=Limits)
    timing: Timing = field(default_factory=Timing)


class Ports(NamedTuple):
    """Where a node listens: for wire v2, for wire v1, for administration and for other nodes, if it does."""

    v2: int
    v1: int | None
    admin: int | None
    peers: int | None


class CannotListen(Exception):
    """The address cannot be bound."""


def assemble(
    settings: Settings,
    token_check: TokenCheck,
    *,
    clock: Callable[[], Clock] = HybridClock,
    router: Callable[[], Router] = LocalRouter,
    codec: Callable[[], Codec] = JsonCodec,
    store: OpenStore = SqliteStore,
    feeder: type[Feeder] = Feeder,
    connection: type[Connection] = Connection,
    tls: MakeContext = tls_context,
    v1_reader: MakeReader | None = None,
    proof_check: Callable[[], ProofCheck] = ProofCheck,
    enforcement: type[Enforcement] = Enforcement,
    common_version: CommonVersion = common_version,
    presence: Callable[[Store, Router, Clock], PresenceBoard] = PresenceBoard,
) -> Services:
    """Puts a node together: the one place where its parts are chosen.

    Raises:
        DataRefused: The data directory is in use or damaged.
    """
    the_clock, the_router, the_codec, release = clock(), router(), codec(), settings.release
    if release is not NEWEST:
        from waybill_server.early_codec import EarlyCodec
        from waybill_server.release_one import ReusableTokensOnly

        the_codec, token_check = EarlyCodec(the_codec), ReusableTokensOnly(token_check)
    the_store = store(
        settings.data,
        the_clock,
        the_router,
        settings.limits,
        version=release.schema,
        migrate=settings.migrate,
    )
    return Services(
        store=the_store,
        router=the_router,
        codec=the_codec,
        clock=the_clock,
        token_check=token_check,
        limits=settings.limits,
        timing=settings.timing,
        presence=presence(the_store, the_router, the_clock),
        expiry=ExpiryWatch(the_store, the_router, the_clock),
        feeder=feeder,
        connection=connection,
        tls=tls,
        v1_reader=v1_reader,
        proof_check=proof_check(),
        enforcement=enforcement,
        common_version=common_version,
        release=release,
    )


Assemble = Callable[[Settings, TokenCheck], Services]


class Node:
    """A listening node."""

    def __init__(self, settings: Settings, services: Services) -> None:
        self._settings = settings
        self._services = services
        self._servers: list[asyncio.Server] = []
        self._administration: Administration | None = None

    async def listen(self) -> Ports:
        """Opens the ports: for clients once what waited at other nodes is here.

        Raises:
            CannotListen: It cannot be opened.
        """
        settings = self._settings
        peers = await self._listen_for_peers()
        context = self._services.tls(settings.certificate, settings.key)
        asyncio.sslproto.SSLProtocol.max_size = READ_BYTES
        try:
            server = await asyncio.get_running_loop().create_server(
                self._connect,
                settings.host,
                settings.port,
                ssl=context,
                backlog=1024,
                ssl_handshake_timeout=settings.timing.hello,
                ssl_shutdown_timeout=settings.timing.closing,
            )
        except OSError as error:
            raise CannotListen(
                f"cannot listen on {settings.host}:{settings.port}: {error.strerror}"
            ) from None
        self._servers.append(server)
        port: int = server.sockets[0].getsockname()[1]
        v1, admin = await self._listen_v1(context), self._listen_for_administration(context)
        return Ports(port, v1, admin, peers)

    async def _listen_for_peers(self) -> int | None:
        beyond, cluster = self._services.beyond, self._settings.cluster
        if beyond is None or cluster is None:
            return None
        try:
            port = await beyond.listen()
        except OSError as error:
            raise CannotListen(
                f"cannot listen for peers on {self._settings.host}:{cluster.port}: {error.strerror}"
            ) from None
        beyond.begin()
        await beyond.catch_up()
        return port

    async def _listen_v1(self, context: ssl.SSLContext) -> int | None:
        settings = self._settings
        if settings.v1_port is None:
            return None
        from waybill_server.v1.listener import listen

        try:
            self._servers += await listen(self._services, settings.host, settings.v1_port, context)
        except OSError as error:
            raise CannotListen(
                f"cannot listen for wire v1 on {settings.host}:{settings.v1_port} and the next port: {error.strerror}"
            ) from None
        port: int = self._servers[1].sockets[0].getsockname()[1]
        return port

    def _listen_for_administration(self, context: ssl.SSLContext) -> int | None:
        settings = self._settings
        if settings.admin_port is None:
            return None
        from waybill_server.admin import Administration
        from waybill_server.issuer_client import IssuerClient

        try:
            self._administration = Administration(
                self._services,
                IssuerClient(settings.issuer, settings.authority),
                (settings.host, settings.admin_port),
                context,
            )
        except OSError as error:
            raise CannotListen(
                f"cannot listen for administration on {settings.host}:{settings.admin_port}: {error.strerror}"
            ) from None
        return self._administration.port

    async def serve(self, stop: asyncio.Event) -> None:
        """Looks after the sessions until `stop`, then drains."""
        last = time.monotonic()
        while not stop.is_set():
            try:
                await asyncio.wait_for(stop.wait(), TICK_SECONDS)
            except TimeoutError:
                now = time.monotonic()
                self._tick(now, stood_still=now - last - TICK_SECONDS)
                last = now
        await self._drain()

    def _connect(self) -> Connection:
        services = self._services
        return services.connection(
            services.limits, services.timing, lambda connection: Session(services, connection)
        )

    def _tick(self, now: float, stood_still: float) -> None:
        for session in tuple(self._services.sessions):
            if stood_still > LATE_TICK_SECONDS:
                session.connection.heard += stood_still
            session.tick(now)

    async def _drain(self) -> None:
        services = self._services
        log("draining", sessions=len(services.sessions))
        services.draining = True
        if self._administration is not None:
            await self._administration.stop()
        for server in self._servers:
            server.close()
        if services.beyond is not None:
            # They keep what they have for this node; else their traffic could keep it from ever being done.
            await services.beyond.hear_no_more()
        await services.store.settled()
        for session in tuple(services.sessions):
            session.close("draining", "the node is shutting down; log in again later")
        if services.sessions:
            services.quiet.clear()
            try:
                await asyncio.wait_for(services.quiet.wait(), services.timing.closing)
            except TimeoutError:
                for session in tuple(services.sessions):
                    session.connection.abort()
        await services.store.settled()
        if services.beyond is not None:
            await services.beyond.end()


async def run_node(
    settings: Settings, ready: Callable[[Ports], None], put_together: Assemble = assemble
) -> None:
    """Runs a node until SIGTERM or SIGINT; calls `ready` with the ports once it can be used.

    Raises:
        DataRefused: The data directory is in use or damaged.
        IssuerFailed: The issuer gave no keys within the deadline.
        CannotListen: The address cannot be bound.
        CannotUseCertificate: The certificate cannot be used.
    """
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.set_exception_handler(_log_fault)
    sys.setswitchinterval(SWITCH_SECONDS)
    source = JwkSource(settings.issuer, settings.authority)
    fetching = loop.run_in_executor(None, source.wait, settings.issuer_deadline)
    stopping = loop.create_task(stop.wait())
    await asyncio.wait((fetching, stopping), return_when=asyncio.FIRST_COMPLETED)
    if stop.is_set():
        source.give_up()
        return
    stopping.cancel()
    check = IssuerTokenCheck(settings.issuer.rstrip("/"), KeyCache(await fetching, source.fetch))
    services = put_together(settings, check)
    try:
        node = Node(settings, services)
        ready(await node.listen())
        await node.serve(stop)
    finally:
        services.store.close()


def _log_fault(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    log("fault", message=context.get("message"), error=repr(context.get("exception")))
