"""A second handshake on a connection, asked for by the client; only TLS 1.2 and older have that."""

from __future__ import annotations

import socket
import time

from OpenSSL import SSL

from waybill.tls.hello import is_host_name
from waybill.tls.places import Outcome

_PIECE = 16_384
_SECURITY_LEVEL_0 = b"DEFAULT:@SECLEVEL=0"


class _Gone(Exception):
    """The server ended the connection."""


def renegotiate(connection: socket.socket, name: str, deadline: float) -> tuple[Outcome, str]:
    """Shakes hands over TLS 1.2, asks for another handshake, and says what became of that.

    Args:
        connection: A connection on which nothing of TLS was said yet.
        name: The host name to ask for.
        deadline: Seconds for everything.
    """
    tls = _client(name)
    until = time.monotonic() + deadline
    try:
        _shake_hands(tls, connection, until)
    except SSL.Error as error:
        return _first_failed(_reason(error))
    except (_Gone, ConnectionError):
        return Outcome.REFUSED, "it ended the connection in the handshake of TLS 1.2"
    except TimeoutError:
        return Outcome.UNANSWERED, f"no answer within {deadline:g} s"
    return _ask_again(tls, connection, until)


def _first_failed(reason: str) -> tuple[Outcome, str]:
    """What it means that not even the first handshake came about."""
    if "alert" in reason:
        return Outcome.REFUSED, f"it has no TLS 1.2, and TLS 1.3 has no renegotiation: {reason}"
    return Outcome.NOT_OFFERED, f"the SSL library gave up: {reason}"


def _ask_again(tls: SSL.Connection, connection: socket.socket, until: float) -> tuple[Outcome, str]:
    """Asks for another handshake on a connection that has had its first."""
    try:
        if not tls.renegotiate():
            return Outcome.NOT_OFFERED, "the SSL library did not ask for another handshake"
        _shake_hands(tls, connection, until)
    except SSL.Error as error:
        reason = _reason(error)
        if "no renegotiation" in reason or "alert" in reason:
            return Outcome.REFUSED, f"it refused: {reason}"
        return Outcome.NOT_OFFERED, f"the SSL library gave up: {reason}"
    except (_Gone, ConnectionError):
        return Outcome.REFUSED, "it ended the connection"
    except TimeoutError:
        return Outcome.UNANSWERED, "it neither refused nor shook hands again in time"
    return Outcome.ACCEPTED, f"it shook hands {1 + tls.total_renegotiations()} times on one connection"


def _client(name: str) -> SSL.Connection:
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_max_proto_version(SSL.TLS1_2_VERSION)
    context.set_verify(SSL.VERIFY_NONE)
    context.set_cipher_list(_SECURITY_LEVEL_0)
    tls = SSL.Connection(context, None)
    tls.set_connect_state()
    if is_host_name(name):
        tls.set_tlsext_host_name(name.encode("idna"))
    return tls


def _shake_hands(tls: SSL.Connection, connection: socket.socket, until: float) -> None:
    """Moves bytes between the SSL library and the server until the handshake is over."""
    while True:
        try:
            tls.do_handshake()
            waiting = tls.renegotiate_pending()
        except SSL.WantReadError:
            waiting = True
        _flush(tls, connection)
        if not waiting:
            return
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        connection.settimeout(left)
        received = connection.recv(_PIECE)
        if not received:
            raise _Gone
        tls.bio_write(received)


def _flush(tls: SSL.Connection, connection: socket.socket) -> None:
    while True:
        try:
            connection.sendall(tls.bio_read(_PIECE))
        except SSL.WantReadError:
            return


def _reason(error: SSL.Error) -> str:
    try:
        return str(error.args[0][0][2])
    except (IndexError, TypeError):
        return str(error) or type(error).__name__
