"""Somebody in the middle: a listener in a server's place that passes on to the server what it wants to.

Here is what only looks at, holds back or edits what passes by. `impostor.py` has the one that ends TLS itself.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Final, Self

from waybill.tls.client_hello import HANDSHAKE, ClientHello, NoClientHello
from waybill.tls.places import ANSWER, Place

_HOST: Final = "127.0.0.1"
_ALERT: Final = 21
_RECORDS: Final = range(20, 24)
"""How a record of TLS begins: the kinds that there are after the hello, and its own."""
_PIECE: Final = 65_536
_SECONDS: Final = 30.0
"""How long one connection through the middle may last; the devices' own deadlines are shorter."""

Edit = Callable[[bytes], bytes]
"""Gets what arrived in one direction and gives what is to go on; it may keep bytes back for the next call."""


def unchanged(content: bytes) -> bytes:
    """The edit that changes nothing."""
    return content


class Middle:
    """Listens, and has a thread for each connection. By itself it passes everything on unchanged.

    Args:
        server: The server in whose place it listens.

    Attributes:
        host: Where it listens.
        port: The number of its port.
        connections: How many connections came.
        attacked: On how many of them the attack was carried out.
        heard: Everything that it could read of what clients said.
        said: Everything that it could read of what the server said.
    """

    def __init__(self, server: Place) -> None:
        self.server = server
        self.connections = 0
        self.attacked = 0
        self.heard = bytearray()
        self.said = bytearray()
        self._sockets: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._closed = False
        self._listener = socket.create_server((_HOST, 0))
        self.host, self.port = _HOST, self._listener.getsockname()[1]
        self._start(self._listen)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends it and every connection through it, and waits for that; idempotent."""
        with self._lock:
            self._closed = True
            sockets = list(self._sockets)
        for one in (self._listener, *sockets):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(_SECONDS)

    def meet(self, client: socket.socket) -> None:
        """Serves one connection; when this returns or raises, the connection ends."""
        with self.upstream() as server:
            self.attacked += 1
            self.pass_on(client, server)

    def upstream(self) -> socket.socket:
        """A connection to the server, on which nothing was said yet."""
        return self.kept(socket.create_connection((self.server.host, self.server.port), timeout=ANSWER))

    def kept(self, connection: socket.socket) -> socket.socket:
        """A socket that ends when the middle is closed."""
        with self._lock:
            if self._closed:
                connection.close()
                raise ConnectionAbortedError("the middle is closed")
            self._sockets.add(connection)
        return connection

    def pass_on(
        self,
        client: socket.socket,
        server: socket.socket,
        up: Edit = unchanged,
        down: Edit = unchanged,
        until: Callable[[], bool] = lambda: False,
    ) -> None:
        """Passes on in both directions until one side ends, or until something is so.

        Args:
            client: The client's side.
            server: The server's side.
            up: What becomes of what the client says.
            down: What becomes of what the server says.
            until: Looked at whenever something was passed on.
        """
        ends = time.monotonic() + _SECONDS
        while (left := ends - time.monotonic()) > 0:
            for one in _ready(client, server, left):
                content = _read(one)
                if content is None:
                    continue
                if not content:
                    return
                (self.heard if one is client else self.said).extend(content)
                other, edit = (server, up) if one is client else (client, down)
                if edited := edit(content):
                    other.settimeout(ANSWER)
                    other.sendall(edited)
                if until():
                    return

    def _listen(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
                self.kept(client)
            except OSError:
                return
            self.connections += 1
            self._start(partial(self._serve, client))

    def _serve(self, client: socket.socket) -> None:
        # Whatever a connection ends with is for the two ends to tell.
        with client, contextlib.suppress(OSError, NoClientHello):
            client.settimeout(ANSWER)
            self.meet(client)

    def _start(self, task: Callable[[], None]) -> None:
        thread = threading.Thread(target=task, name="waybill middle", daemon=True)
        self._threads.append(thread)
        thread.start()


class Lowering(Middle):
    """Changes the client's hello on its way, wherever in the connection it comes.

    Attributes:
        asked: The hello as the client said it.
    """

    def __init__(self, server: Place, edit: Callable[[ClientHello], ClientHello]) -> None:
        self._edit = edit
        self.asked: ClientHello | None = None
        self.answer = b""
        super().__init__(server)

    def meet(self, client: socket.socket) -> None:
        """Passes on, but for the hello."""
        waiting, done = bytearray(), False

        def up(content: bytes) -> bytes:
            nonlocal done
            if done or (not waiting and content[0] != HANDSHAKE):
                return content
            waiting.extend(content)
            whole = 5 + int.from_bytes(waiting[3:5], "big")
            if len(waiting) < max(5, whole):
                return b""
            done = True
            self.asked = ClientHello.read(bytes(waiting[:whole]))
            changed = self._edit(self.asked)
            if changed != self.asked:
                self.attacked += 1
            return changed.record() + bytes(waiting[whole:])

        def down(content: bytes) -> bytes:
            if done:
                self.answer += content
            return content

        with self.upstream() as server:
            self.pass_on(client, server, up, down)


class Interrupting(Middle):
    """Answers every hello itself, so that the client may think that the server has no TLS, or not this one.

    What comes after that it hears, and passes nothing of it on.

    Args:
        server: The server in whose place it listens.
        answer: What it says to a hello; it ends the connection if that is a TLS alert.

    Attributes:
        asked: The hellos of all connections.
        spoken_to: Somebody said something that is no TLS.
    """

    def __init__(self, server: Place, answer: bytes) -> None:
        self._answer = answer
        self.asked: list[ClientHello] = []
        self.spoken_to = False
        super().__init__(server)

    def meet(self, client: socket.socket) -> None:
        """Says it, and listens."""
        first = bytearray()
        while len(first) < 5 or len(first) < 5 + int.from_bytes(first[3:5], "big"):
            if first and first[0] != HANDSHAKE:
                break
            first += client.recv(_PIECE) or first[:0]
            if not first:
                return
        if first[0] == HANDSHAKE:
            self.asked.append(ClientHello.read(bytes(first)))
        else:
            self._hear(bytes(first))
        self.attacked += 1
        client.sendall(self._answer)
        if self._answer[0] != _ALERT:
            while content := client.recv(_PIECE):
                self._hear(content)

    def _hear(self, content: bytes) -> None:
        self.spoken_to = self.spoken_to or content[0] not in _RECORDS
        self.heard += content


def _ready(client: socket.socket, server: socket.socket, seconds: float) -> list[socket.socket]:
    """Which of both has something to read; what TLS has decrypted already counts as well."""
    pending: list[socket.socket] = [
        one for one in (client, server) if isinstance(one, ssl.SSLSocket) and one.pending()
    ]
    return pending or select.select([client, server], [], [], seconds)[0]


def _read(connection: socket.socket) -> bytes | None:
    """What has come; empty for the end, None if it was nothing but a message of TLS itself."""
    connection.settimeout(0)
    try:
        return connection.recv(_PIECE)
    except (ssl.SSLWantReadError, BlockingIOError):
        return None
