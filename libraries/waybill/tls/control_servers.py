"""Servers of our own that accept what a server under test must refuse.

A refusal means something only if the offer left this machine. So every probe is first made at a server here, and counts
only once that has accepted it. There are two:

- `WeakServer` is a whole TLS server on the SSL library at hand, at its lowest security level.
- `ReadingServer` has no SSL library. It reads the hello and goes on with whatever is offered, so that also what the
  library of this machine no longer has can be shown to be offered: SSL 2 and 3, RC4, compression. What is no TLS it
  sends back.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import socket
import ssl
import struct
import tempfile
import threading
import warnings
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from waybill.tls.hello import SSL_2
from waybill.tls.places import Place

_HOST: Final = "127.0.0.1"
_SECONDS: Final = 5.0
_ALLOW_CLIENT_RENEGOTIATION: Final = 1 << 8
"""OpenSSL's option of that name; the module ssl does not name it."""


class ControlServer:
    """A listening server with a thread of its own; each connection is served before the next.

    Attributes:
        place: Where it listens.
        heard: The first bytes of each connection.
    """

    def __init__(self, title: str) -> None:
        self._listener = socket.create_server((_HOST, 0))
        self.place = Place(title, _HOST, self._listener.getsockname()[1], "localhost")
        self.heard: list[bytes] = []
        self._thread = threading.Thread(target=self._serve, name=f"waybill {title}", daemon=True)
        self._thread.start()

    def __enter__(self) -> ControlServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends it; idempotent."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(_SECONDS)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                connection.settimeout(_SECONDS)
                self.heard.append(connection.recv(3, socket.MSG_PEEK))
                self.answer(connection)

    def answer(self, connection: socket.socket) -> None:
        """Serves one connection."""
        raise NotImplementedError


class WeakServer(ControlServer):
    """Accepts TLS 1.0 to 1.2, every suite of the SSL library, and renegotiation; sends back what it is told."""

    def __init__(self) -> None:
        self._context = weak_context()
        super().__init__("the weak control server")

    def answer(self, connection: socket.socket) -> None:
        """Shakes hands and sends back what comes."""
        with self._context.wrap_socket(connection, server_side=True) as tls:
            while content := tls.recv(4096):
                tls.sendall(content)


class ReadingServer(ControlServer):
    """Reads a hello and goes on with what it offers; sends back what is no hello."""

    def __init__(self, title: str = "the reading control server") -> None:
        super().__init__(title)

    def answer(self, connection: socket.socket) -> None:
        """Answers a hello, or sends back what came."""
        content = connection.recv(65_536)
        if content[:2] == b"\x16\x03":
            while len(content) < 5 + int.from_bytes(content[3:5], "big"):
                content += connection.recv(65_536)
            connection.sendall(self.hello(content))
        elif len(content) > 5 and content[0] & 0x80 and content[2:5] == b"\x01\x00\x02":
            connection.sendall(_ssl_2_server_hello())
        else:
            connection.sendall(content)

    def hello(self, record: bytes) -> bytes:
        """What it answers to a hello."""
        return server_hello(record)


def server_hello(record: bytes, extensions: bytes = b"", session: bytes = b"") -> bytes:
    """The answer to a hello: its version, its first suite, the last of its compressions, and no extension by itself."""
    hello = record[5:]
    if hello[0] != 1:
        return b""
    version, at = hello[4:6], 38
    at += 1 + hello[at]
    suites = hello[at + 2 : at + 2 + int.from_bytes(hello[at : at + 2], "big")]
    at += 2 + len(suites)
    compressions = hello[at + 1 : at + 1 + hello[at]]
    body = (
        version + os.urandom(32) + bytes([len(session)]) + session + suites[:2] + bytes([max(compressions)])
    )
    if extensions:
        body += struct.pack(">H", len(extensions)) + extensions
    handshake = b"\x02" + len(body).to_bytes(3, "big") + body
    return struct.pack(">B2sH", 22, version, len(handshake)) + handshake


def _ssl_2_server_hello() -> bytes:
    body = struct.pack(">BBBHHHH", 4, 0, 1, SSL_2, 0, 3, 16) + b"\x01\x00\x80" + os.urandom(16)
    return struct.pack(">H", 0x8000 | len(body)) + body


def weak_context(newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2) -> ssl.SSLContext:
    """A context at the lowest security level, with a key of either kind."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.options |= _ALLOW_CLIENT_RENEGOTIATION
    context.set_ciphers("ALL:COMPLEMENTOFALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # old versions are what it is for
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = newest
    with tempfile.TemporaryDirectory() as folder:
        for key in (ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 2048)):
            path = Path(folder) / "control.pem"
            path.write_bytes(self_signed(key))
            context.load_cert_chain(path)
    return context


def self_signed(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    """A certificate for localhost that nobody trusts, and its key (PEM)."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
