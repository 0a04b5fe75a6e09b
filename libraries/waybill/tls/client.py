"""A client on the SSL library whose bytes pass through our hands: what it says can be kept and said again."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable
from typing import TypeVar

from OpenSSL import SSL

from waybill.tls.hello import is_host_name

PIECE = 16_384

Result = TypeVar("Result")


class Gone(ConnectionError):
    """The server ended the connection."""


class Client:
    """Trusts everybody, and shakes hands when it is told to.

    Args:
        connection: A connection on which nothing of TLS was said yet.
        name: The host name to ask for.
        deadline: Seconds for everything.
        newest: The newest version to offer.
        earlier: A client whose session is to be taken up.

    Attributes:
        tls: The library's side.
        secrets: The secrets of its handshakes and of those of earlier ones, in the lines of a key log.
        received: Everything that the server said, as it came over the wire.
    """

    def __init__(
        self,
        connection: socket.socket,
        name: str,
        deadline: float,
        *,
        newest: int = SSL.TLS1_3_VERSION,
        earlier: Client | None = None,
    ) -> None:
        self.secrets: list[bytes] = earlier.secrets if earlier else []
        # A session is only good in the context that it was made in.
        self._context: SSL.Context = earlier._context if earlier else _context(newest, self.secrets)
        self.tls = SSL.Connection(self._context, None)
        self.tls.set_connect_state()
        if is_host_name(name):
            self.tls.set_tlsext_host_name(name.encode("idna"))
        session = earlier.tls.get_session() if earlier else None
        if session is not None:
            self.tls.set_session(session)
        self.received = b""
        self._connection = connection
        self._until = time.monotonic() + deadline

    def shake_hands(self) -> None:
        """Shakes hands.

        Raises:
            SSL.Error: One of both sides refused.
            OSError: The connection ended, or the deadline passed.
        """
        self._while_reading(self.tls.do_handshake)

    def ask(self, content: bytes, enough: Callable[[], bool]) -> None:
        """Says something, and reads until there is an answer, or an end, or enough has come.

        Raises:
            TimeoutError: Nothing of that in time.
        """
        self.tls.send(content)
        self._connection.sendall(self.unsent())
        with contextlib.suppress(SSL.Error, ConnectionError):
            while not enough():
                try:
                    self.tls.recv(PIECE)
                except SSL.WantReadError:
                    self._read()
                else:
                    return

    def say_goodbye(self) -> None:
        """Ends TLS in order, and waits for the server to do so: one that was hung up on may forget the session."""
        with contextlib.suppress(SSL.Error, OSError):
            self.tls.shutdown()
            self._connection.sendall(self.unsent())
            self._connection.shutdown(socket.SHUT_WR)
            while True:
                self._read()

    def unsent(self) -> bytes:
        """What the library wants to say, which is not said then."""
        try:
            return self.tls.bio_read(1 << 20)
        except SSL.WantReadError:
            return b""

    def _while_reading(self, act: Callable[[], Result]) -> Result:
        while True:
            try:
                done = act()
            except SSL.WantReadError:
                self._connection.sendall(self.unsent())
                self._read()
            except SSL.Error:
                # What the library had to say about it, an alert most of all, is for the server to know.
                self._connection.sendall(self.unsent())
                raise
            else:
                self._connection.sendall(self.unsent())
                return done

    def _read(self) -> None:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("no answer in time")
        self._connection.settimeout(left)
        received = self._connection.recv(PIECE)
        if not received:
            raise Gone("it closed the connection")
        self.received += received
        self.tls.bio_write(received)


def _context(newest: int, secrets: list[bytes]) -> SSL.Context:
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_max_proto_version(newest)
    context.set_verify(SSL.VERIFY_NONE)
    context.set_cipher_list(b"DEFAULT:@SECLEVEL=0")
    context.set_keylog_callback(lambda _, line: secrets.append(line))
    return context


def reason(error: SSL.Error) -> str:
    """Why the library gave up, in its words."""
    try:
        return str(error.args[0][0][2])
    except (IndexError, TypeError):
        return str(error) or type(error).__name__
