"""What a client says before the TLS handshake where a protocol begins without TLS."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Final
from xml.sax.saxutils import quoteattr

_MOST: Final = 65_536
_PIECE: Final = 4096


class NotUpgraded(OSError):
    """The server does not go on to TLS."""


def xmpp(domain: str) -> Callable[[socket.socket], None]:
    """STARTTLS of XMPP (RFC 6120, 5.4).

    Args:
        domain: The domain that the stream is for.

    Returns:
        What says it on a new connection, and raises `NotUpgraded` if the server does not proceed.
    """
    stream = (
        "<?xml version='1.0'?><stream:stream xmlns='jabber:client' version='1.0' "
        f"xmlns:stream='http://etherx.jabber.org/streams' to={quoteattr(domain)}>"
    )

    def upgrade(connection: socket.socket) -> None:
        connection.sendall(stream.encode())
        features = _read_until(connection, (b"</stream:features>", b"</stream:stream>"))
        if b"<starttls" not in features:
            raise NotUpgraded(f"it offers no STARTTLS: {features[-80:]!r}")
        connection.sendall(b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
        answer = _read_until(connection, (b">",))
        if b"<proceed" not in answer:
            raise NotUpgraded(f"it does not proceed: {answer[-80:]!r}")

    return upgrade


def _read_until(connection: socket.socket, ends: tuple[bytes, ...]) -> bytes:
    """Reads until one of these was said.

    Raises:
        NotUpgraded: It never was.
    """
    content = b""
    while not any(end in content for end in ends):
        piece = connection.recv(_PIECE)
        content += piece
        if not piece or len(content) > _MOST:
            raise NotUpgraded(f"it does not speak XMPP: {content[:80]!r}")
    return content
