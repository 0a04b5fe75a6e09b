"""A byte stream over TLS against a server of a few lines."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from waybill.drivers.base import Endpoint
from waybill.drivers.byte_stream import Broken, ByteStream
from waybill.tls.authority import Authority


class Server:
    """Takes one connection, and writes what a test gives it in one piece."""

    def __init__(self, folder: Path) -> None:
        authority = Authority(folder)
        issued = authority.issue(folder / "server", ["127.0.0.1"])
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(issued.certificate, issued.key)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = Endpoint(
            f"tls://127.0.0.1:{self.listener.getsockname()[1]}", authority=authority.certificate
        )
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = self.context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        self.shaken = threading.Event()
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self) -> None:
        self.connection, _ = self.listener.accept()
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self.connection.sendall(self.outgoing.read())
                self.incoming.write(self.connection.recv(65536))
        self.connection.sendall(self.outgoing.read())
        self.shaken.set()

    def say_and_end(self, data: bytes) -> None:
        """Data and the end of TLS in one write; the socket stays open."""
        assert self.shaken.wait(5)
        self.tls.write(data)
        with contextlib.suppress(ssl.SSLWantReadError):
            self.tls.unwrap()
        self.connection.sendall(self.outgoing.read())

    def close(self) -> None:
        self.thread.join(5)
        self.connection.close()
        self.listener.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path)
    yield server
    server.close()


def test_an_end_that_comes_with_data_is_not_forgotten(server: Server) -> None:
    stream = ByteStream(server.endpoint, 5.0)
    server.say_and_end(b"last words")
    assert stream.recv(100) == b"last words"
    with pytest.raises(Broken, match="the server closed the connection"):
        stream.recv(100)
    stream.close()
