"""A byte stream over TCP or TLS that knows exactly whether anything left the client.

TLS runs over memory buffers, not over the socket: what is handed to the socket is then always counted in
bytes of the wire, a reader and writers in different threads never meet inside OpenSSL, and whatever arrived
is decrypted at once, so that "nothing more has arrived" can be told.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from waybill.drivers.base import Endpoint

PIECE = 65536
"""The most bytes read at once: several TLS records, and what one read of a busy socket gives at most."""

_SECURE = {"wss", "tls", "iriss", "xmpps"}
"""The schemes of addresses that begin with a TLS handshake."""

_POLLRDHUP: int = getattr(select, "POLLRDHUP", 0)
"""Wakes a writer that waits for room when the stream is aborted. Only Linux has it."""


class Broken(Exception):
    """The stream ended, or cannot be used.

    Attributes:
        code: In a word: `unreachable`, `untrusted`, `tls`, `timeout`, `connection-lost`.
    """

    def __init__(self, reason: str, *, code: str = "connection-lost") -> None:
        super().__init__(reason)
        self.code = code


class ByteStream:
    """One connection. One thread reads, any thread writes while it holds the lock `writing`.

    The methods `recv`, `send`, `gettimeout`, `settimeout` and `close` make it a socket in the eyes of
    websocket-client.

    Attributes:
        writing: Whoever writes holds it.
        blocking: Called by the reading thread before it waits for more, when it has read something since the
            last time. Returns True to be woken also when something can be written.
        cutting: The client ends the stream.
        piece: The most bytes that leave in one write, over TLS in one record; 0 for no limit.
    """

    def __init__(self, endpoint: Endpoint, deadline: float, piece: int = 0) -> None:
        """Connects, with a TLS handshake where the scheme asks for it.

        Raises:
            Broken: That was not possible.
        """
        self.writing = threading.Lock()
        self.blocking: Callable[[], bool] = lambda: False
        self.cutting = False
        self.piece = piece
        self._handed = False
        self._broken = ""
        self._buffer = b""
        self._at = 0
        self._fresh = False
        self._ended = False
        self._ciphering = threading.Lock()
        self._tls: ssl.SSLObject | None = None
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._bell: tuple[socket.socket, socket.socket] | None = None
        self._until: float | None = time.monotonic() + deadline
        url = urlsplit(endpoint.url)
        secure = url.scheme in _SECURE
        host, port = url.hostname or "", url.port or (443 if secure else 80)
        try:
            self._socket = socket.create_connection((host, port), timeout=deadline)
        except OSError as error:
            raise Broken(f"{host}:{port} cannot be reached: {error}", code="unreachable") from None
        try:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if secure:
                self._shake_hands(endpoint, endpoint.server_name or host)
        except BaseException:
            self._socket.close()
            raise

    # -- reading ---------------------------------------------------------------------------------------------

    def recv(self, size: int) -> bytes:
        """The next bytes, at least one, waiting for them if need be.

        Raises:
            Broken: The stream ended.
        """
        if self._at == len(self._buffer):
            self._fill()
        chunk = self._buffer[self._at : self._at + size]
        self._at += len(chunk)
        return chunk

    @property
    def arrived(self) -> bool:
        """Whether something can be read without waiting, be it the end of the stream."""
        if self._ended or self._at != len(self._buffer):
            return True
        poller = select.poll()
        poller.register(self._socket, select.POLLIN)
        return bool(poller.poll(0))

    def _fill(self) -> None:
        self._buffer, self._at = b"", 0
        while not self._buffer:
            if self._ended:
                raise Broken("the server closed the connection")
            received = self._receive()
            if self._tls is None:
                if not received:
                    raise Broken("the server closed the connection")
                self._buffer = received
            else:
                self._decrypt(self._tls, received)
        self._fresh = True

    def _decrypt(self, tls: ssl.SSLObject, received: bytes) -> None:
        chunks: list[bytes] = []
        ended = not received
        with self._ciphering:
            if received:
                self._incoming.write(received)
            else:
                self._incoming.write_eof()
            try:
                while self._incoming.pending or ended or tls.pending():
                    chunk = tls.read(PIECE)
                    if not chunk:
                        ended = True
                        break
                    chunks.append(chunk)
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError as error:
                if not chunks and not ended:
                    raise Broken(f"TLS: {error}", code="tls") from None
                ended = True
        self._buffer = b"".join(chunks)
        # The end may come in one read with data, and the server may wait for an answer before it closes the socket.
        self._ended = ended

    def _receive(self) -> bytes:
        """The next bytes of the wire, b"" at its end; says so before it blocks."""
        try:
            if self._until is not None:
                self._socket.settimeout(self._left())
                return self._socket.recv(PIECE)
            if self._fresh:
                try:
                    return self._socket.recv(PIECE, socket.MSG_DONTWAIT)
                except BlockingIOError:
                    self._fresh = False
            if self._bell is not None:
                self._wait_or_hear(self._bell[0])
            while self._bell is None and self.blocking():
                poller = select.poll()
                poller.register(self._socket, select.POLLIN | select.POLLOUT)
                if any(event & ~select.POLLOUT for _, event in poller.poll()):
                    break
            return self._socket.recv(PIECE)
        except TimeoutError:
            raise Broken("no answer in time", code="timeout") from None
        except OSError as error:
            raise Broken(f"the connection broke: {error}") from None

    def _wait_or_hear(self, bell: socket.socket) -> None:
        """Waits until something arrived; calls `blocking` before, and again whenever the bell was rung."""
        poller = select.poll()
        poller.register(bell, select.POLLIN)
        while True:
            room = select.POLLOUT if self.blocking() else 0
            poller.register(self._socket, select.POLLIN | room)
            for descriptor, event in poller.poll():
                if descriptor == bell.fileno():
                    with contextlib.suppress(BlockingIOError):
                        bell.recv(PIECE)
                elif event & ~select.POLLOUT:
                    return

    def hang_bell(self) -> None:
        """From now on `ring` makes the waiting reader call `blocking`; before the reading thread starts."""
        self._bell = socket.socketpair()
        for end in self._bell:
            end.setblocking(False)

    def ring(self) -> None:
        """Makes the reading thread call `blocking` before it waits on. Any thread may call this."""
        if self._bell is not None:
            # A full bell rings already; a closed one has nobody to hear it.
            with contextlib.suppress(OSError):
                self._bell[1].send(b"!")

    # -- writing ---------------------------------------------------------------------------------------------

    def write(self, data: bytes, deadline: float | None = None, *, whole: bool = False) -> None:
        """Writes everything, waiting for room if need be; with `whole` not in pieces. The caller holds `writing`.

        Raises:
            Broken: It was not all written; `handed` says whether any byte may have left. Later writes fail at
            once.
        """
        self._handed = False
        done = False
        try:
            if self._broken:
                raise Broken(self._broken)
            until = None if deadline is None else time.monotonic() + deadline
            step = max(1, len(data)) if whole or not self.piece else self.piece
            for start in range(0, len(data), step):
                self._write(memoryview(self._encrypt(data[start : start + step])), until)
            done = True
        except OSError as error:
            raise Broken(f"the connection broke: {error}") from None
        finally:
            if not done and not self._broken:
                self._broken = "an earlier write did not succeed"

    @property
    def handed(self) -> bool:
        """Whether any byte of the last write was, or may have been, given to the operating system."""
        return self._handed

    @property
    def broken(self) -> bool:
        """Whether a write has failed, as every later one will."""
        return bool(self._broken)

    @property
    def writable(self) -> bool:
        """Whether a small write would not wait."""
        poller = select.poll()
        try:
            poller.register(self._socket, select.POLLOUT)
            return bool(poller.poll(0))
        except (OSError, ValueError):
            return True

    def _encrypt(self, data: bytes) -> bytes:
        if self._tls is None:
            return data
        with self._ciphering:
            view = memoryview(data)
            try:
                while view:
                    view = view[self._tls.write(view) :]
            except ssl.SSLError as error:
                raise Broken(f"TLS: {error}") from None
            return self._outgoing.read()

    def _write(self, view: memoryview, until: float | None) -> None:
        gone = self._handed
        while view:
            # Said before the call: an interruption between the call and the next line must not look like
            # "nothing".
            self._handed = True
            try:
                count = self._socket.send(view, socket.MSG_DONTWAIT)
            except BlockingIOError:
                self._handed = gone
            except OSError:
                self._handed = gone
                raise
            else:
                gone = True
                view = view[count:]
                continue
            self._wait_for_room(until)

    def _wait_for_room(self, until: float | None) -> None:
        poller = select.poll()
        poller.register(self._socket, select.POLLOUT | _POLLRDHUP)
        left = None if until is None else max(0.0, until - time.monotonic()) * 1000
        events = poller.poll(left)
        if not events:
            raise Broken("the server does not read", code="timeout")
        if self.cutting or not events[0][1] & (select.POLLOUT | select.POLLERR | select.POLLHUP):
            raise Broken("the connection ended while writing")

    # -- securing a plain stream -----------------------------------------------------------------------------

    def secure(self, endpoint: Endpoint, name: str) -> None:
        """Goes over to TLS (STARTTLS). Whatever has arrived unencrypted and was not read yet is an intruder's.

        Raises:
            Broken: The handshake failed, or something came unencrypted before it.
        """
        if self._at != len(self._buffer):
            raise Broken("something came unencrypted after the server agreed to TLS", code="tls")
        self._shake_hands(endpoint, name)

    @property
    def patience(self) -> float:
        """Seconds that are left of the deadline.

        Raises:
            Broken: None are.
        """
        return self._left()

    def expect(self, seconds: float) -> None:
        """From now on reads wait for so long, all together."""
        self._until = time.monotonic() + seconds

    # -- the end ---------------------------------------------------------------------------------------------

    def established(self) -> None:
        """The login is done: from now on reads wait for as long as it takes."""
        self._until = None
        self._socket.settimeout(None)
        self._fresh = True

    def abort(self, *, reset: bool) -> None:
        """Makes the reader and a waiting writer find the end of the stream, without telling the server
        anything yet.

        Args:
            reset: `close` will then end the connection with a TCP reset.
        """
        self.cutting = True
        with contextlib.suppress(OSError):
            if reset:
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            # The receiving side only: it wakes the reader and sends nothing, so that a reset comes without a
            # goodbye.
            self._socket.shutdown(socket.SHUT_RD)

    def finish(self, deadline: float) -> None:
        """Tells the server that nothing more will be written; reading goes on. The caller holds `writing`.

        Raises:
            Broken: It could not be told.
        """
        if self._tls is not None:
            with self._ciphering:
                with contextlib.suppress(ssl.SSLError):
                    self._tls.unwrap()
                goodbye = self._outgoing.read()
            self._write(memoryview(goodbye), time.monotonic() + deadline)
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Closes the socket. Nobody may be reading or writing any more."""
        self._socket.close()
        for end in self._bell or ():
            end.close()

    # -- a socket in the eyes of websocket-client ------------------------------------------------------------

    def send(self, data: bytes) -> int:
        """Writes everything."""
        with self.writing:
            self.write(data, self._left())
        return len(data)

    def gettimeout(self) -> float | None:
        """The deadline is the stream's own affair."""
        return None

    def settimeout(self, timeout: float | None) -> None:
        """The deadline is the stream's own affair."""

    # -- inside ----------------------------------------------------------------------------------------------

    def _left(self) -> float:
        left = 0.0 if self._until is None else self._until - time.monotonic()
        if left <= 0:
            raise Broken("no answer in time", code="timeout")
        return left

    def _shake_hands(self, endpoint: Endpoint, name: str) -> None:
        context = endpoint.tls_context()
        tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)
        try:
            while True:
                try:
                    tls.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    self._pass_handshake_on()
        except ssl.SSLCertVerificationError as error:
            with contextlib.suppress(OSError, Broken):
                self._flush()
            raise Broken(f"its certificate is not valid: {error.verify_message}", code="untrusted") from None
        except ssl.SSLError as error:
            raise Broken(f"TLS handshake: {error}", code="tls") from None
        except TimeoutError:
            raise Broken("no TLS handshake in time", code="timeout") from None
        except OSError as error:
            raise Broken(f"the connection broke in the TLS handshake: {error}") from None
        self._flush()
        self._tls = tls

    def _pass_handshake_on(self) -> None:
        self._flush()
        self._socket.settimeout(self._left())
        received = self._socket.recv(PIECE)
        if received:
            self._incoming.write(received)
        else:
            self._incoming.write_eof()

    def _flush(self) -> None:
        data = self._outgoing.read()
        if data:
            self._socket.settimeout(self._left())
            self._socket.sendall(data)
