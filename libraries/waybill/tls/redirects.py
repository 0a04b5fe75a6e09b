"""Answers that send a client of HTTP away from TLS."""

from __future__ import annotations

import re
import ssl
import time
from typing import Final

from waybill.tls.places import Outcome, Place

_AWAY: Final = re.compile(
    rb"^(?:location|refresh|content-location|alt-svc)\s*:[^\r\n]*\b(?:ws|http)://[^\r\n]*", re.I | re.M
)
_PATHS: Final = ("/", "/v2", "/ws", "/mqtt", "/xmpp-websocket")
_QUESTION: Final = (
    "GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: d2F5YmlsbCB3YXliaWxsIQ==\r\n\r\n"
)


def redirect(place: Place, deadline: float) -> tuple[Outcome, str]:
    """Asks over TLS for several paths, and looks for an address without TLS in the head of each answer.

    A server that says nothing to HTTP sends nobody anywhere.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    spoke = False
    for path in _PATHS:
        with (
            place.connect(deadline) as connection,
            context.wrap_socket(connection, server_hostname=place.name) as tls,
        ):
            question = _QUESTION.format(path=path, host=place.host, port=place.port)
            answer = _head(tls, question.encode(), deadline)
        if away := _AWAY.search(answer):
            return Outcome.ACCEPTED, f"to {path} it answers {away.group().decode(errors='replace')}"
        spoke = spoke or answer.startswith(b"HTTP/")
        if not answer.startswith(b"HTTP/"):
            break
    return Outcome.REFUSED, "it sends nobody away" if spoke else "it speaks no HTTP"


def _head(tls: ssl.SSLSocket, question: bytes, deadline: float) -> bytes:
    until, said = time.monotonic() + deadline, b""
    try:
        tls.sendall(question)
        while b"\r\n\r\n" not in said and len(said) < 65_536:
            tls.settimeout(max(0.01, until - time.monotonic()))
            received = tls.recv(4096)
            if not received:
                break
            said += received
    except (OSError, TimeoutError):
        pass
    return said
