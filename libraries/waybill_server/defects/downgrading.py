"""Nodes that can be talked into less than they have, or lead their clients there.

The SSL library refuses most of this by itself and cannot be told otherwise. So two of these stand before the node, as a
load balancer does, on a port of their own: one changes a few bytes on their way to a good handshake, the other ends TLS
in a way that the module ssl does not know.
"""

from __future__ import annotations

import asyncio
from asyncio.sslproto import SSLProtocol
from collections.abc import Callable
from typing import Any, Final

from cryptography.hazmat.bindings.openssl.binding import Binding
from OpenSSL import SSL

from waybill_server.connection import PATH, Connection
from waybill_server.defects.registry import ALWAYS, seeded
from waybill_server.node import Settings, assemble
from waybill_server.services import Services
from waybill_server.session import Session
from waybill_server.token_check import TokenCheck

SIGNAL: Final = b"\x56\x00"
NO_SUITE: Final = b"\x0a\x0a"
"""A suite that clients offer to see that servers ignore what they do not know (RFC 8701)."""

EARLY_DATA: Final = 16_384
NO_ANTI_REPLAY: Final = 1 << 24
PIECE: Final = 65_536
_READ_ON, _ALL_READ = 1, 2

_kept: list[asyncio.Task[None]] = []
"""The event loop itself keeps only a weak hold of its tasks."""


@seeded(
    "fallback-scsv-ignored",
    seam="assembly",
    noticed={"TLS-2": ("as a fallback was accepted",)},
    steady=ALWAYS,
)
def ignore_fallbacks(settings: Settings, token_check: TokenCheck) -> Services:
    """Beside the node's own port there is another one that goes on with a hello that says that it is a fallback.

    The signal is made a suite that means nothing before the hello is read, so such a handshake goes as far as the
    server's hello; all others are as good as at the own port.
    """
    services = assemble(settings, token_check)
    context = services.tls(settings.certificate, settings.key)

    def protocol() -> asyncio.Protocol:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Any] = loop.create_future()
        return _Overlooking(SSLProtocol(loop, _connection(services), context, done, server_side=True))

    _listen(settings, protocol)
    return services


@seeded(
    "early-data-replayed",
    seam="assembly",
    noticed={"TLS-2": ("and took the same bytes again",)},
    steady=ALWAYS,
)
def take_early_data(settings: Settings, token_check: TokenCheck) -> Services:
    """Beside the node's own port there is another one that takes early data, as often as it is sent."""
    services = assemble(settings, token_check)
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.use_certificate_chain_file(str(settings.certificate))
    context.use_privatekey_file(str(settings.key))
    context.set_session_id(b"waybill")
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_cipher_list(b"ECDHE+AESGCM:ECDHE+CHACHA20")
    context.set_options(NO_ANTI_REPLAY | SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION)
    # pyOpenSSL has no words for early data, but the functions are there.
    Binding.lib.SSL_CTX_set_max_early_data(context._context, EARLY_DATA)
    _listen(settings, lambda: _Eager(_connection(services), context))
    return services


@seeded(
    "ws-plaintext-redirect",
    seam="connection",
    noticed={"TLS-2": ("Location: ws://",)},
    steady=ALWAYS,
)
class LeadingAway(Connection):
    """Whoever asks for a path that the node does not serve is sent to the same one without TLS."""

    def data_received(self, data: bytes) -> None:
        """Looks at what is asked for first."""
        if data.startswith(b"GET ") and not data.startswith(f"GET {PATH} ".encode()):
            assert self._transport is not None
            path = data.split()[1].decode(errors="replace")
            host, port = self._transport.get_extra_info("sockname")[:2]
            self._transport.write(
                f"HTTP/1.1 301 Moved Permanently\r\nLocation: ws://{host}:{port}{path}\r\n"
                f"Content-Length: 0\r\nConnection: close\r\n\r\n".encode()
            )
            self._transport.close()
            return
        super().data_received(data)


def _connection(services: Services) -> Connection:
    return services.connection(
        services.limits, services.timing, lambda connection: Session(services, connection)
    )


def _listen(settings: Settings, protocol: Callable[[], asyncio.Protocol]) -> None:
    """Opens one more port."""
    loop = asyncio.get_running_loop()

    async def listen() -> None:
        await loop.create_server(protocol, settings.host, 0)

    _kept.append(loop.create_task(listen()))


class _Overlooking(asyncio.Protocol):
    """Passes everything on, but for the signal of a fallback in the first bytes."""

    def __init__(self, inner: SSLProtocol) -> None:
        self._inner: Any = inner
        self._begun = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._inner.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if not self._begun:
            self._begun = True
            data = data.replace(SIGNAL, NO_SUITE)
        while data:
            space = self._inner.get_buffer(len(data))
            count = min(len(space), len(data))
            space[:count] = data[:count]
            self._inner.buffer_updated(count)
            data = data[count:]

    def eof_received(self) -> bool | None:
        return bool(self._inner.eof_received())

    def connection_lost(self, exc: Exception | None) -> None:
        self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()


class _Eager(asyncio.Protocol):
    """Ends TLS, early data included, and gives everything that was said to a connection."""

    def __init__(self, inner: Connection, context: SSL.Context) -> None:
        self._inner = inner
        self._tls = SSL.Connection(context, None)
        self._tls.set_accept_state()
        self._early = b""
        self._step = self._read_early
        self._transport: asyncio.Transport | None = None
        self._told = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        self._tls.bio_write(data)
        try:
            while self._step():
                self.flush()
        except SSL.WantReadError:
            self.flush()
        except SSL.Error:
            self.flush()
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._told:
            self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        if self._told:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        if self._told:
            self._inner.resume_writing()

    def say(self, content: bytes) -> None:
        """Writes to the client."""
        if content:
            self._tls.send(content)
            self.flush()

    def flush(self) -> None:
        """Hands on what TLS wants to say."""
        assert self._transport is not None
        try:
            while True:
                self._transport.write(self._tls.bio_read(PIECE))
        except SSL.WantReadError:
            return

    def _read_early(self) -> bool:
        library, foreign = Binding.lib, Binding.ffi
        space, length = foreign.new("char[]", EARLY_DATA), foreign.new("size_t *")
        inner = self._tls._ssl
        state = library.SSL_read_early_data(inner, space, EARLY_DATA, length)
        if state == _READ_ON:
            self._early += bytes(foreign.buffer(space, length[0]))
        elif state == _ALL_READ:
            self._step = self._shake_hands
        else:
            library.ERR_clear_error()
            raise SSL.WantReadError
        return True

    def _shake_hands(self) -> bool:
        assert self._transport is not None
        self._tls.do_handshake()
        self._told = True
        self._inner.connection_made(_Through(self._transport, self))
        if self._early:
            self._inner.data_received(self._early)
        self._step = self._read
        return True

    def _read(self) -> bool:
        self._inner.data_received(self._tls.recv(PIECE))
        return True


class _Through(asyncio.Transport):
    """The transport of a connection whose TLS is ended here."""

    def __init__(self, transport: asyncio.Transport, tls: _Eager) -> None:
        super().__init__()
        self._transport = transport
        self._tls = tls

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._tls.say(bytes(data))

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._transport.set_write_buffer_limits(high, low)

    def get_write_buffer_size(self) -> int:
        return self._transport.get_write_buffer_size()

    def pause_reading(self) -> None:
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._transport.resume_reading()

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def close(self) -> None:
        self._transport.close()

    def abort(self) -> None:
        self._transport.abort()
