"""The listeners of wire v1: TCP on a port, WebSocket on the next one, both below TLS."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable

from waybill_server.services import Services
from waybill_server.v1.connection import PacketConnection, StreamConnection
from waybill_server.v1.session import V1Session

ATTEMPTS = 50
"""Pairs of ports that are tried where the kernel may choose: the second of a pair may be taken."""


async def listen(
    services: Services, host: str, port: int, context: ssl.SSLContext
) -> tuple[asyncio.Server, asyncio.Server]:
    """Opens both ports; with port 0 the kernel chooses the first.

    Raises:
        OSError: One of them cannot be bound.
    """

    def stream() -> StreamConnection:
        return StreamConnection(services.limits, services.timing, lambda one: V1Session(services, one))

    def packets() -> PacketConnection:
        return PacketConnection(services.limits, services.timing, lambda one: _packet_session(services, one))

    for attempt in range(1, ATTEMPTS + 1):
        first = await _open(stream, services, host, port, context)
        try:
            number = first.sockets[0].getsockname()[1]
            return first, await _open(packets, services, host, number + 1, context)
        except (OSError, OverflowError):
            first.close()
            if port or attempt == ATTEMPTS:
                raise
    raise AssertionError("unreachable")


def _packet_session(services: Services, connection: object) -> V1Session:
    assert isinstance(connection, PacketConnection)
    return V1Session(services, connection)


async def _open(
    make: Callable[[], asyncio.Protocol], services: Services, host: str, port: int, context: ssl.SSLContext
) -> asyncio.Server:
    return await asyncio.get_running_loop().create_server(
        make,
        host,
        port,
        ssl=context,
        backlog=1024,
        ssl_handshake_timeout=services.timing.hello,
        ssl_shutdown_timeout=services.timing.closing,
    )
