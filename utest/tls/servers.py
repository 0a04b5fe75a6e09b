"""Servers for the tests of the probes: a strong one, and some that only say what they are told to."""

from __future__ import annotations

import contextlib
import datetime
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from waybill.tls.authority import Authority, Certificate
from waybill.tls.control_servers import ControlServer

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
DAY = datetime.timedelta(days=1)


class TlsServer(ControlServer):
    """Serves TLS with a context of the test's, and sends back what it is told."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__("the server")

    def answer(self, connection: socket.socket) -> None:
        with self._context.wrap_socket(connection, server_side=True) as tls:
            while content := tls.recv(4096):
                tls.sendall(content)


class Saying(ControlServer):
    """Waits for the first bytes, says something, and closes."""

    def __init__(self, content: bytes, then: Callable[[socket.socket], None] = lambda _: None) -> None:
        self._content = content
        self._then = then
        super().__init__("the server")

    def answer(self, connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(self._content)
        self._then(connection)


def until_closed(connection: socket.socket) -> None:
    """Keeps a connection open, silent, until the other side has closed it."""
    connection.settimeout(10)
    with contextlib.suppress(OSError):
        while connection.recv(65_536):
            pass


def strong_context(certificate: Certificate) -> ssl.SSLContext:
    """What a good server uses."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20")
    context.load_cert_chain(certificate.certificate, certificate.key)
    return context


def strong_server(folder: Path, names: tuple[str, ...] = ("localhost", "127.0.0.1")) -> TlsServer:
    """A good server; its authority is `ca.pem` in the folder."""
    return TlsServer(strong_context(Authority(folder).issue(folder / "server", names)))


class OwnAuthority:
    """An authority that issues what a good one never would."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.key: Key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")])
        own = (
            _builder(self.name, self.name, self.key, -DAY, DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self.key, hashes.SHA256())
        )
        self.certificate = folder / "authority.pem"
        self.certificate.write_bytes(own.public_bytes(serialization.Encoding.PEM))

    def issue(
        self,
        names: list[x509.GeneralName] | None,
        *,
        key: Key | None = None,
        since: datetime.timedelta = -DAY,
        until: datetime.timedelta = DAY,
        digest: hashes.HashAlgorithm | None = None,
        self_signed: bool = False,
    ) -> Certificate:
        """A certificate of any kind; the common name is always localhost."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
        builder = _builder(subject, subject if self_signed else self.name, key, since, until)
        if names is not None:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        signed = builder.sign(key if self_signed else self.key, digest or hashes.SHA256())
        issued = Certificate(self.folder / "issued.pem", self.folder / "issued-key.pem")
        issued.certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        issued.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return issued


def serve(certificate: Certificate) -> TlsServer:
    """A server that shows this certificate, however bad it is."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.load_cert_chain(certificate.certificate, certificate.key)
    return TlsServer(context)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: Key, since: datetime.timedelta, until: datetime.timedelta
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + since)
        .not_valid_after(now + until)
    )
