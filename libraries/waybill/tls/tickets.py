"""Sessions taken up again where they must not be: under another version, with another suite, by a forged ticket."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.bindings.openssl.binding import Binding
from OpenSSL import SSL

from waybill.tls.client import Client, reason
from waybill.tls.client_hello import EXTENDED_MASTER_SECRET, SESSION_TICKET
from waybill.tls.hello import TLS_1_2, TLS_1_3, VERSION_NAMES, Offer, client_hello
from waybill.tls.places import Outcome, Place
from waybill.tls.records import (
    ALERT,
    CERTIFICATE,
    CHANGE_CIPHER_SPEC,
    NEW_SESSION_TICKET,
    SERVER_HELLO,
    handshake_messages,
)
from waybill.tls.weak_suites import NAMES, STRONG

QUESTION: Final = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
"""Said so that nearly any server answers, be it by hanging up. Its tickets have come by then."""

_OCTETS, _SEQUENCE, _TICKET = 0x04, 0x30, 0xAA

_CLOSED: Final = -1
_BEGINS_ANEW: Final = {
    CERTIFICATE: "it began anew, with a handshake in full",
    ALERT: "it refused with an alert",
    _CLOSED: "it closed the connection",
}


class NoSession(Exception):
    """The server lets no session be taken up, or not in this way; the message says so."""


class NothingToTry(Exception):
    """The server does not have what would be abused; the message says what."""


@dataclass(frozen=True, slots=True)
class Known:
    """A session that a server agreed to take up again.

    Attributes:
        client: The client that it was made with.
        suite: Its cipher suite.
        id: Its id; empty where the server keeps none.
        ticket: Its ticket; empty where the server gave none.
        early_data: How many bytes the ticket allows to be sent along with the hello.
    """

    client: Client
    suite: int
    id: bytes
    ticket: bytes
    early_data: int


def begin(place: Place, version: int, deadline: float) -> Known:
    """Shakes hands once, so that there is a session.

    Raises:
        NothingToTry: The server does not speak this version.
        NoSession: It lets no session be taken up.
        OSError: It cannot be reached, or answers nothing.
    """
    with place.connect(deadline) as connection:
        client = Client(connection, place.name, deadline, newest=version)
        try:
            client.shake_hands()
        except SSL.Error as error:
            raise NothingToTry(f"it does not speak {VERSION_NAMES[version]}: {reason(error)}") from None
        if client.tls.get_protocol_version() != version:
            raise NothingToTry(f"it does not speak {VERSION_NAMES[version]}")
        if version == TLS_1_3:
            # Who says nothing to the question, and has given no ticket in all this time, gives none.
            with contextlib.suppress(TimeoutError):
                client.ask(QUESTION, lambda: _has_ticket(client))
        known = _read(client)
        client.say_goodbye()
    if known is None or not (known.ticket or (known.id and version < TLS_1_3)):
        raise NoSession(f"it lets no session of {VERSION_NAMES[version]} be taken up again")
    return known


def other_suite(place: Place, deadline: float) -> tuple[Outcome, str]:
    """Takes up a session of TLS 1.2 in a hello that does not offer its suite (RFC 5246, 7.4.1.2)."""
    known = begin(place, TLS_1_2, deadline)
    suites = tuple(suite for suite in STRONG if suite != known.suite)
    return _take_up(place, known, known.ticket, suites, deadline)


def forged(place: Place, deadline: float) -> tuple[Outcome, str]:
    """Takes up a session of TLS 1.2 by a ticket in which one bit is another."""
    known = begin(place, TLS_1_2, deadline)
    if not known.ticket:
        raise NoSession("it gives no tickets of TLS 1.2")
    middle = len(known.ticket) // 2
    ticket = known.ticket[:middle] + bytes([known.ticket[middle] ^ 1]) + known.ticket[middle + 1 :]
    return _take_up(place, known, ticket, tuple(STRONG), deadline)


def lower_version(place: Place, deadline: float) -> tuple[Outcome, str]:
    """Takes up a session of TLS 1.3 in TLS 1.2 (RFC 8446, 4.6.1)."""
    known = begin(place, TLS_1_3, deadline)
    return _take_up(place, known, known.ticket, (known.suite, *STRONG), deadline)


def _take_up(
    place: Place, known: Known, ticket: bytes, suites: tuple[int, ...], deadline: float
) -> tuple[Outcome, str]:
    extensions = [(EXTENDED_MASTER_SECRET, b"")]
    if ticket:
        extensions.append((SESSION_TICKET, ticket))
    # With a ticket any id will do: a server that takes the ticket says it back (RFC 5077, 3.4).
    offer = Offer(TLS_1_2, suites, session=known.id or b"waybill!" * 4, extensions=tuple(extensions))
    with place.connect(deadline) as connection:
        connection.sendall(client_hello(offer, place.name))
        for message in _messages(connection, deadline):
            if message in (CHANGE_CIPHER_SPEC, NEW_SESSION_TICKET):
                name = NAMES.get(known.suite, hex(known.suite))
                return Outcome.ACCEPTED, f"it took up the session, which was made with {name}"
            if message in _BEGINS_ANEW:
                return Outcome.REFUSED, _BEGINS_ANEW[message]
            if message != SERVER_HELLO:
                break
    return Outcome.UNANSWERED, "its answer says neither yes nor no"


def _messages(connection: socket.socket, deadline: float) -> Iterator[int]:
    """The kinds of messages as they come; _CLOSED for the end of the connection."""
    until, said, told = time.monotonic() + deadline, b"", 0
    while True:
        messages = list(handshake_messages(said))
        yield from messages[told:]
        told = len(messages)
        connection.settimeout(max(0.01, until - time.monotonic()))
        try:
            received = connection.recv(65_536)
        except ConnectionError:
            received = b""
        if not received:
            yield _CLOSED
            return
        said += received


def _has_ticket(client: Client) -> bool:
    known = _read(client)
    return known is not None and bool(known.ticket)


def _read(client: Client) -> Known | None:
    """What the library keeps of a session, which it writes in a form of its own (ASN.1)."""
    library, foreign = Binding.lib, Binding.ffi
    session = client.tls.get_session()
    if session is None:
        return None
    inner = session._session  # nothing public tells the ticket
    length = library.i2d_SSL_SESSION(inner, foreign.NULL)
    if length <= 0:
        return None
    space = foreign.new("unsigned char[]", length)
    library.i2d_SSL_SESSION(inner, foreign.new("unsigned char **", space))
    fields = list(_fields(_fields_of(bytes(foreign.buffer(space, length)))))
    octets = [content for tag, content in fields if tag == _OCTETS]
    ticket = next((content for tag, content in fields if tag == _TICKET), b"")
    return Known(
        client,
        int.from_bytes(octets[0], "big"),
        octets[1],
        next((content for _, content in _fields(ticket)), b""),
        library.SSL_SESSION_get_max_early_data(inner),
    )


def _fields_of(content: bytes) -> bytes:
    return next(inside for tag, inside in _fields(content) if tag == _SEQUENCE)


def _fields(content: bytes) -> Iterator[tuple[int, bytes]]:
    """The values of ASN.1 that stand one behind the other, each as its tag and its content."""
    at = 0
    while at < len(content):
        tag, length = content[at], content[at + 1]
        at += 2
        if length & 0x80:
            width = length & 0x7F
            length = int.from_bytes(content[at : at + width], "big")
            at += width
        yield tag, content[at : at + length]
        at += length
