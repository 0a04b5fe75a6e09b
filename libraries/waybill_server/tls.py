"""The server side's TLS."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path

MakeContext = Callable[[Path, Path], ssl.SSLContext]
"""Makes a server's context of a certificate and its key."""


class CannotUseCertificate(Exception):
    """The certificate or its key cannot be used."""


def tls_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """A server's context: TLS 1.2 and up, forward secrecy, no compression, no renegotiation.

    Raises:
        CannotUseCertificate: The certificate or key cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20")
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise CannotUseCertificate(
            f"certificate {certificate} with key {key} cannot be used: {error}"
        ) from None
    return context
