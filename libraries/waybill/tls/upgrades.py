"""What a server that begins without TLS must not do before the upgrade, and what it must forget at it (STARTTLS)."""

from __future__ import annotations

import re
import socket
import ssl
import time
from base64 import b64encode
from typing import Final

from waybill.tls.places import Outcome, Place

_MARK: Final = b"waybill-injected"
_HEADER: Final = (
    b"<?xml version='1.0'?><stream:stream xmlns='jabber:client' version='1.0' to='%s' "
    b"xmlns:stream='http://etherx.jabber.org/streams'>"
)
_STARTTLS: Final = b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
_PING: Final = b"<iq type='get' id='" + _MARK + b"'><ping xmlns='urn:xmpp:ping'/></iq>"
_PLAIN_AUTH: Final = b"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>%s</auth>"
_AUTH: Final = _PLAIN_AUTH % b64encode(b"\0nobody\0waybill-no-password")
_FEATURES: Final = (b"</stream:features>", b"<stream:features/>", b"</stream:stream>")
_JUDGED: Final = re.compile(rb"<success\b|<challenge\b|<not-authorized\b")


def login_before_tls(place: Place, deadline: float) -> tuple[Outcome, str]:
    """Shows a credential in plaintext, as a client does from whom the offer of TLS was taken away."""
    with _plain(place, deadline) as connection:
        features = _open(connection, place, deadline)
        if b"<mechanism" in features:
            return Outcome.ACCEPTED, "it offers a login before TLS"
        connection.sendall(_AUTH)
        answer = _read_until(
            connection, (b"</failure>", b"<success", b"<challenge", b"</stream:stream>"), deadline
        )
    if _JUDGED.search(answer):
        return Outcome.ACCEPTED, f"it looked at a credential said in plaintext: {answer[-80:]!r}"
    return Outcome.REFUSED, "it looks at no credential before TLS"


def careless_login(place: Place, user: str, secret: str, deadline: float) -> tuple[Outcome, str]:
    """Logs in as a client does that takes what the server offers, TLS or not.

    Args:
        place: Where; nothing is said over TLS, whatever the place is known for.
        user: The account.
        secret: Its password or token, which is said if the server offers a login.
        deadline: Seconds for each answer.
    """
    with _plain(place, deadline) as connection:
        if b"<mechanism" not in _open(connection, place, deadline):
            return Outcome.REFUSED, "the server offers no login without TLS"
        shown = b64encode(f"\0{user}\0{secret}".encode())
        connection.sendall(_PLAIN_AUTH % shown)
        answer = _read_until(connection, (b"</failure>", b"<success", b"</stream:stream>"), deadline)
    if b"<success" in answer:
        return Outcome.ACCEPTED, "a client that takes what is offered got in, in plaintext"
    return Outcome.ACCEPTED, f"a client that takes what is offered said its credential: {answer[-80:]!r}"


def words_behind_the_wish(place: Place, deadline: float) -> tuple[Outcome, str]:
    """Puts a request behind the wish for TLS, in the same packet: nothing of it may count after the handshake.

    Whoever stands in the middle could put a victim's words behind their own (CVE-2011-0411).
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with _plain(place, deadline) as connection:
        _open(connection, place, deadline)
        connection.sendall(_STARTTLS + _header(place) + _PING)
        answer = _read_until(connection, (b"<proceed", b"<failure", b"</stream:stream>"), deadline)
        if b"<proceed" not in answer:
            return Outcome.REFUSED, "it does not go on to TLS"
        if _MARK in answer:
            return Outcome.ACCEPTED, "it answered the request in plaintext"
        try:
            with context.wrap_socket(connection, server_hostname=place.name) as tls:
                # Our own stream comes after the other words, so an answer to them comes before its features.
                tls.sendall(_header(place))
                said = _read_until(tls, _FEATURES, deadline)
        except (ssl.SSLError, ConnectionError) as error:
            return Outcome.REFUSED, f"no handshake came about: {error}"
    return _remembered(said)


def _remembered(said: bytes) -> tuple[Outcome, str]:
    """What the first words over TLS say of those before it."""
    if _MARK in said or said.count(b"<stream:stream") > 1:
        return Outcome.ACCEPTED, f"over TLS it answered what had been said before: {said[:80]!r}"
    if b"<stream:error" in said:
        return Outcome.ACCEPTED, f"over TLS it complained about what had been said before: {said[-80:]!r}"
    if b"<stream:features" not in said:
        return Outcome.REFUSED, "it ended the stream"
    return Outcome.REFUSED, "it forgot what came before the handshake"


def _plain(place: Place, deadline: float) -> socket.socket:
    return socket.create_connection((place.host, place.port), timeout=deadline)


def _header(place: Place) -> bytes:
    return _HEADER % (place.domain or place.name).encode()


def _open(connection: socket.socket, place: Place, deadline: float) -> bytes:
    connection.sendall(_header(place))
    return _read_until(connection, _FEATURES, deadline)


def _read_until(connection: socket.socket, ends: tuple[bytes, ...], deadline: float) -> bytes:
    """Reads until one of these was said, or the connection ended."""
    until, said = time.monotonic() + deadline, b""
    while not any(end in said for end in ends) and len(said) < 65_536:
        connection.settimeout(max(0.01, until - time.monotonic()))
        received = connection.recv(4096)
        if not received:
            break
        said += received
    return said
