"""Listeners that let through what nobody should be able to use."""

from __future__ import annotations

import asyncio
import datetime
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from waybill_server.defects.registry import ALWAYS, seeded
from waybill_server.node import Settings, assemble
from waybill_server.services import Services
from waybill_server.session import Session
from waybill_server.tls import tls_context
from waybill_server.token_check import TokenCheck

ELSEWHERE = "another.example"
DAY = datetime.timedelta(days=1)

_kept: list[asyncio.Task[None]] = []
"""The event loop itself keeps only a weak hold of its tasks."""


@seeded(
    "plaintext-port-open",
    seam="assembly",
    noticed={"TLS-1": ("insecure-ok",)},
    steady=ALWAYS,
)
def open_plaintext_port(settings: Settings, token_check: TokenCheck) -> Services:
    """Beside the port with TLS there is another one without; everything works on it."""
    services = assemble(settings, token_check)
    loop = asyncio.get_running_loop()

    async def listen() -> None:
        await loop.create_server(
            lambda: services.connection(
                services.limits, services.timing, lambda connection: Session(services, connection)
            ),
            settings.host,
            0,
        )

    _kept.append(loop.create_task(listen()))
    return services


@seeded(
    "tls10-allowed",
    seam="tls",
    noticed={"TLS-1": ("TLS 1.0 was accepted",), "TLS-2": ("the server went on with TLS 1.0",)},
    steady=ALWAYS,
)
def allow_tls_1_0(certificate: Path, key: Path) -> ssl.SSLContext:
    """Whoever speaks nothing newer than TLS 1.0 is served as well."""
    context = tls_context(certificate, key)
    context.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    return context


@seeded(
    "expired-certificate",
    seam="tls",
    noticed={"TLS-1": ("expired on",)},
    steady=ALWAYS,
)
def show_expired_certificate(certificate: Path, key: Path) -> ssl.SSLContext:
    """The certificate expired yesterday."""
    return _context(certificate, _names(certificate), until=-DAY)


@seeded(
    "wrong-host-certificate",
    seam="tls",
    noticed={"TLS-1": ("is not valid for",)},
    steady=ALWAYS,
)
def show_certificate_of_another_host(certificate: Path, key: Path) -> ssl.SSLContext:
    """The certificate is that of another host."""
    return _context(certificate, [x509.DNSName(ELSEWHERE)], until=DAY)


def _names(certificate: Path) -> list[x509.GeneralName]:
    genuine = x509.load_pem_x509_certificate(certificate.read_bytes())
    return list(genuine.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)


def _context(genuine: Path, names: list[x509.GeneralName], until: datetime.timedelta) -> ssl.SSLContext:
    """A context with a certificate of these names, signed by itself, that is good until so long from now."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, ELSEWHERE)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 30 * DAY)
        .not_valid_after(now + until)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    made = genuine.with_name("defective.pem")
    made.touch(mode=0o600)
    made.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return tls_context(made, made)
