"""Servers of our own that let themselves be talked into less: each goes along with what a downgrade asks for.

As with the other control servers, a refusal means something only if the same attempt succeeds here.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
from collections.abc import Callable
from typing import Final, TypeVar

from cryptography.hazmat.bindings.openssl.binding import Binding
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import load_pem_x509_certificate
from OpenSSL import SSL

from waybill.tls.client import PIECE
from waybill.tls.client_hello import SESSION_TICKET, ClientHello
from waybill.tls.control_servers import ControlServer, ReadingServer, self_signed, server_hello, weak_context
from waybill.tls.hello import SUPPORTED_VERSIONS, TLS_1_2, TLS_1_3
from waybill.tls.middle import Middle
from waybill.tls.places import Place
from waybill.tls.records import ALERT, CHANGE_CIPHER_SPEC, HANDSHAKE
from waybill.tls.starttls import xmpp

_CHANGE: Final = struct.pack(">BHHB", CHANGE_CIPHER_SPEC, TLS_1_2, 1, 1)
_FINISHED: Final = struct.pack(">BHH", HANDSHAKE, TLS_1_2, 40) + b"\0" * 40
"""The last words of a handshake, of which nobody but the two ends can see that they are wrong."""

_EARLY_DATA: Final = 16_384
_NO_ANTI_REPLAY: Final = 1 << 24
_READ_ON, _ALL_READ = 1, 2
"""OpenSSL's answers to a wish for early data: there is some, or it is over."""

Result = TypeVar("Result")

_STREAM: Final = (
    b"<?xml version='1.0'?><stream:stream xmlns='jabber:client' version='1.0' id='control' from='localhost' "
    b"xmlns:stream='http://etherx.jabber.org/streams'><stream:features>"
    b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>%s</stream:features>"
)


class GoingOnServer(ReadingServer):
    """Has TLS 1.3, and goes on with any older version without a word about it."""

    def __init__(self) -> None:
        super().__init__("the control server that goes on")

    def hello(self, record: bytes) -> bytes:
        """Chooses the newest version that is offered."""
        if ClientHello.read(record).newest < TLS_1_3:
            return server_hello(record)
        return server_hello(record, struct.pack(">HHH", SUPPORTED_VERSIONS, 2, TLS_1_3))


class FinishingMiddle(Middle):
    """Stands before a server and finishes every handshake that the server refuses to finish."""

    def meet(self, client: socket.socket) -> None:
        """Says the last words of a handshake in place of an alert."""
        with self.upstream() as server:
            self.pass_on(client, server, down=lambda said: _CHANGE + _FINISHED if said[0] == ALERT else said)


class TakingUpServer(ControlServer):
    """Takes up whatever session it is told of in TLS 1.2; everything else it does as a good server."""

    def __init__(self) -> None:
        self._context = weak_context(ssl.TLSVersion.TLSv1_3)
        super().__init__("the control server that takes sessions up")

    def answer(self, connection: socket.socket) -> None:
        """Looks at the hello before it is read."""
        record = connection.recv(65_536, socket.MSG_PEEK)
        hello = ClientHello.read(record)
        extensions = dict(hello.extensions)
        if extensions.get(SESSION_TICKET) and SUPPORTED_VERSIONS not in extensions:
            connection.sendall(server_hello(record, session=hello.session) + _CHANGE + _FINISHED)
            connection.recv(65_536)
            return
        with self._context.wrap_socket(connection, server_side=True) as tls:
            while content := tls.recv(4096):
                tls.sendall(content)


class EagerServer(ControlServer):
    """Takes early data, as often as it is sent."""

    def __init__(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        self._context = SSL.Context(SSL.TLS_SERVER_METHOD)
        self._context.use_privatekey(key)
        self._context.use_certificate(load_pem_x509_certificate(self_signed(key)))
        self._context.set_session_id(b"waybill")
        self._context.set_options(_NO_ANTI_REPLAY)
        context = self._context._context  # pyOpenSSL has no words for early data
        Binding.lib.SSL_CTX_set_max_early_data(context, _EARLY_DATA)
        super().__init__("the eager control server")

    def answer(self, connection: socket.socket) -> None:
        """Reads early data, shakes hands, and sends back what came."""
        tls = SSL.Connection(self._context, None)
        tls.set_accept_state()
        early = _read_early(tls, connection)
        _act(tls, connection, tls.do_handshake)
        if early:
            tls.send(early)
        while True:
            tls.send(_act(tls, connection, lambda: tls.recv(PIECE)))


class LeadingAwayServer(ControlServer):
    """Sends every client of HTTP to an address without TLS."""

    def __init__(self) -> None:
        self._context = weak_context()
        super().__init__("the control server that leads away")

    def answer(self, connection: socket.socket) -> None:
        """Redirects."""
        with self._context.wrap_socket(connection, server_side=True) as tls:
            tls.recv(4096)
            tls.sendall(b"HTTP/1.1 301 Moved Permanently\r\nLocation: ws://localhost/v2\r\n\r\n")


class CarelessStreamServer(ControlServer):
    """Begins without TLS, offers a login there, and keeps in mind over the handshake what came before it.

    Args:
        offers_login: It offers a login before TLS.
    """

    def __init__(self, *, offers_login: bool = True) -> None:
        self._context = weak_context()
        self._features = _STREAM % (
            b"<mechanisms><mechanism>PLAIN</mechanism></mechanisms>" if offers_login else b""
        )
        super().__init__("the careless control server of streams")
        self.place = Place(self.place.title, self.place.host, self.place.port, "localhost", xmpp("localhost"))

    def answer(self, connection: socket.socket) -> None:
        """Two streams, one before and one after the handshake, and one buffer for both."""
        connection.recv(4096)
        connection.sendall(self._features)
        kept = connection.recv(4096)
        if b"<auth" in kept:
            connection.sendall(
                b"<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>"
            )
            return
        connection.sendall(b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
        with self._context.wrap_socket(connection, server_side=True) as tls:
            kept = kept.partition(b"/>")[2]
            if b"<ping" in kept:
                tls.sendall(b"<iq type='result' id='waybill-injected'/>")
            tls.recv(4096)
            tls.sendall(self._features)


def _read_early(tls: SSL.Connection, connection: socket.socket) -> bytes:
    library, foreign = Binding.lib, Binding.ffi
    inner = tls._ssl  # pyOpenSSL has no words for early data
    space, length, early = foreign.new("char[]", PIECE), foreign.new("size_t *"), b""
    while (state := library.SSL_read_early_data(inner, space, PIECE, length)) != _ALL_READ:
        if state == _READ_ON:
            early += bytes(foreign.buffer(space, length[0]))
            continue
        library.ERR_clear_error()
        _exchange(tls, connection)
    return early


def _act(tls: SSL.Connection, connection: socket.socket, act: Callable[[], Result]) -> Result:
    while True:
        try:
            done = act()
        except SSL.WantReadError:
            _exchange(tls, connection)
        except SSL.ZeroReturnError:
            tls.shutdown()
            _flush(tls, connection)
            raise ConnectionAbortedError("the client said goodbye") from None
        except SSL.Error as error:
            raise ConnectionAbortedError(str(error)) from None
        else:
            _flush(tls, connection)
            return done


def _exchange(tls: SSL.Connection, connection: socket.socket) -> None:
    _flush(tls, connection)
    received = connection.recv(PIECE)
    if not received:
        raise ConnectionAbortedError("the client is gone")
    tls.bio_write(received)


def _flush(tls: SSL.Connection, connection: socket.socket) -> None:
    with contextlib.suppress(SSL.WantReadError):
        while True:
            connection.sendall(tls.bio_read(PIECE))
